"""A pretend directory behind real TLS: what the command and the library really meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from graphdaemon.errors import NetworkError
from tests.support.pretend_graph import ROOT, PretendGraph
from tests.support.scripted_server import Answer, Request, ScriptedServer

_ORIGIN = ROOT.removesuffix("/v1.0")


@contextmanager
def serving(world: PretendGraph, *, latency: float = 0.0) -> Iterator[ScriptedServer]:
    """
    A server that answers as ``world`` does; every answer takes ``latency`` seconds.

    Each answer is that of one instant, though many are asked for at a time.
    """
    lock = threading.Lock()

    def answer(request: Request) -> Answer:
        time.sleep(latency)
        sent = {"Authorization": request.headers["authorization"]}
        if "consistencylevel" in request.headers:
            sent["ConsistencyLevel"] = request.headers["consistencylevel"]
        # What a link says besides its path is the client's affair.
        parts = urlsplit(request.target)
        url = f"{_ORIGIN}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        with lock:
            try:
                response = world.answer(request.method, url, sent, request.body)
            except NetworkError:
                return Answer(200, b"{", cut=0)
        body = response.body.replace(_ORIGIN.encode(), server.url.encode())
        return Answer(response.status, body, dict(response.headers.items()))

    with ScriptedServer() as server:
        server.script = answer
        yield server
