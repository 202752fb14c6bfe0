"""
HTTPS requests to the token service and to Graph, over connections that are kept open.

Blocking connections driven by daemon threads: measured against other stacks, this starts in a third
of their time and costs no more per page (docs/decisions/0007).
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

# What does the same when it is done twice (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# Servers refuse these without a length, even where it is 0 (411).
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

# A whole answer may take so many times the timeout, which counts for each single wait.
_TIMEOUTS_AN_ANSWER = 10

_open_transports: "weakref.WeakSet[Transport]" = weakref.WeakSet()


class _Work:
    """A piece of blocking work; `thread` is the number of the thread that runs it, 0 before."""

    thread = 0


class Transport:
    """
    Sends requests, and keeps connections open between them.

    Args:
        ca_file: Certificate authorities to trust besides the system's.
        timeout: Seconds to wait for the host at any one step.
        limits: What an answer may cost.
        clock: Seconds that only grow.
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
        # What runs on threads, each piece by the thread that runs it once one does.
        self._work: set[_Work] = set()
        self._work_ended = threading.Condition(self._lock)
        self._is_closed = False
        _open_transports.add(self)
        # Who forgets to close it leaves no connection open when it is gone.
        weakref.finalize(self, _close_idle, self._idle)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Do what `exchange` does, off the event loop; being cancelled closes the connection."""
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
        Send one request and read the whole answer, whatever its status; redirects are answers.

        A kept connection may have died unnoticed. What died before any answer is sent once more
        over a new connection, if sending it twice does the same as sending it once.

        Args:
            method: The HTTP method.
            url: The whole address.
            headers: The headers.
            body: What is sent along.
            taken: The connection in use is added, for whoever may want to abort it.
            repeatable: Sending it twice does no harm; None is what HTTP says of the method.

        Raises:
            NetworkError: No answer, or only part of one, or one that no server should give.
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
        """Return who signed the certificate of `host`, trusted or not; nothing is sent there."""
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
        """Run blocking work on a daemon thread, and return its result."""
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

        A thread that looks up a name cannot be stopped; after `Limits.close_seconds` such threads
        are left to end with the program. They use no TLS any more.
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
        # TLS must not be in use when the program ends: OpenSSL then frees what threads still use.
        with self._lock:
            self._work_ended.wait_for(lambda: not self._left(), self._limits.close_seconds)
            left = self._left()
        if left:
            logger.info("%d threads still look up a name or run other work", left)

    def _left(self) -> int:
        """How much work has not ended, besides that of the thread that looks."""
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
                connection = idle.pop() if idle else self._connection(address.host)
                if self._is_closed:
                    connection.abort()
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


def _attempt_twice(connection: Connection, attempt: Callable[[], Response]) -> Response:
    """Repeat an attempt that failed because the host had closed the idle connection."""
    kept: Http11 | None = connection.http
    try:
        return attempt()
    except OSError as error:
        # A host that only takes long would take as long again.
        slow = isinstance(error, TimeoutError)
        if kept is None or kept.answered or slow or connection.aborted:
            raise
        connection.close()
        return attempt()


def _settle(future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    # Whoever waited may have been cancelled meanwhile.
    if not future.done():
        settle()


def _close_idle(idle: dict[str, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()


@atexit.register
def _close_all() -> None:
    """Close what nobody has closed, before the program ends below the threads."""
    for transport in list(_open_transports):
        transport.close()
