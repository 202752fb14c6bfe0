"""A connection to one host: TCP, through the proxy if there is one, and TLS."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from graphdaemon.http.exchange import Http11
from graphdaemon.http.limits import Limits
from graphdaemon.http.proxy import Proxy
from graphdaemon.http.tunnel import Way, begin_tls, blame_proxy, pass_proxy
from graphdaemon.settings.text import encode_host

if TYPE_CHECKING:
    from graphdaemon.http.tls_in_tls import TlsInTls


class Connection:
    """
    A connection that another thread can abort, and that remembers it.

    Args:
        name: The host.
        port: Its port.
        context: The trust of TLS; None is no TLS, for a machine's own metadata service.
        timeout: Seconds to wait for the host at any one step of an exchange.
        limits: What an answer may cost.
        clock: Seconds that only grow.
        proxy: What leads to the host, if it is not reached directly.
        proxy_context: The trust of TLS to the proxy, by default that to the host.

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
        proxy: Proxy | None = None,
        proxy_context: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._port = port
        self._context = context
        self._proxy = proxy
        self._proxy_context = proxy_context
        self._timeout = timeout
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        # What is aborted and closed: the connection to the host, or to the proxy.
        self._sock: socket.socket | None = None
        self._tls: ssl.SSLSocket | TlsInTls | None = None
        self.aborted = False
        self.http: Http11 | None = None

    def open(self) -> Http11:
        """
        Connect, and begin TLS where it is used; what fails is closed.

        Raises:
            HandshakeCutError: The connection was made, and broke during the TLS handshake.
            ProxyError: The proxy does not lead to the host.
            SettingsError: The proxy takes a package that is missing.
            OSError: It could not be made.
            ValueError: The name is none that a host can have.
        """
        if self.aborted:
            raise ConnectionAbortedError("it was aborted before it was opened")
        try:
            if self._proxy is None:
                sock = self._reach(self._name, self._port)
            else:
                sock = self._pass_proxy(self._proxy)
            self._tls = None
            if self._context is not None:
                self._tls = begin_tls(sock, self._context, self._name, self._hold)
        except BaseException:
            self.close()
            raise
        self.http = Http11(self._tls or sock, self._limits, self._timeout, self._clock)
        return self.http

    def read_certificate(self) -> bytes:
        """Return the host's certificate in DER; empty if there is none."""
        assert self._tls is not None, "it is open"
        return self._tls.getpeercert(binary_form=True) or b""

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

    def _reach(self, name: str, port: int) -> socket.socket:
        """Return a socket that is connected to the first address of the host that answers."""
        refusal = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            encode_host(name), port, type=socket.SOCK_STREAM
        ):
            sock = socket.socket(family, kind, protocol)
            self._hold(sock)
            try:
                sock.settimeout(self._step_seconds)
                sock.connect(address)
                # A head and a body that are written apart would wait for one another.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                self.close()
                refusal = error
            else:
                return sock
        raise refusal

    def _pass_proxy(self, proxy: Proxy) -> socket.socket:
        """Return a connection that leads to the host, through the proxy."""
        assert self._context is not None, "a machine's own service is reached directly"
        with blame_proxy(proxy, self._step_seconds):
            sock = self._reach(proxy.host, proxy.port)
        way = Way(
            self._proxy_context or self._context,
            self._limits,
            self._step_seconds,
            self._clock,
            self._hold,
        )
        return pass_proxy(sock, proxy, self._name, self._port, way)

    @property
    def _step_seconds(self) -> float:
        return min(self._timeout, self._limits.connect_seconds)

    def _hold(self, sock: socket.socket) -> None:
        with self._lock:
            self._sock = sock
            if self.aborted:
                raise ConnectionAbortedError("it was aborted while it was being opened")
