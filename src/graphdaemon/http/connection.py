"""A connection to one host: TCP, a tunnel through the proxy if there is one, and TLS."""

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
    A connection to a host, which another thread can abort for good.

    Args:
        name: The name of the host, or its IP address.
        port: Its port.
        context: The TLS context, with the certificate authorities to trust; None for a connection
            without TLS, as to the metadata service of a virtual machine.
        timeout: The seconds that each wait for the host may take.
        limits: How large an answer may be, and how long it may take.
        clock: A clock that never goes back, in seconds.
        proxy: The proxy through which the host is reached; None to reach it directly.
        proxy_context: The TLS context for the proxy; by default `context`.

    Attributes:
        aborted: Whether `abort` was called; then it cannot be opened any more.
        http: Sends requests over the connection; None while it is not open.
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
        Connect to the host, and do the TLS handshake. After a failure the connection is closed.

        Raises:
            HandshakeCutError: The connection broke during the TLS handshake.
            ProxyError: The proxy does not connect to the host.
            SettingsError: The package for this kind of proxy is missing.
            OSError: The connection could not be made.
            ValueError: The name cannot be the name of a host.
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
        """Return the certificate of the host as DER; empty if it has none."""
        assert self._tls is not None, "it is open"
        return self._tls.getpeercert(binary_form=True) or b""

    def abort(self) -> None:
        """Cut the connection, whatever another thread does with it; it cannot be opened again."""
        with self._lock:
            self.aborted = True
            if self._sock is not None:
                # SSLSocket.shutdown would change the TLS state, which another thread is using; the
                # method of the plain socket does not. An OSError means that it is not connected.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, which can be opened again."""
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
                # Without this, a body would not be sent before the head is acknowledged.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                self.close()
                refusal = error
            else:
                return sock
        raise refusal

    def _pass_proxy(self, proxy: Proxy) -> socket.socket:
        """Return a socket that is connected to the host through the proxy."""
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
