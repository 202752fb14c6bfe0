"""
HTTPS requests to the token service and to Graph, over connections that are kept open.

Blocking `http.client` connections driven by daemon threads: measured against other stacks, this
starts in a third of their time and costs no more per page (docs/decisions/0002).
"""

import asyncio
import contextlib
import http.client
import queue
import socket
import ssl
import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from graphdaemon.http.certificate_authorities import make_context
from graphdaemon.http.failures import HandshakeCutError, explain_failure
from graphdaemon.http.response import Response
from graphdaemon.http.tls_and_proxy import authorize_proxy, find_proxy
from graphdaemon.version import __version__

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 10.0
# Bytes that are set aside for a body at once, whatever length it claims to have.
_LONGEST_AT_ONCE = 1 << 24


class _Connection(http.client.HTTPSConnection):
    """A connection that another thread can abort, and that remembers it."""

    aborted = False

    def connect(self) -> None:
        """
        Connect, through the proxy if there is one, and begin TLS.

        Raises:
            HandshakeCutError: The connection was made, and broke during the TLS handshake.
        """
        try:
            super().connect()
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            if not self.is_open():
                raise
            raise HandshakeCutError("the connection broke when TLS began") from None

    def is_open(self) -> bool:
        """Say whether there is a socket; the host may have closed its end."""
        sock: socket.socket | None = self.sock
        return sock is not None

    def abort(self) -> None:
        """End whatever another thread is doing with the connection."""
        self.aborted = True
        if self.is_open():
            # SSLSocket.shutdown would end TLS, which another thread is reading; the plain method
            # leaves it alone. An OSError means that the socket is closed already.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class Transport:
    """
    Sends requests, and keeps connections open between them.

    Args:
        ca_file: Certificate authorities to trust besides the system's.
        timeout: Seconds to wait for the host at any one step.
    """

    def __init__(self, *, ca_file: Path | None = None, timeout: float = 60) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._idle: dict[str, list[_Connection]] = defaultdict(list)
        self._busy: set[_Connection] = set()
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._workers = 0
        self._idle_workers = 0
        self._is_closed = False

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Do what `exchange` does, off the event loop; being cancelled closes the connection."""
        taken: list[_Connection] = []
        try:
            return await self.run(partial(self.exchange, method, url, headers, body, taken))
        except asyncio.CancelledError:
            for connection in taken:
                connection.abort()
            raise

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        taken: list[_Connection] | None = None,
    ) -> Response:
        """
        Send one request and read the whole answer, whatever its status; redirects are answers.

        The connection in use is added to `taken`, for whoever may want to abort it.

        Raises:
            NetworkError: No answer, or only part of one.
        """
        parts = urlsplit(url)
        host = parts.netloc
        connection, reused = self._take(host)
        if taken is not None:
            taken.append(connection)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        sent = {"User-Agent": f"graphdaemon/{__version__}", "Accept-Encoding": "gzip", **headers}
        attempt = partial(self._attempt, connection, method, target, sent, body)
        try:
            response = attempt() if not reused else _attempt_twice(connection, attempt)
        except (OSError, http.client.HTTPException, zlib.error, UnicodeError) as error:
            self._drop(connection)
            distrusted = isinstance(error, ssl.SSLCertVerificationError)
            signer = self.look_at_signer(host) if distrusted else None
            raise explain_failure(error, host, self._timeout, signer) from error
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(host, connection)
        return response

    def look_at_signer(self, host: str) -> str | None:
        """Return who signed the certificate of `host`, trusted or not; nothing is sent there."""
        from graphdaemon.http.interception import make_looking_context, read_signer

        connection = self._connection(host, make_looking_context())
        try:
            connection.connect()
            der = connection.sock.getpeercert(binary_form=True)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return read_signer(der or b"")

    async def run(self, call: Callable[[], T]) -> T:
        """
        Run blocking work on a daemon thread, and return its result.

        An executor's threads would keep a stopped program alive until the last host has answered.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                settle = partial(future.set_result, call())
            except BaseException as error:  # noqa: BLE001  whoever awaits the result gets it
                settle = partial(future.set_exception, error)
            # A RuntimeError means that the loop has ended, so nobody waits for the outcome.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, settle)

        self.start(work)
        return await future

    def start(self, work: Callable[[], None]) -> None:
        """Run blocking work, which must not raise, on a daemon thread, without waiting for it."""
        with self._lock:
            if self._is_closed:
                # The workers are ending, so none of them would take this from the queue.
                threading.Thread(target=work, daemon=True, name="graphdaemon").start()
                return
            if self._idle_workers:
                self._idle_workers -= 1
            else:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name="graphdaemon").start()
            self._jobs.put(work)

    def close(self) -> None:
        """Close every connection, including those in use, and let the threads end."""
        with self._lock:
            self._is_closed = True
            idle = [connection for host in self._idle.values() for connection in host]
            self._idle.clear()
            for _ in range(self._workers):
                self._jobs.put(None)
        for connection in idle:
            connection.close()
        for connection in list(self._busy):
            connection.abort()

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            with self._lock:
                self._idle_workers += 1

    def _attempt(
        self,
        connection: _Connection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        if not connection.is_open():
            connection.connect()
            connection.sock.settimeout(self._timeout)
        if connection.aborted:
            # It was aborted while it was being opened.
            raise ConnectionAbortedError
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.headers.get("Content-Encoding", "").lower() == "gzip" and content:
            content = _gunzip(content)
        if answer.will_close:
            connection.close()
        return Response(answer.status, answer.headers, content)

    def _take(self, host: str) -> tuple[_Connection, bool]:
        with self._lock:
            idle = self._idle[host]
            connection = idle.pop() if idle else None
            reused = connection is not None and connection.is_open()
            if connection is None:
                connection = self._connection(host)
            self._busy.add(connection)
        return connection, reused

    def _give_back(self, host: str, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
            if not self._is_closed:
                self._idle[host].append(connection)
                return
        # It was still in use when the transport was closed.
        connection.close()

    def _drop(self, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return make_context(self._ca_file)

    def _connection(self, host: str, context: ssl.SSLContext | None = None) -> _Connection:
        context = context or self._context
        parts = urlsplit(f"https://{host}")
        name, port = parts.hostname or "", parts.port or 443
        timeout = min(self._timeout, _CONNECT_TIMEOUT_S)
        proxy = find_proxy(name)
        if proxy is None:
            return _Connection(name, port, timeout=timeout, context=context)
        via = urlsplit(proxy)
        connection = _Connection(
            via.hostname or "", via.port or 80, timeout=timeout, context=context
        )
        connection.set_tunnel(name, port, headers=authorize_proxy(via.username, via.password))
        return connection


def _attempt_twice(connection: _Connection, attempt: Callable[[], Response]) -> Response:
    """Repeat an attempt that failed because the host had closed the idle connection."""
    try:
        return attempt()
    except (http.client.RemoteDisconnected, ConnectionError):
        if connection.aborted:
            raise
        connection.close()
        return attempt()


def _gunzip(content: bytes) -> bytes:
    # The last four bytes are the length of the result. Setting as much memory aside at once halves
    # the time; if they lie, it grows in steps.
    length = min(int.from_bytes(content[-4:], "little"), _LONGEST_AT_ONCE)
    return zlib.decompress(content, wbits=31, bufsize=max(1, length))


def _settle(future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    # Whoever waited may have been cancelled meanwhile.
    if not future.done():
        settle()
