"""A pretend directory whose server keeps chosen requests waiting until the test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.pretend_graph import PretendGraph
from tests.support.pretend_graph_server import serving
from tests.support.scripted_server import Answer, Request, ScriptedServer

PATIENCE_S = 60.0


@dataclass
class Gate:
    """
    Where requests wait.

    Attributes:
        stops: Says which requests have to wait.
        reached: Set when one waits.
    """

    stops: Callable[[Request], bool] = lambda _: False
    reached: threading.Event = field(default_factory=threading.Event)
    _opened: threading.Event = field(default_factory=threading.Event)

    def close(self, stops: Callable[[Request], bool]) -> None:
        """Let these requests wait from now on."""
        self.reached.clear()
        self._opened.clear()
        self.stops = stops

    def open(self) -> None:
        """Let all through."""
        self.stops = lambda _: False
        self._opened.set()

    def wait_until_reached(self) -> None:
        assert self.reached.wait(PATIENCE_S), "no such request came"

    def pass_(self, request: Request) -> None:
        if self.stops(request):
            self.reached.set()
            self._opened.wait(PATIENCE_S)


@contextmanager
def serving_gated(world: PretendGraph) -> Iterator[tuple[ScriptedServer, Gate]]:
    gate = Gate()
    with serving(world) as server:
        answer = server.script
        assert callable(answer)

        def wait_and_answer(request: Request) -> Answer:
            gate.pass_(request)
            return answer(request)

        server.script = wait_and_answer
        try:
            yield server, gate
        finally:
            gate.open()


def is_listing(request: Request) -> bool:
    """A page of the listing, and none of the delta."""
    return "/users?" in request.target


def is_round(request: Request) -> bool:
    """A page of the delta that goes on from somewhere."""
    return "/users/delta?" in request.target and "latest" not in request.target
