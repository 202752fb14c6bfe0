"""Reach a host through a proxy: TLS to the proxy if needed, then a tunnel to the host."""

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from graphdaemon.http.exchange import (
    AnswerCutError,
    AnswerMalformedError,
    Deadline,
    Head,
    Http11,
    is_cut,
)
from graphdaemon.http.limits import LimitExceededError, Limits
from graphdaemon.http.proxy import Proxy
from graphdaemon.settings.text import encode_host

if TYPE_CHECKING:
    from graphdaemon.http.tls_in_tls import TlsInTls


Hold = Callable[[socket.socket], None]
"""Is called with each socket before anything waits for it, so that another thread can abort."""


class HandshakeCutError(ConnectionError):
    """The host, or something between, closed the connection during the TLS handshake."""


class Way(NamedTuple):
    """
    What is needed to reach a host through a proxy.

    Attributes:
        context: The TLS context for the proxy, with the certificate authorities to trust.
        limits: How large the answer of the proxy may be.
        seconds: The seconds that each step may take.
        clock: A clock that never goes back, in seconds.
        hold: Is called with each socket.
    """

    context: ssl.SSLContext
    limits: Limits
    seconds: float
    clock: Callable[[], float]
    hold: Hold


# The name of an authentication scheme is followed by a space, a comma or nothing; that of a
# parameter by an equals sign.
_SCHEME = r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]{0,30})(?=\s*(?:$|,)|\s+[^\s=])"


class ProxyError(OSError):
    """
    The proxy failed, or could not be reached; nothing was sent to the host.

    Attributes:
        case: The name of the case in the table of diagnoses.
    """

    def __init__(self, case: str, message: str) -> None:
        # Both arguments, so that the exception can be copied and pickled.
        super().__init__(case, message)
        self.case = case
        self._message = message

    def __str__(self) -> str:
        return self._message


@contextlib.contextmanager
def blame_proxy(proxy: Proxy, seconds: float) -> Iterator[None]:
    """Turn the failures of the block, which connects or speaks to the proxy, into `ProxyError`."""
    try:
        yield
    except ProxyError:
        raise
    except (AnswerCutError, AnswerMalformedError, LimitExceededError) as error:
        raise _foreign(proxy) from error
    except (OSError, ValueError) as error:
        case, words = _describe(error, seconds)
        raise ProxyError(case, words.format(proxy=_name(proxy))) from error


def pass_proxy(sock: socket.socket, proxy: Proxy, name: str, port: int, way: Way) -> socket.socket:
    """
    Ask the proxy to which `sock` is connected for a connection to the host `name` and `port`.

    An HTTP proxy is asked for a tunnel (RFC 9110, 9.3.6). If its address has the scheme https, TLS
    is begun before, so that the password is encrypted. As in curl, a SOCKS proxy resolves the name
    of the host if its scheme is socks5h; with socks5, this machine does.

    Returns:
        The socket that is now connected to the host.

    Raises:
        ProxyError: The proxy does not connect to the host; the message quotes its answer.
        SettingsError: The package for SOCKS is missing.
        OSError: With socks5, the name of the host could not be resolved.
    """
    if proxy.scheme.startswith("socks"):
        _pass_socks(sock, proxy, name, port, way)
    else:
        with blame_proxy(proxy, way.seconds):
            if proxy.scheme == "https":
                sock = _wrap(sock, way.context, proxy.host, way.hold)
            _open_tunnel(sock, proxy, name, port, way)
    sock.settimeout(way.seconds)
    return sock


def begin_tls(
    sock: socket.socket, context: ssl.SSLContext, name: str, hold: Hold
) -> "ssl.SSLSocket | TlsInTls":
    """
    Do the TLS handshake with the host `name` to which `sock` is connected.

    Raises:
        HandshakeCutError: The connection broke during the handshake.
        OSError: The handshake failed in another way, such as an untrusted certificate.
    """
    try:
        if not isinstance(sock, ssl.SSLSocket):
            return _wrap(sock, context, name, hold)
        # Imported here, because it imports much, and few proxies are reached over TLS.
        from graphdaemon.http.tls_in_tls import TlsInTls

        return TlsInTls(sock, context, name)
    except (ConnectionResetError, BrokenPipeError, ssl.SSLZeroReturnError):
        raise HandshakeCutError("the connection broke when TLS began") from None
    except ssl.SSLError as error:
        if not is_cut(error):
            raise
        raise HandshakeCutError("the connection broke when TLS began") from None


def _wrap(sock: socket.socket, context: ssl.SSLContext, name: str, hold: Hold) -> ssl.SSLSocket:
    tls = context.wrap_socket(
        sock,
        server_hostname=encode_host(name),
        # Otherwise a connection that was cut would look like one that was closed.
        suppress_ragged_eofs=False,
        # `hold` gets the socket before the handshake, so that it can be aborted during it.
        do_handshake_on_connect=False,
    )
    hold(tls)
    tls.do_handshake()
    return tls


def _open_tunnel(sock: socket.socket, proxy: Proxy, name: str, port: int, way: Way) -> None:
    authority = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    headers = [("Host", authority), *proxy.authorization.items()]
    http = Http11(sock, way.limits, way.seconds, way.clock)
    deadline = Deadline(way.clock() + way.seconds, way.seconds)
    try:
        head = http.open_tunnel(authority, headers, deadline)
    except LimitExceededError as error:
        if error.limit == "answer_seconds":
            raise TimeoutError from None
        raise
    if not 200 <= head.status < 300:
        raise _refused(proxy, head)


def _pass_socks(sock: socket.socket, proxy: Proxy, name: str, port: int, way: Way) -> None:
    from graphdaemon.http.socks import connect_through, require_socks

    require_socks(proxy.source)
    if proxy.scheme == "socks5":
        name = str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])
    with blame_proxy(proxy, way.seconds):
        problem = connect_through(sock, proxy, name, port, way.seconds)
    if problem is not None:
        raise ProxyError(problem.case, f"{_name(proxy)} {problem.words}")


def _name(proxy: Proxy) -> str:
    return f"the proxy {proxy.address} ({proxy.source})"


def _describe(error: Exception, seconds: float) -> tuple[str, str]:
    """Return the case of a failure, and a message in which `{proxy}` stands for the proxy."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "proxy_untrusted",
            f"the certificate of {{proxy}} is not trusted: {error.verify_message}",
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return "proxy_unknown", "the name of {proxy} could not be resolved"
    if isinstance(error, TimeoutError):
        return "proxy_silent", f"{{proxy}} did not answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "proxy_down", "nothing answers at {proxy}: connection refused"
    if is_cut(error) or isinstance(
        error, ConnectionError | AnswerCutError | ssl.SSLZeroReturnError
    ):
        return "proxy_lost", "{proxy} closed the connection"
    if isinstance(error, ssl.SSLError):
        return "proxy_foreign", "{proxy} does not speak TLS, although its address is https://"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return "proxy_down", f"no connection to {{proxy}} could be made: {reason}"


def _foreign(proxy: Proxy) -> ProxyError:
    return ProxyError("proxy_foreign", f"{_name(proxy)} does not answer as an HTTP proxy does")


def _refused(proxy: Proxy, head: Head) -> ProxyError:
    printable = "".join(one if one.isprintable() else "\ufffd" for one in head.reason)
    words = f"{head.status} {printable[:100]}".strip()
    if head.status == 407:
        schemes = _list_schemes(head.headers.get_all("Proxy-Authenticate") or [])
        if schemes and "basic" not in map(str.lower, schemes):
            return ProxyError(
                "proxy_sign_in",
                f"{_name(proxy)} asks for a sign-in by {' or '.join(schemes)}, which is not "
                f"supported: {words}",
            )
    case = {
        403: "proxy_blocked",
        407: "proxy_password",
        502: "proxy_gateway",
        503: "proxy_gateway",
        504: "proxy_gateway",
    }.get(head.status, "proxy_refused")
    problem = {
        "proxy_gateway": "could not reach the host",
        "proxy_password": "asks for a user name and password"
        if proxy.username is None
        else "does not accept the user name and password given",
    }.get(case, "refused the connection")
    return ProxyError(case, f"{_name(proxy)} {problem}: {words}")


def _list_schemes(challenges: list[str]) -> list[str]:
    """Return the names of the authentication schemes in the challenges (RFC 9110, 11.6.1)."""
    unquoted = (re.sub(r'"(?:\\.|[^"\\])*"?', "", challenge[:1000]) for challenge in challenges)
    return list(dict.fromkeys(name for text in unquoted for name in re.findall(_SCHEME, text)))
