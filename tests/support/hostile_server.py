"""
A server over TLS whose answers are written byte by byte, as broken and hostile servers do.

    server.script = [
        steps(head(103), answer(b"{}")),              # two answers, in two TLS records
        steps(answer(b"{}"), pause, RESET),           # reset while idle, when pause.set() is called
        steps(b"HTTP/1.1 200 OK\\r\\n\\r\\n", endless(b"x" * 65536)),
    ]

It is a ``ScriptedServer``: tokens are issued well unless ``token_answer`` or ``choose_token`` is
set, which may be steps too, and ``requests`` tells what arrived, and on which connection.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from types import TracebackType

from tests.support.scripted_server import Answer, ScriptedServer


class Ending(Enum):
    """How a connection ends."""

    CLOSE = "TLS says that it ends, then TCP does"
    CUT = "TCP ends, and TLS says nothing"
    NOTIFY = "TLS says that it ends, and TCP stays open for the next steps"
    RESET = "TCP is reset"


CLOSE, CUT, NOTIFY, RESET = Ending

Step = bytes | Ending | threading.Event | Iterable[bytes] | Callable[[], object]
"""Bytes to send as one TLS record, many of them, an event to wait for, an end, or a call."""


def steps(*parts: Step) -> Answer:
    """An answer that is sent part by part; unless one is an ending, the connection is kept."""
    return Answer(steps=parts)


def head(status: int, *headers: str, version: str = "1.1") -> bytes:
    """The head of an answer, up to its empty line; `headers` are such as ``"A: b"``."""
    return "\r\n".join([f"HTTP/{version} {status} Hostile", *headers, "", ""]).encode("latin-1")


def answer(body: bytes, *headers: str, status: int = 200) -> bytes:
    """A whole answer with the right length."""
    return head(status, *headers, f"Content-Length: {len(body)}") + body


def chunked(*parts: bytes, headers: tuple[str, ...] = (), status: int = 200) -> bytes:
    """A whole answer in chunks."""
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head(status, *headers, "Transfer-Encoding: chunked") + sent + b"0\r\n\r\n"


def in_pieces(data: bytes, size: int = 1) -> Iterator[bytes]:
    """Send `data` in TLS records of so many bytes each."""
    return (data[start : start + size] for start in range(0, len(data), size))


def endless(data: bytes) -> Iterator[bytes]:
    """Send `data` again and again, until the client ends the connection."""
    while True:
        yield data


class HostileServer(ScriptedServer):
    """Plays answers that are steps; ``ended[n]`` is set when connection ``n`` has ended."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.ended: defaultdict[int, threading.Event] = defaultdict(threading.Event)
        self._pauses: list[threading.Event] = []

    def pause(self) -> threading.Event:
        """A step that lasts until the test sets it, or ends."""
        self._pauses.append(threading.Event())
        return self._pauses[-1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pause in self._pauses:
            pause.set()
        super().__exit__(kind, error, trace)

    def _serve(self, raw: socket.socket, number: int) -> None:
        try:
            super()._serve(raw, number)
        finally:
            self.ended[number].set()

    def _send(self, connection: ssl.SSLSocket, answer: Answer) -> bool:
        if answer.steps is None:
            return super()._send(connection, answer)
        for step in answer.steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                step.wait()
            elif isinstance(step, Ending):
                self._end(connection, step)
                if step is not NOTIFY:
                    return False
            elif callable(step):
                step()
            else:
                for part in step:
                    connection.sendall(part)
        return True

    def _end(self, connection: ssl.SSLSocket, ending: Ending) -> None:
        if ending is RESET:
            # A socket that lingers for no time is reset when it is closed (socket(7), SO_LINGER).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif ending in (CLOSE, NOTIFY):
            # It would wait for the client's own notice; ours is sent before that.
            connection.settimeout(0)
            with suppress(OSError):
                connection.unwrap()
            connection.settimeout(None)
