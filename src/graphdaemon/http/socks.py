"""SOCKS 5 proxies; the package python-socks (an extra) lives here alone."""

import importlib.util
import socket
from typing import Any, NamedTuple, cast

from graphdaemon.errors import SettingsError
from graphdaemon.http.proxy import Proxy


class SocksProblem(NamedTuple):
    """Why a SOCKS proxy does not lead to the host: a case of the diagnoses, and its words."""

    case: str
    words: str


class _Reached:
    """Stands for the connector of python-socks, since the connection is made already."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def connect(self, **_place: object) -> socket.socket:
        return self._sock


def require_socks(source: str) -> None:
    """
    Make sure that the package is there, without loading it.

    Raises:
        SettingsError: It is missing; `source` is the variable that names the proxy.
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
    Have the proxy that `sock` is connected to connect it to `name` and `port`.

    Returns:
        Why it does not, or None.

    Raises:
        OSError: The connection to the proxy broke, or nothing came in time.
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
        # It calls nothing of this but `connect`.
        forward=cast("Any", _Reached(sock)),
    )
    try:
        socks.connect(name, port, seconds)
    except python_socks.ProxyTimeoutError:
        raise TimeoutError from None
    except UnicodeError:
        # RFC 1929 says nothing of encodings, and the package takes ASCII alone.
        return SocksProblem("proxy_password", "takes user and password in ASCII only")
    except python_socks.ProxyError as error:
        if "uthentication" in str(error):
            return SocksProblem("proxy_password", f"does not sign us in: {error}")
        if error.error_code is not None:
            return SocksProblem("proxy_gateway", f"could not reach the host: {error}")
        return SocksProblem("proxy_foreign", "answers, and not as a SOCKS 5 proxy does")
    return None
