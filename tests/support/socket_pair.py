"""An exchange over a pair of sockets: the answer's bytes lie there before the request is sent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from graphdaemon.http.exchange import Deadline, Head, Http11
from graphdaemon.http.limits import Limits

TIMEOUT_S = 60.0


@contextmanager
def speaking(
    answer: bytes,
    *,
    ends: bool = False,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Http11]:
    """What speaks to a host that has sent ``answer``, and ``ends`` the connection after it."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        # Whoever reads may have heard enough.
        with suppress(OSError):
            theirs.sendall(answer)
            if ends:
                theirs.shutdown(socket.SHUT_WR)

    # More than the system keeps for a socket is sent while it is read.
    sending = threading.Thread(target=send)
    if len(answer) < 10_000:
        send()
    else:
        sending.start()
    try:
        yield Http11(ours, limits or Limits(), TIMEOUT_S, clock)
    finally:
        ours.close()
        if sending.ident:
            sending.join()
        theirs.close()


def get(http: Http11, method: str = "GET", seconds: float = TIMEOUT_S) -> tuple[Head, bytes]:
    """Send a request, and return what it is answered."""
    deadline = Deadline(http._clock() + seconds, seconds)
    return http.exchange(method, "/", [("Host", "graph.test")], None, deadline)
