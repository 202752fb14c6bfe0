"""Connect through SOCKS 5 proxies; only this module uses the package python-socks (an extra)."""

import importlib.util
import socket
from typing import Any, NamedTuple, cast

from graphdaemon.errors import SettingsError
from graphdaemon.http.proxy import Proxy


class SocksProblem(NamedTuple):
    """Why a SOCKS proxy does not connect to the host: a case of the diagnoses, and a message."""

    case: str
    words: str


class _Reached:
    """Takes the place of python-socks' connector, because the proxy is connected already."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def connect(self, **_place: object) -> socket.socket:
        return self._sock


def require_socks(source: str) -> None:
    """
    Check that the package python-socks is installed, without importing it.

    Args:
        source: The environment variable, or other setting, that names the proxy.

    Raises:
        SettingsError: The package is missing.
    """
    if importlib.util.find_spec("python_socks") is None:
        raise SettingsError(
            f"{source} names a SOCKS proxy, and the package python-socks is missing",
            code="proxy_invalid",
            hint="Run pip install 'graphdaemon[socks]', or name an HTTP proxy.",
        )


def connect_through(
    sock: socket.socket, proxy: Proxy, name: str, port: int, seconds: float
) -> SocksProblem | None:
    """
    Ask the proxy to which `sock` is connected for a connection to the host `name` and `port`.

    Returns:
        Why the proxy did not make the connection; None if it did.

    Raises:
        OSError: The connection to the proxy broke, or it did not answer within `seconds`.
    """
    import python_socks
    from python_socks.sync import Proxy as Socks

    socks = Socks(
        python_socks.ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password.reveal() if proxy.password is not None else proxy.username and "",
        rdns=True,
        # The package calls only its method `connect`.
        forward=cast("Any", _Reached(sock)),
    )
    try:
        socks.connect(name, port, seconds)
    except python_socks.ProxyTimeoutError:
        raise TimeoutError from None
    except UnicodeError:
        # RFC 1929 does not name an encoding, and the package takes only ASCII.
        return SocksProblem("proxy_password", "takes user and password in ASCII only")
    except python_socks.ProxyError as error:
        if "uthentication" in str(error):
            return SocksProblem("proxy_password", f"does not sign us in: {error}")
        if error.error_code is not None:
            return SocksProblem("proxy_gateway", f"could not reach the host: {error}")
        return SocksProblem("proxy_foreign", "does not answer as a SOCKS 5 proxy does")
    return None
