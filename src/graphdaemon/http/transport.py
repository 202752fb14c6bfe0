"""
Send HTTPS requests to the token service and to Graph, over connections that are kept open.

Daemon threads use blocking connections. Compared with other HTTP libraries, this starts in a third
of the time, and takes no longer for a page (docs/decisions/0007).
"""

import asyncio
import atexit
import contextlib
import logging
import ssl
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from graphdaemon import __version__
from graphdaemon.errors import UsageError
from graphdaemon.http.address import Address, AddressInvalidError, split_address
from graphdaemon.http.certificate_authorities import share_context
from graphdaemon.http.connection import Connection
from graphdaemon.http.content import decompress
from graphdaemon.http.exchange import Deadline, Http11
from graphdaemon.http.failures import FAILURES, explain_failure, explain_invalid_address
from graphdaemon.http.limits import Limits
from graphdaemon.http.proxy import find_proxy
from graphdaemon.http.response import Response
from graphdaemon.http.threads import SHARED as THREADS

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Methods that have the same effect if they are sent twice (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# Servers refuse these methods without Content-Length, even for an empty body (411).
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

# A whole answer may take so many times the timeout, which limits each single wait.
_TIMEOUTS_AN_ANSWER = 10

_open_transports: "weakref.WeakSet[Transport]" = weakref.WeakSet()


class _Work:
    """A piece of blocking work; `thread` identifies the thread that runs it, and is 0 before."""

    thread = 0


class Transport:
    """
    Sends requests, and keeps the connections open between them.

    Args:
        ca_file: A file of certificate authorities that are trusted besides the system's.
        timeout: The seconds that each wait for the host may take.
        limits: How large an answer may be, and how long it may take.
        clock: A clock that never goes back, in seconds.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        timeout: float = 60,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._limits = limits or Limits()
        self._clock = clock
        self._idle: dict[str, list[Connection]] = defaultdict(list)
        self._busy: set[Connection] = set()
        self._lock = threading.Lock()
        # The work that runs on threads, or is about to.
        self._work: set[_Work] = set()
        self._work_ended = threading.Condition(self._lock)
        self._is_closed = False
        _open_transports.add(self)
        # Idle connections are closed even if nobody calls `close`.
        weakref.finalize(self, _close_idle, self._idle)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """
        Send one request on a thread and return the whole answer, as `exchange` does.

        If the task is cancelled, the connection is cut.
        """
        taken: list[Connection] = []
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
        taken: list[Connection] | None = None,
        *,
        repeatable: bool | None = None,
    ) -> Response:
        """
        Send one request and return the whole answer, whatever its status.

        Redirects are not followed. The host may have closed a connection that was kept open. If
        such a connection breaks before any part of the answer has come, and the request may be
        repeated, it is sent once more over a new connection.

        Args:
            method: The HTTP method.
            url: The whole address, with https.
            headers: The headers.
            body: The content; None for none.
            taken: The connection is appended to this list, so that another thread can abort it.
            repeatable: Whether the request may be sent twice; None if that depends on the method.

        Raises:
            UsageError: `close` was called.
            NetworkError: There is no answer, only a part of one, or one that breaks the rules or
                exceeds a limit.
            SettingsError: The proxy or the certificate authorities in the settings are unusable.
        """
        try:
            address = split_address(url)
        except AddressInvalidError as error:
            raise explain_invalid_address() from error
        sent = {
            "Host": address.host,
            "User-Agent": f"graphdaemon/{__version__}",
            "Accept-Encoding": "gzip",
            **headers,
        }
        if body is not None or method in _WITH_BODY:
            sent["Content-Length"] = str(len(body or b""))
        connection = self._take(address)
        if taken is not None:
            taken.append(connection)
        attempt = partial(self._attempt, connection, method, address.target, sent, body)
        if repeatable is None:
            repeatable = method in _IDEMPOTENT
        try:
            response = _attempt_twice(connection, attempt) if repeatable else attempt()
        except FAILURES as error:
            opened = connection.http is not None
            self._drop(connection)
            distrusted = isinstance(error, ssl.SSLCertVerificationError)
            signer = self.look_at_signer(address.host) if distrusted else None
            longest = self._timeout if opened else self._limits.connect_seconds
            waited = min(longest, self._timeout)
            raise explain_failure(error, address.host, waited, signer) from error
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(address, connection)
        return response

    def look_at_signer(self, host: str) -> str | None:
        """Return the issuer of the certificate of `host`, trusted or not; no request is sent."""
        from graphdaemon.http.interception import make_looking_context, read_signer

        connection = self._connection(host, make_looking_context())
        try:
            connection.open()
            return read_signer(connection.read_certificate())
        except FAILURES:
            return None
        finally:
            connection.close()

    async def run(self, call: Callable[[], T]) -> T:
        """Run blocking work on a daemon thread; return its result, or raise its exception."""
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
        """Start blocking work, which must not raise, on a daemon thread, and do not wait for it."""
        piece = _Work()
        with self._lock:
            self._work.add(piece)
        try:
            THREADS.start(partial(self._do, piece, work))
        except RuntimeError:
            self._end(piece)
            raise

    def close(self) -> None:
        """
        Close every connection, including those in use, and wait until all work has ended.

        A thread that looks up the name of a host cannot be stopped. After `Limits.close_seconds`
        it is no longer waited for, and ends with the program.
        """
        with self._lock:
            self._is_closed = True
            idle = [connection for host in self._idle.values() for connection in host]
            busy = list(self._busy)
            self._idle.clear()
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.abort()
        # At the end of the program OpenSSL frees its memory, which no thread may use then.
        with self._lock:
            self._work_ended.wait_for(lambda: not self._left(), self._limits.close_seconds)
            left = self._left()
        if left:
            logger.info("%d threads still look up a name or run other work", left)

    def _left(self) -> int:
        """Return how many pieces of work have not ended, except that of the calling thread."""
        own = threading.get_ident()
        return sum(piece.thread != own for piece in self._work)

    def _do(self, piece: "_Work", work: Callable[[], None]) -> None:
        piece.thread = threading.get_ident()
        try:
            work()
        finally:
            self._end(piece)

    def _end(self, piece: "_Work") -> None:
        with self._lock:
            self._work.discard(piece)
            self._work_ended.notify_all()

    def _attempt(
        self,
        connection: Connection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        http = connection.http or connection.open()
        seconds = self._limits.answer_seconds or _TIMEOUTS_AN_ANSWER * self._timeout
        deadline = Deadline(self._clock() + seconds, seconds)
        head, content = http.exchange(method, target, headers.items(), body, deadline)
        encoding = head.headers.get("Content-Encoding", "")
        content = decompress(content, encoding, self._limits.content_bytes)
        return Response(head.status, head.headers, content)

    def _take(self, address: Address) -> Connection:
        while True:
            with self._lock:
                idle = self._idle[address.host]
                if self._is_closed:
                    raise _refuse_closed()
                connection = idle.pop() if idle else self._connection(address.host)
                self._busy.add(connection)
            if connection.http is None or connection.http.is_quiet():
                return connection
            self._drop(connection)

    def _give_back(self, address: Address, connection: Connection) -> None:
        reusable = connection.http is not None and connection.http.is_reusable()
        with self._lock:
            self._busy.discard(connection)
            if reusable and not self._is_closed and not connection.aborted:
                self._idle[address.host].append(connection)
                return
        connection.close()

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return share_context(self._ca_file)

    def _connection(self, host: str, context: ssl.SSLContext | None = None) -> Connection:
        parts = split_address(f"https://{host}")
        return Connection(
            parts.name,
            parts.port,
            context=context or self._context,
            timeout=self._timeout,
            limits=self._limits,
            clock=self._clock,
            proxy=find_proxy(parts.name, parts.port),
            proxy_context=self._context,
        )


def _refuse_closed() -> UsageError:
    return UsageError(
        "the client is closed",
        code="client_closed",
        hint="Use it inside its `with` block, or load another one.",
    )


def _attempt_twice(connection: Connection, attempt: Callable[[], Response]) -> Response:
    """Make an attempt, and repeat it if the host had closed the connection while it was idle."""
    kept: Http11 | None = connection.http
    try:
        return attempt()
    except OSError as error:
        # After a timeout the host would probably not answer the second time, either.
        slow = isinstance(error, TimeoutError)
        if kept is None or kept.answered or slow or connection.aborted:
            raise
        connection.close()
        return attempt()


def _settle(future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    # The task that waited may have been cancelled meanwhile.
    if not future.done():
        settle()


def _close_idle(idle: dict[str, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()


@atexit.register
def _close_all() -> None:
    """Close all transports that are still open, before the program ends."""
    for transport in list(_open_transports):
        transport.close()
