"""A transport that answers as a test says, a clock that waits for nothing, a budget that notes."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from graphdaemon.auth.token import Token
from graphdaemon.graph.graph import ATTEMPTS, Graph
from graphdaemon.graph.throttling.budget import Budget, Outcome, Ticket
from graphdaemon.http.response import Response


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


class Sent(NamedTuple):
    """A request as it was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Sender:
    """
    A transport that gives one answer after the other, the last for ever; and its tokens.

    Args:
        answers: Each is a response, an exception to raise, or what makes one of what was sent.
        issued_at: When its tokens were issued; by default now.
    """

    def __init__(
        self,
        answers: Iterable[Response | Exception | Callable[[Sent], Response]],
        issued_at: float | None = None,
    ) -> None:
        self.answers = list(answers)
        self.sent: list[Sent] = []
        self.renewed = 0
        self.issued_at = time.time() if issued_at is None else issued_at

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        self.sent.append(Sent(method, url, dict(headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer(self.sent[-1])

    async def token(self) -> Token:
        return Token(f"token-{self.renewed}", time.time() + 3600, issued_at=self.issued_at)

    async def renew(self, refused: Token, claims: str | None = None) -> Token:  # noqa: ARG002 - the protocol
        self.renewed += 1
        return await self.token()


class NotingBudget(Budget):
    """A budget that keeps in mind who entered it, and with what each left."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(now=clock.now, sleep=clock.sleep)
        self.entered: list[tuple[str, int]] = []
        self.outcomes: list[Outcome] = []
        self.pauses: list[float] = []

    async def enter(self, kind: str, weight: int = 1) -> Ticket:
        self.entered.append((kind, weight))
        return await super().enter(kind, weight)

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        super().leave(ticket, outcome)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        super().pause(seconds)


class World(NamedTuple):
    """A Graph whose answers are scripted, and all that tells what it did."""

    graph: Graph
    sender: Sender
    clock: Clock
    budget: NotingBudget


def make_graph(
    *answers: Response | Exception | Callable[[Sent], Response],
    attempts: int = ATTEMPTS,
    issued_at: float | None = None,
) -> World:
    """Make a Graph that gives these answers, one after the other, and the last for ever."""
    sender, clock = Sender(answers, issued_at), Clock()
    budget = NotingBudget(clock)
    graph = Graph(sender, sender, budget=budget, attempts=attempts, sleep=clock.sleep)
    return World(graph, sender, clock, budget)
