"""The faults that are planned: which requests meet which fault, and how often."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from entra_emulator.clock import Clock
from entra_emulator.faults.fault import BESIDE, EFFECTS, TRANSPORT, Fault
from entra_emulator.faults.orders import FaultFileError, FaultOrder, draft_order, read_orders

# The token endpoints of both versions, of every tenant.
TOKEN = "*/oauth2/*token"  # noqa: S105 - a path

# Every request to Graph.
GRAPH = "*"

_VERSIONS = ("/v1.0/", "/beta/")


@dataclass
class FaultPlan:
    """
    Which requests a fault meets.

    Args:
        fault: how they fail.
        route: a shell pattern of the path, e.g. `GET /users*`: a method may stand before it, and
            the version may be left out. `*` alone is all of Graph, or for an outage all of the
            token service.
        left: how many more requests fail; None is every one.
        until: when the plan ends, in seconds since 1970; None is never.
        chance: the share of matching requests that fail, above 0 and at most 1; those that are
            spared are not counted.
        rng: draws which ones are spared.
    """

    fault: Fault
    route: str
    left: int | None
    until: float | None
    chance: float
    rng: random.Random = field(repr=False)

    def describe(self) -> dict[str, Any]:
        """The plan as the control API shows it."""
        return {
            "fault": self.fault.describe(),
            "route": self.route,
            "left": self.left,
            "until": self.until,
            "chance": self.chance,
        }

    def strikes(self) -> bool:
        """Whether chance lets the fault happen; then it is counted in `left`."""
        if self.chance < 1.0 and self.rng.random() >= self.chance:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def meets(self, method: str, path: str, query: str) -> bool:
        """Whether the plan is for this request, whose path is in small letters."""
        verb, _, pattern = self.route.lower().rpartition(" ")
        if verb not in {"", method.lower()}:
            return False
        # The connection of any request can fail. Of the other faults, an outage is for the token
        # service alone, and the rest are for Graph alone.
        version = next((version for version in _VERSIONS if path.startswith(version)), None)
        if self.fault.kind not in TRANSPORT and (version is None) != (self.fault.kind == "outage"):
            return False
        # For faults of the connection, too, `*` alone means all of Graph and nothing else.
        if self.fault.kind in TRANSPORT and version is None and pattern in {"", GRAPH}:
            return False
        bare = path if version is None else path[len(version) - 1 :]
        matches = fnmatchcase(path, pattern) or fnmatchcase(bare, pattern)
        return matches and self._concerns(method, bare, query)

    def _concerns(self, method: str, path: str, query: str) -> bool:
        """Whether the fault can show in the answer to this request at all."""
        kind = self.fault.kind
        if kind == "page_token":
            return "skiptoken=" in query
        if kind == "delta_reset":
            return path.endswith("/delta") and ("skiptoken=" in query or "deltatoken=" in query)
        if kind.startswith("delta_"):
            return path.endswith("/delta")
        return method == "GET" or kind not in EFFECTS


class Faults:
    """
    The planned faults. Every request is checked against them.

    Args:
        clock: determines when plans end.
        seed: makes faults with a probability repeatable.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock, self._seed = clock, seed
        self._lock = threading.Lock()
        self._plans: list[FaultPlan] = []
        self._number = 0

    def fail(self, kind: str, **order: Any) -> None:
        """
        Let requests fail: the next one, unless `count` or `seconds` is given.

        Args:
            kind: what happens to the requests, e.g. `status` or `reset`.
            order: the other fields of a fault file: `count`, `seconds`, `route`, `status` …

        Raises:
            ValueError: the combination is invalid.
        """
        self.follow(draft_order(kind, order))

    def fail_next(
        self,
        count: int = 1,
        fault: Fault | None = None,
        *,
        route: str | None = None,
        chance: float = 1.0,
        seed: int | None = None,
    ) -> None:
        """
        Let the next `count` requests to `route` fail. By default, the token service throttles them.

        `route` and `chance` are those of `FaultPlan`; by default the route is the token endpoints
        for an outage, and Graph for other faults. `seed` makes the plan's draws repeatable; without
        it they depend on the number of earlier plans.

        Raises:
            ValueError: the plan makes no sense.
        """
        self._add(fault or Fault(), route=route, left=count, chance=chance, seed=seed)

    def fail_for(
        self,
        seconds: float | None,
        fault: Fault | None = None,
        *,
        route: str | None = None,
        chance: float = 1.0,
        seed: int | None = None,
    ) -> None:
        """
        Let requests to `route` fail for this time of the clock; None means until `clear`.

        Raises:
            ValueError: the plan makes no sense.
        """
        if seconds is not None and seconds <= 0:
            raise ValueError("seconds must be above 0")
        until = None if seconds is None else self._clock.now() + seconds
        self._add(fault or Fault(), route=route, until=until, chance=chance, seed=seed)

    def follow(self, order: FaultOrder) -> None:
        """
        Plan a fault. Without count and seconds, it applies until `clear`.

        Raises:
            ValueError: the order makes no sense.
        """
        if order.count is not None and order.seconds is not None:
            raise ValueError("say count or seconds, not both")
        plan: Callable[..., None] = self.fail_for if order.count is None else self.fail_next
        extent = order.seconds if order.count is None else order.count
        plan(extent, order.fault(), route=order.route, chance=order.chance, seed=order.seed)

    def load(self, path: Path) -> None:
        """
        Plan the faults in a fault file.

        Raises:
            FaultFileError: an entry is invalid; nothing in the file is planned.
            OSError: the file cannot be read.
        """
        before = self.plans()
        for number, order in enumerate(read_orders(path), 1):
            try:
                self.follow(order)
            except ValueError as error:
                with self._lock:
                    self._plans = before
                raise FaultFileError(f"{path}: fault {number}: {error}") from error

    def clear(self) -> None:
        """Remove all planned faults."""
        with self._lock:
            self._plans = []

    def plans(self) -> list[FaultPlan]:
        """The planned faults, oldest first."""
        with self._lock:
            self._plans = [plan for plan in self._plans if self._is_in_force(plan)]
            return list(self._plans)

    def draw(self, method: str, path: str, query: str = "") -> tuple[Fault, ...]:
        """
        The faults that apply to this request. Each is counted in its plan.

        If several faults would spoil the answer, only that of the oldest plan happens. Those in
        BESIDE, which delay or age an answer, happen in addition.
        """
        if not self._plans:  # the usual case costs nothing
            return ()
        faults: list[Fault] = []
        spoiled = False
        path, query = path.lower(), query.lower()
        with self._lock:
            for plan in self._plans:
                beside = plan.fault.kind in BESIDE
                if (spoiled and not beside) or not self._is_in_force(plan):
                    continue
                if plan.meets(method, path, query) and plan.strikes():
                    spoiled = spoiled or not beside
                    faults.append(_draw_delay(plan))
            self._plans = [plan for plan in self._plans if self._is_in_force(plan)]
        return tuple(faults)

    def _add(
        self,
        fault: Fault,
        *,
        route: str | None,
        chance: float,
        seed: int | None,
        left: int | None = None,
        until: float | None = None,
    ) -> None:
        if left is not None and left < 1:
            raise ValueError("at least one request must fail")
        if not 0 < chance <= 1:
            raise ValueError("a chance is above 0 and at most 1")
        with self._lock:
            self._number += 1
            # With the number, plans without a seed of their own draw differently.
            seed_text = f"{self._seed} {self._number}" if seed is None else str(seed)
            rng = random.Random(seed_text)  # noqa: S311 - chance, not secrecy
            route = route or (TOKEN if fault.kind == "outage" else GRAPH)
            self._plans = [*self._plans, FaultPlan(fault, route, left, until, chance, rng)]

    def _is_in_force(self, plan: FaultPlan) -> bool:
        return plan.left != 0 and (plan.until is None or self._clock.now() < plan.until)


def _draw_delay(plan: FaultPlan) -> Fault:
    """The plan's fault, with the jitter of a latency drawn and added to its delay."""
    fault = plan.fault
    if fault.kind != "latency" or not fault.jitter:
        return fault
    assert fault.delay is not None
    return msgspec.structs.replace(
        fault, delay=fault.delay + plan.rng.uniform(0, fault.jitter), jitter=0.0
    )
