"""Requests to the real hosts, through whatever proxy leads there, with TLS verified."""

import base64
import http.client
import ssl
import threading
import traceback
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass

from entra_emulator.web.exchange import Headers

# Seconds without a sign from the service.
PATIENCE = 120.0
# So many idle connections are kept for each host.
_MOST_IDLE = 8
_PROXY_PORTS = {"http": 80, "https": 443}
# Methods that may be sent again when a kept connection turns out to be closed (RFC 9110, 9.2.2).
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class ServiceUnreachable(Exception):  # noqa: N818 - the name says what happened
    """The real service does not answer; the text says why, without anything that was sent."""


class RealRequest(NamedTuple):
    """A request for a real host: its address below the host, and headers in small letters."""

    host: str
    method: str
    target: str
    headers: Headers
    body: bytes


class RealAnswer(NamedTuple):
    """What the real service answered: the body as it came, compressed or not."""

    status: int
    headers: Headers
    body: bytes


class RealService:
    """
    The real hosts.

    Args:
        tls: what is trusted; the name of each host is checked.
        proxies: the proxies by scheme, as `urllib.request.getproxies` returns them.
    """

    def __init__(self, tls: ssl.SSLContext, proxies: Mapping[str, str]) -> None:
        self._tls = tls
        self._proxy = proxies.get("https") or proxies.get("all") or ""
        self._lock = threading.Lock()
        self._idle: dict[str, list[http.client.HTTPSConnection]] = defaultdict(list)

    def send(self, request: RealRequest) -> RealAnswer:
        """
        Send a request to its host, and wait for the whole answer.

        Raises:
            ServiceUnreachable: no answer, or not a whole one.
        """
        host = request.host
        connection = self._take(host) if request.method in _REPEATABLE else None
        if connection is not None:
            try:
                return self._exchange(connection, request)
            except (OSError, http.client.HTTPException):
                connection.close()
        connection = self._open(host)
        try:
            return self._exchange(connection, request)
        except (OSError, http.client.HTTPException) as error:
            # Debian's Python (3.11.2) leaves the answer of a proxy that refuses, and so its socket,
            # to whoever remembers the error.
            traceback.clear_frames(error.__traceback__)
            connection.close()
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise ServiceUnreachable(f"{host} does not answer: {reason}") from error

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            connections = [one for several in self._idle.values() for one in several]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _take(self, host: str) -> http.client.HTTPSConnection | None:
        with self._lock:
            idle = self._idle[host]
            return idle.pop() if idle else None

    def _open(self, host: str) -> http.client.HTTPSConnection:
        if not self._proxy or proxy_bypass(host):
            return http.client.HTTPSConnection(host, timeout=PATIENCE, context=self._tls)
        proxy = read_proxy(self._proxy)
        connection = http.client.HTTPSConnection(
            proxy.host, proxy.port, timeout=PATIENCE, context=self._tls
        )
        connection.set_tunnel(host, 443, headers=dict(proxy.headers))
        return connection

    def _exchange(
        self, connection: http.client.HTTPSConnection, request: RealRequest
    ) -> RealAnswer:
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        answer = RealAnswer(
            response.status,
            tuple((name.lower(), value) for name, value in response.getheaders()),
            response.read(),
        )
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                idle = self._idle[request.host]
                if len(idle) < _MOST_IDLE:
                    idle.append(connection)
                else:
                    connection.close()
        return answer


class Proxy(NamedTuple):
    """A proxy that speaks HTTP, the headers that it wants, and whether TLS leads there."""

    host: str
    port: int
    headers: Headers
    is_secure: bool = False


def read_proxy(url: str) -> Proxy:
    """
    The proxy of an address such as `http://user:password@host:8080`.

    Raises:
        ServiceUnreachable: it is no proxy of HTTP, over TLS or not.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in _PROXY_PORTS or not parts.hostname:
        shown = f"{parts.scheme}://{parts.hostname or ''}"
        raise ServiceUnreachable(
            f"only proxies of http:// and https:// are spoken to, and this is {shown}"
        )
    headers: Headers = ()
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        value = base64.b64encode(pair.encode()).decode()
        headers = (("Proxy-Authorization", f"Basic {value}"),)
    port = parts.port or _PROXY_PORTS[parts.scheme]
    return Proxy(parts.hostname, port, headers, parts.scheme == "https")
