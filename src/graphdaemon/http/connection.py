"""A connection to one host: TCP, through the proxy if there is one, and TLS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping

from graphdaemon.http.exchange import Deadline, Http11
from graphdaemon.http.failures import HandshakeCutError
from graphdaemon.http.limits import LimitExceededError, Limits


class Connection:
    """
    A connection that another thread can abort, and that remembers it.

    Args:
        name: The host that TCP is connected to: the proxy's, where there is one.
        port: Its port.
        context: The trust of TLS; None is no TLS, for a machine's own metadata service.
        timeout: Seconds to wait for the host at any one step of an exchange.
        limits: What an answer may cost.
        clock: Seconds that only grow.

    Attributes:
        aborted: Whether it was aborted; it cannot be opened after that.
        http: What speaks HTTP over it; None while it is not open.
    """

    def __init__(
        self,
        name: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        timeout: float,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = self._end = (name, port)
        self._proxy_headers: dict[str, str] = {}
        self._context = context
        self._timeout = timeout
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self.aborted = False
        self.http: Http11 | None = None

    def set_tunnel(self, name: str, port: int, headers: Mapping[str, str]) -> None:
        """Take the host that TCP is connected to as a proxy, which leads to `name` and `port`."""
        self._end = (name, port)
        self._proxy_headers = dict(headers)

    def open(self) -> Http11:
        """
        Connect, and begin TLS where it is used; what fails is closed.

        Raises:
            HandshakeCutError: The connection was made, and broke during the TLS handshake.
            OSError: It could not be made.
            ValueError: The name is none that a host can have.
        """
        if self.aborted:
            raise ConnectionAbortedError("it was aborted before it was opened")
        try:
            sock = self._reach()
            if self._end != self._address:
                self._open_tunnel(sock)
            if self._context is not None:
                sock = self._begin_tls(sock, self._context)
        except BaseException:
            self.close()
            raise
        self.http = Http11(sock, self._limits, self._timeout, self._clock)
        return self.http

    def read_certificate(self) -> bytes:
        """Return the host's certificate in DER; empty if there is none."""
        assert isinstance(self._sock, ssl.SSLSocket), "it is open"
        return self._sock.getpeercert(binary_form=True) or b""

    def abort(self) -> None:
        """End whatever another thread is doing with the connection, and let it not be opened."""
        with self._lock:
            self.aborted = True
            if self._sock is not None:
                # SSLSocket.shutdown would end TLS, which another thread is reading; the plain
                # method leaves it alone. An OSError means that nothing is connected.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it; it can be opened again."""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
            self._sock = self.http = None

    def _reach(self) -> socket.socket:
        """Return a socket that is connected to the first address of the host that answers."""
        refusal = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            *self._address, type=socket.SOCK_STREAM
        ):
            sock = socket.socket(family, kind, protocol)
            self._hold(sock)
            try:
                sock.settimeout(min(self._timeout, self._limits.connect_seconds))
                sock.connect(address)
                # A head and a body that are written apart would wait for one another.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                self.close()
                refusal = error
            else:
                return sock
        raise refusal

    def _open_tunnel(self, sock: socket.socket) -> None:
        name, port = self._end
        authority = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        seconds = min(self._timeout, self._limits.connect_seconds)
        deadline = Deadline(self._clock() + seconds, seconds)
        headers = [("Host", authority), *self._proxy_headers.items()]
        http = Http11(sock, self._limits, seconds, self._clock)
        try:
            http.open_tunnel(authority, headers, deadline)
        except LimitExceededError as error:
            if error.limit == "answer_seconds":
                raise TimeoutError from None
            raise
        sock.settimeout(seconds)

    def _begin_tls(self, sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        tls = context.wrap_socket(
            sock,
            server_hostname=self._end[0],
            # Else a connection that is cut would look like one that ended.
            suppress_ragged_eofs=False,
            # Held before the handshake, so that it can be aborted during it.
            do_handshake_on_connect=False,
        )
        self._hold(tls)
        try:
            tls.do_handshake()
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise HandshakeCutError("the connection broke when TLS began") from None
        return tls

    def _hold(self, sock: socket.socket) -> None:
        with self._lock:
            self._sock = sock
            if self.aborted:
                raise ConnectionAbortedError("it was aborted while it was being opened")
