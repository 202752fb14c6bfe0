"""Faults on demand: which requests fail, how often, and as what."""

import random
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase

from graphdaemon.emulator.clock import Clock

__all__ = ["OUTAGES", "TOKEN", "Fault", "Faults", "Plan"]

# The token endpoints of both versions, of every tenant.
TOKEN = "*/oauth2/*token"  # noqa: S105 - a path

# What may go wrong at the token service ("Microsoft Entra authentication and authorization error
# codes"), and the status each has here.
OUTAGES = {90055: 429, 90006: 503, 90024: 503, 90033: 503, 90090: 503}


@dataclass(frozen=True)
class Fault:
    """
    How a request fails.

    Args:
        code: a key of OUTAGES: 90055 is throttling, the others are outages.
        retry_after: whole seconds in `Retry-After`; by default 60 when throttled, as "Understanding
            client and server throttling in MSAL.NET" has it, and no header otherwise.
        html: the page of a front door instead of the token service's JSON.
    """

    code: int = 90055
    retry_after: int | None = None
    html: bool = False

    def __post_init__(self) -> None:
        if self.code not in OUTAGES:
            raise ValueError(f"{self.code} is none of {', '.join(map(str, OUTAGES))}")
        if self.retry_after is not None and self.retry_after < 0:
            raise ValueError("nobody can wait for less than no time")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return OUTAGES[self.code]

    @property
    def wait(self) -> int | None:
        """Seconds for `Retry-After`, if it is sent."""
        return 60 if self.retry_after is None and self.status == 429 else self.retry_after


@dataclass
class Plan:
    """
    Which requests a fault meets.

    Args:
        fault: how they fail.
        route: a pattern of the path, as the shell's: `*` is anything.
        left: how many more of them; None is every one.
        until: seconds since 1970 when it is over; None is never.
        chance: of how many matching requests, from 0 to 1; those spared do not count.
    """

    fault: Fault
    route: str
    left: int | None
    until: float | None
    chance: float


class Faults:
    """
    The plans in force; requests ask it whether they fail.

    Args:
        clock: when plans are over.
        seed: makes the draws of plans with a chance repeatable.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._rng = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._lock = threading.Lock()
        self._plans: list[Plan] = []

    def fail_next(
        self, count: int = 1, fault: Fault | None = None, *, route: str = TOKEN, chance: float = 1.0
    ) -> None:
        """Let the next `count` requests to `route` fail; by default they are throttled."""
        self._add(Plan(fault or Fault(), route, count, None, chance))

    def fail_for(
        self,
        seconds: float | None,
        fault: Fault | None = None,
        *,
        route: str = TOKEN,
        chance: float = 1.0,
    ) -> None:
        """Let requests to `route` fail for that long by the clock; None is until `clear`."""
        if seconds is not None and seconds <= 0:
            raise ValueError("a fault lasts some time")
        until = None if seconds is None else self._clock.now() + seconds
        self._add(Plan(fault or Fault(), route, None, until, chance))

    def clear(self) -> None:
        """Let nothing fail any more."""
        with self._lock:
            self._plans = []

    def plans(self) -> list[Plan]:
        """Those in force, oldest first."""
        with self._lock:
            self._plans = [plan for plan in self._plans if self._is_in_force(plan)]
            return list(self._plans)

    def draw(self, path: str) -> Fault | None:
        """The fault this request meets, counted; the oldest plan that matches decides."""
        if not self._plans:  # the usual case costs nothing
            return None
        with self._lock:
            for plan in self._plans:
                if not (self._is_in_force(plan) and fnmatchcase(path, plan.route)):
                    continue
                if plan.chance < 1.0 and self._rng.random() >= plan.chance:
                    continue
                if plan.left is not None:
                    plan.left -= 1
                self._plans = [other for other in self._plans if self._is_in_force(other)]
                return plan.fault
        return None

    def _add(self, plan: Plan) -> None:
        if plan.left is not None and plan.left < 1:
            raise ValueError("at least one request must fail")
        if not 0 < plan.chance <= 1:
            raise ValueError("a chance is above 0 and at most 1")
        with self._lock:
            self._plans = [*self._plans, plan]

    def _is_in_force(self, plan: Plan) -> bool:
        return plan.left != 0 and (plan.until is None or self._clock.now() < plan.until)
