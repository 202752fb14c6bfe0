"""
HTTP/1.1 on one connection: write a request, and read the whole answer, with the package h11.

h11 checks the framing, and refuses contradictory lengths or chunks without a size. This module adds
the limits, the timeouts, and the check whether another request may follow on the connection.
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

# The most bytes in a TLS record; a read returns one record at most.
_RECORD = 1 << 14

# The most records that are passed to h11 at once; with more, allocating memory takes more time than
# is saved.
_AT_ONCE = 2


class AnswerCutError(Exception):
    """The connection ended in the middle of an answer."""


class AnswerMalformedError(Exception):
    """An answer breaks the rules of HTTP/1.1, so that its end cannot be determined."""


class UnsendableError(Exception):
    """A request cannot be sent: its address or a header has characters that HTTP forbids."""


class Deadline(NamedTuple):
    """The moment `at` by which an answer has to be complete, `seconds` after it was set."""

    at: float
    seconds: float


class Head(NamedTuple):
    """The status line and the headers of an answer."""

    status: int
    reason: str
    headers: Headers


def is_cut(error: Exception) -> bool:
    """
    Return whether `error` means that a TLS connection was cut without being closed properly.

    Some versions of Python (such as 3.11.2) do not raise `SSLEOFError` in this case with OpenSSL 3,
    but an `SSLError` with a reason.
    """
    reason = getattr(error, "reason", None)
    return isinstance(error, ssl.SSLEOFError) or reason == "UNEXPECTED_EOF_WHILE_READING"


class Http11:
    """
    Speaks HTTP/1.1 over a socket, one request after another.

    Args:
        sock: A connected socket, with or without TLS.
        limits: How large an answer may be, and how long it may take.
        timeout: The seconds that each wait for the host may take.
        clock: A clock that never goes back, in seconds.

    Attributes:
        answered: Whether any bytes have been received since the last request was begun.
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
        # `_wait` does all waiting, because the timeout of a socket knows nothing of the deadline.
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
        Send a request, and read the whole answer.

        Args:
            method: The HTTP method.
            target: Path and query.
            headers: Name and value of each header.
            body: The content; None for none.
            deadline: When the answer has to be complete.

        Returns:
            Status and headers, and the content as it was sent, without chunk sizes.

        Raises:
            OSError: The connection broke, or the host did not answer in time.
            AnswerCutError: The connection ended in the middle of the answer.
            AnswerMalformedError: The answer breaks the rules of HTTP/1.1.
            LimitExceededError: The answer exceeds a limit, or `deadline` has passed.
            UnsendableError: The address or a header has characters that HTTP forbids.
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
        Ask the proxy at the other end to connect to `authority` (`host:port`).

        It has done so if the status of the returned head is 2xx. Raises the errors of `exchange`.
        """
        self._send("CONNECT", authority, headers, None, deadline)
        head = self._read_head(deadline)
        # A host that speaks TLS sends nothing before the client does.
        if 200 <= head.status < 300 and self._state.trailing_data[0]:
            raise AnswerMalformedError
        return head

    def is_reusable(self) -> bool:
        """Return whether another request may follow: the answer is complete and nothing is left."""
        states = self._state.our_state, self._state.their_state
        return states == (h11.DONE, h11.DONE) and self._state.trailing_data == (b"", False)

    def is_quiet(self) -> bool:
        """
        Return whether the connection is still open, and nothing has been received on it.

        A host that sends something without a request closes the connection, or breaks the rules.
        """
        try:
            # Look at the socket without TLS: this takes a fifth of the time, and nearly always
            # suffices.
            socket.socket.recv(self._raw, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._pending()
        except OSError:
            return False
        try:
            self._sock.recv(1)
        except ssl.SSLWantReadError:
            # It was a message of TLS itself, such as a ticket to resume the session.
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
            # The message of h11 may contain the value of a header, such as a token.
            raise UnsendableError from None
        left = memoryview(written)
        while left:
            try:
                left = left[self._sock.send(left) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                self._wait(deadline, for_writing=True)

    def _read_head(self, deadline: Deadline) -> Head:
        """Return the head of the answer, after any informational responses (RFC 9110, 15.2)."""
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
        # Both headers together allow an attack with a smuggled answer (RFC 9112, 6.1), and HTTP/1.0
        # has no chunks.
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
                # h11 suggests this status for a head that is too long (RFC 6585, 5).
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
            # If the end of the connection ends the answer, an attacker could cut it short. Only
            # the closing message of TLS proves that it is complete (RFC 9112, 9.8).
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
        """Wait for bytes, and return those that have come; empty at the end of the connection."""
        pieces: list[bytes] = []
        # An answer begins after a while; what follows its beginning has usually come already. It
        # may come steadily and never end, so that nobody ever waits.
        if self.answered or self._pending():
            self._check(deadline)
        else:
            self._wait(deadline, for_writing=False)
        # More usually follows a full record. Passing several to h11 at once saves most of its time.
        while not pieces or (len(pieces[-1]) == _RECORD and len(pieces) < _AT_ONCE):
            try:
                pieces.append(self._sock.recv(_RECORD))
            except (ssl.SSLWantReadError, BlockingIOError):
                if pieces:
                    break
                # Only a part of a record has come, or a message of TLS itself.
                self._wait(deadline, for_writing=False)
            except OSError:
                if pieces:
                    break
                raise
        return b"".join(pieces)

    def _pending(self) -> int:
        """Return the number of decrypted bytes that TLS keeps, which the system cannot report."""
        if isinstance(self._sock, socket.socket) and not isinstance(self._sock, ssl.SSLSocket):
            return 0
        return self._sock.pending()

    def _wait(self, deadline: Deadline, *, for_writing: bool) -> None:
        left = deadline.at - self._clock()
        if left > 0 and _is_ready(self._raw, min(self._timeout, left), for_writing=for_writing):
            return
        self._check(deadline)
        raise TimeoutError

    def _check(self, deadline: Deadline) -> None:
        if self._clock() >= deadline.at:
            raise LimitExceededError("answer_seconds", deadline.seconds)


def _is_ready(sock: socket.socket, seconds: float, *, for_writing: bool) -> bool:
    """Wait until the socket can be read (or written) or has failed; False after `seconds`."""
    if sys.platform == "win32":
        both = [sock], [sock] if for_writing else []
        return any(select.select(*both, [sock] if for_writing else [], seconds))
    # select fails for file descriptors above 1023.
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLOUT if for_writing else select.POLLIN)
    return bool(poll.poll(seconds * 1000))
