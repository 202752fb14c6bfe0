"""
HTTP/1.1 on one connection: a request is written, and its answer read to the end, by h11.

h11 knows the rules of framing and refuses what breaks them: lengths that contradict one another,
chunks without a size. What it leaves to its caller is here: limits, time, and whether another
request may follow.
"""

import select
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import h11

from graphdaemon.http.limits import LimitExceededError, Limits
from graphdaemon.http.response import Headers

if TYPE_CHECKING:
    from graphdaemon.http.tls_in_tls import TlsInTls

# What a TLS record holds at most; no read returns more than one.
_RECORD = 1 << 14

# So many records are handed to h11 at once; more take memory that costs more than it saves.
_AT_ONCE = 2


class AnswerCutError(Exception):
    """The connection ended in the middle of an answer."""


class AnswerMalformedError(Exception):
    """An answer breaks the rules of HTTP/1.1, so that nobody can say where it ends."""


class UnsendableError(Exception):
    """A request cannot be written as HTTP: an address or a header has characters not allowed."""


class Deadline(NamedTuple):
    """When an answer has to be complete by the clock, and how many seconds that gave it."""

    at: float
    seconds: float


class Head(NamedTuple):
    """The status line and the headers of an answer."""

    status: int
    reason: str
    headers: Headers


def is_cut(error: Exception) -> bool:
    """
    Say whether `error` means that the connection ended without TLS saying so.

    Python has an exception for it, which some versions (such as 3.11.2) do not raise where OpenSSL
    3 gives it a reason of its own.
    """
    reason = getattr(error, "reason", None)
    return isinstance(error, ssl.SSLEOFError) or reason == "UNEXPECTED_EOF_WHILE_READING"


class Http11:
    """
    Speaks HTTP/1.1 over a socket, one request after the other.

    Args:
        sock: A connected socket, with TLS or without.
        limits: What an answer may cost.
        timeout: Seconds to wait for the host at any one step.
        clock: Seconds that only grow.

    Attributes:
        answered: Whether bytes have come since the last request.
    """

    def __init__(
        self,
        sock: "socket.socket | TlsInTls",
        limits: Limits,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sock = sock
        self._raw = sock if isinstance(sock, socket.socket) else sock.proxy_socket
        self._limits = limits
        self._timeout = timeout
        self._clock = clock
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.head_bytes)
        self._received = 0
        # Waiting has a deadline here, which a socket's own timeout does not know.
        sock.setblocking(False)
        self.answered = False

    def exchange(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
        deadline: Deadline,
    ) -> tuple[Head, bytes]:
        """
        Send a request, and read its whole answer.

        Raises:
            OSError: The connection broke, or nothing came in time.
            AnswerCutError: It ended in the middle of the answer.
            AnswerMalformedError: The answer breaks the rules.
            LimitExceededError: The answer goes beyond a limit.
            UnsendableError: The request cannot be written.
        """
        self._send(method, target, headers, body, deadline)
        head = self._read_head(deadline)
        parts: list[bytes] = []
        while isinstance(event := self._next(deadline), h11.Data):
            parts.append(event.data)
        return head, b"".join(parts)

    def open_tunnel(
        self, authority: str, headers: Iterable[tuple[str, str]], deadline: Deadline
    ) -> Head:
        """
        Ask the proxy at the other end to connect to `authority` (`host:port`), and return its word.

        It does so if the status is 2xx. What is raised is that of `exchange`.
        """
        self._send("CONNECT", authority, headers, None, deadline)
        head = self._read_head(deadline)
        # The host says nothing before TLS has begun.
        if 200 <= head.status < 300 and self._state.trailing_data[0]:
            raise AnswerMalformedError
        return head

    def is_reusable(self) -> bool:
        """Say whether another request may follow: the answer has ended, and no more came."""
        states = self._state.our_state, self._state.their_state
        return states == (h11.DONE, h11.DONE) and self._state.trailing_data == (b"", False)

    def is_quiet(self) -> bool:
        """
        Say whether the connection is open and nothing is left on it, in TLS or on the socket.

        What comes without a request is the end of the connection, or the answer to nothing.
        """
        try:
            # A look past TLS, which costs a fifth of asking TLS and is nearly always enough.
            socket.socket.recv(self._raw, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._pending()
        except OSError:
            return False
        try:
            self._sock.recv(1)
        except ssl.SSLWantReadError:
            # It was for TLS itself, such as a ticket to take up the session.
            return True
        except OSError:
            return False
        return False

    def _send(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
        deadline: Deadline,
    ) -> None:
        self.answered = False
        self._received = 0
        try:
            if self._state.our_state is h11.DONE:
                self._state.start_next_cycle()
            request = h11.Request(method=method, target=target, headers=list(headers))
            written = self._state.send(request) or b""
            if body:
                written += self._state.send(h11.Data(data=body)) or b""
            written += self._state.send(h11.EndOfMessage()) or b""
        except (h11.LocalProtocolError, UnicodeError):
            # Its own words may show a header's value.
            raise UnsendableError from None
        left = memoryview(written)
        while left:
            try:
                left = left[self._sock.send(left) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                self._wait(deadline, for_writing=True)

    def _read_head(self, deadline: Deadline) -> Head:
        """Skip what is only informational (RFC 9110, 15.2), and return the head of the answer."""
        for _ in range(self._limits.informational + 1):
            event = self._next(deadline)
            if isinstance(event, h11.Response):
                return self._check_head(event)
            if not isinstance(event, h11.InformationalResponse):
                raise AnswerMalformedError
        raise LimitExceededError("informational", self._limits.informational)

    def _check_head(self, response: h11.Response) -> Head:
        if len(response.headers) > self._limits.headers:
            raise LimitExceededError("headers", self._limits.headers)
        headers = Headers(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.headers.raw_items()
        )
        chunked = "Transfer-Encoding" in headers
        # Both together are how answers are smuggled (RFC 9112, 6.1), and 1.0 knows no chunks.
        if chunked and ("Content-Length" in headers or response.http_version == b"1.0"):
            raise AnswerMalformedError
        if response.http_version not in (b"1.0", b"1.1"):
            raise AnswerMalformedError
        return Head(response.status_code, response.reason.decode("latin-1"), headers)

    def _next(self, deadline: Deadline) -> object:
        while True:
            try:
                event = self._state.next_event()
            except h11.RemoteProtocolError as error:
                # What h11 suggests for a head that is too long (RFC 6585, 5).
                if error.error_status_hint == 431:
                    raise LimitExceededError("head_bytes", self._limits.head_bytes) from None
                if self._state.trailing_data[1]:
                    raise AnswerCutError from None
                raise AnswerMalformedError from None
            if event is not h11.NEED_DATA:
                return event
            self._receive(deadline)

    def _receive(self, deadline: Deadline) -> None:
        try:
            data = self._read(deadline)
        except ssl.SSLError as error:
            # Without the notice of TLS that it ends, whoever cuts a connection could shorten what
            # is only ended by it (RFC 9112, 9.8).
            if self.answered and is_cut(error):
                raise AnswerCutError from None
            raise
        if not data and not self.answered:
            raise ConnectionResetError("the host closed the connection without an answer")
        self.answered = True
        self._received += len(data)
        if self._received > self._limits.sent_bytes:
            raise LimitExceededError("sent_bytes", self._limits.sent_bytes)
        self._state.receive_data(data)

    def _read(self, deadline: Deadline) -> bytes:
        """Wait for bytes, and return what is there, in whole TLS records; none at the end."""
        pieces: list[bytes] = []
        if not self._pending():
            self._wait(deadline, for_writing=False)
        # A full record is seldom the last; asking h11 once for several saves most of its time.
        while not pieces or (len(pieces[-1]) == _RECORD and len(pieces) < _AT_ONCE):
            try:
                pieces.append(self._sock.recv(_RECORD))
            except (ssl.SSLWantReadError, BlockingIOError):
                if pieces:
                    break
                # A part of a record, or something for TLS itself.
                self._wait(deadline, for_writing=False)
            except OSError:
                if pieces:
                    break
                raise
        return b"".join(pieces)

    def _pending(self) -> int:
        """Bytes that have come, and that the system no longer knows of."""
        if isinstance(self._sock, socket.socket) and not isinstance(self._sock, ssl.SSLSocket):
            return 0
        return self._sock.pending()

    def _wait(self, deadline: Deadline, *, for_writing: bool) -> None:
        left = deadline.at - self._clock()
        if left > 0 and _is_ready(self._raw, min(self._timeout, left), for_writing=for_writing):
            return
        if self._clock() >= deadline.at:
            raise LimitExceededError("answer_seconds", deadline.seconds)
        raise TimeoutError


def _is_ready(sock: socket.socket, seconds: float, *, for_writing: bool) -> bool:
    """Wait until the socket can be read, or written, or has failed; say whether it is so."""
    if sys.platform == "win32":
        both = [sock], [sock] if for_writing else []
        return any(select.select(*both, [sock] if for_writing else [], seconds))
    # select would fail where a program has many files open.
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLOUT if for_writing else select.POLLIN)
    return bool(poll.poll(seconds * 1000))
