"""
The throttle budget, which everything shares that calls the same Graph as the same app and tenant.

Before a request is sent, it enters the budget, where it may have to wait. When it is answered, it
leaves the budget and reports the outcome. If Graph asks one request to wait, all wait.
"""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from graphdaemon.graph.throttling.bucket import WINDOW_S, Bucket, Supposed, Usage
from graphdaemon.graph.throttling.ledger import Ledger, MemoryLedger
from graphdaemon.graph.throttling.window import Window

logger = logging.getLogger(__name__)

# For each size of tenant: the most users it has, and the units that one app may use in ten seconds
# ("Microsoft Graph service-specific throttling limits", identity and access).
_DOCUMENTED = ((50, 3_500.0), (500, 5_000.0), (10**12, 8_000.0))

# One answer raises the expected cost of a request by this factor at most.
_DEARER = 10.0
# A wait of more seconds than this is logged (unless a refusal, which is logged, caused it), and
# then not again for so many seconds.
_TOLD_S = 5.0
_TOLD_AGAIN_S = 60.0

# The seconds after a refusal for which requests are sent with the usual priority.
_USUAL_PRIORITY_S = 60.0


class Ticket(NamedTuple):
    """
    The place of a request in the budget: `enter` returns it, and `leave` takes it back.

    Attributes:
        kind: The kind of the request; requests of one kind are expected to cost the same.
        weight: How many requests it stands for, which is more than 1 for a batch.
        units: The resource units that they are expected to cost together.
        sent: The moment from which they may be sent, on the clock of the budget.
    """

    kind: str
    weight: int
    units: float
    sent: float


class Outcome(NamedTuple):
    """
    What the answer to a request says about the budget.

    Attributes:
        units: The resource units that the request cost; None if Graph did not say.
        load: The part of the budget that is used up (1.0 means all); None if Graph did not say.
        refused_for: The seconds to wait that came with a refusal; None if it was not refused.
        size: The length of the answer, in bytes.
    """

    units: float | None = None
    load: float | None = None
    refused_for: float | None = None
    size: int = 0


class Budget:
    """
    Decides when a request may be sent, and learns from the answers what Graph allows.

    Args:
        chains: The most requests that may be in flight at the same time.
        share: The part of the documented limits that is used, such as 0.3; 1 uses all that Graph
            allows.
        ledger: Where the bucket is kept; by default in the memory of this process.
        now: A clock that never goes back, in seconds.
        sleep: Waits the given number of seconds.

    Attributes:
        share: The part of the documented limits that is used.
        in_flight: How many requests have entered and not left.
    """

    def __init__(
        self,
        *,
        chains: int = 32,
        share: float = 1.0,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.share = share
        self._ledger = ledger or MemoryLedger()
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._costs: dict[str, float] = {}
        self._usage = Usage()
        self._window = Window(chains)
        self._queue: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._waiting: dict[int, float] = {}
        self._largest = 0
        self._quickest = math.inf
        self._supposed: Supposed | None = None
        self._pending = 0.0
        # A bucket for `share`: its rate is that part of the limits, and only our use fills it.
        self._share_bucket: Bucket | None = None
        self._refused = -_USUAL_PRIORITY_S
        self._told = -_TOLD_AGAIN_S
        self.in_flight = 0
        self.expect(0)

    def expect(self, users: int) -> None:
        """Note that the tenant has at least `users` users, because Graph's limits depend on it."""
        if self.share >= 1:
            return
        limit = next(limit for most, limit in _DOCUMENTED if users <= most)
        bucket = self._share_bucket = self._share_bucket or Bucket()
        bucket.rate = max(bucket.rate or 0, self.share * limit / WINDOW_S)

    def suppose(self, rate: float) -> None:
        """Use a `rate` (units a second) from an earlier run until an answer tells a better one."""
        with self._ledger.open() as bucket:
            if bucket.rate is None and self._supposed is None and rate > 0:
                self._supposed = Supposed(rate, self._now(), bucket.used)

    def cost(self, kind: str) -> float:
        """Return the resource units that a request of `kind` is expected to cost."""
        return self._costs.get(kind, 1.0)

    def width(self, units: float, each: float) -> int | None:
        """
        Return how many requests at a time suffice to finish some work as fast as the budget allows.

        More requests would only wait. None if no known limit slows the work down.

        Args:
            units: The resource units that the rest of the work costs.
            each: The resource units that one of its requests costs.
        """
        now = self._now()
        with self._ledger.open() as bucket:
            spares = [(bucket.rate, bucket.spare(now))] if bucket.rate else []
            supposed = self._supposed.spare(bucket.used, now) if self._supposed else None
        if supposed is None:
            self._supposed = None
        else:
            spares.append(supposed)
        if self._share_bucket is not None and self._share_bucket.rate:
            spares.append((self._share_bucket.rate, self._share_bucket.spare(now)))
        seconds = max(((units - spare) / rate for rate, spare in spares), default=0.0)
        if seconds <= 0 or self._quickest == math.inf:
            return None
        return max(1, math.ceil(units / each * self._quickest / seconds))

    def widen(self, chains: int) -> None:
        """Allow up to `chains` requests in flight, if that is more than before."""
        self._window.widen(chains)

    async def enter(self, kind: str, weight: int = 1) -> Ticket:
        """
        Wait until a request of `kind`, or a batch of `weight` such requests, may be sent.

        Every call that returns must be followed by one of `leave`, whatever happens.
        """
        units = self._costs.get(kind, 1.0) * weight
        await self._wait_for_room()
        self._pending += units
        try:
            await self._wait_for_units(units)
        except BaseException:
            self._pending -= units
            self._free()
            raise
        return Ticket(kind, weight, units, self._now())

    def leave(self, ticket: Ticket, outcome: Outcome) -> None:
        """Report the outcome of the request that entered with `ticket`."""
        now = self._now()
        self._pending -= ticket.units
        used = ticket.units if outcome.units is None else outcome.units
        with self._ledger.open() as bucket:
            self._give_back(bucket, ticket.units - used)
            self._usage.add(bucket.used, now)
            bucket.used += used
            if outcome.refused_for is not None:
                self._refused = now
                wait = outcome.refused_for + _slack(bucket.streak)
                bucket.refuse(wait, now, self._usage.rate(bucket.used, now))
                self._usage.fill(bucket.used, now)
            else:
                bucket.streak = 0
                if outcome.load is not None:
                    rate = self._usage.rate(bucket.used, now, outcome.load)
                    bucket.observe(outcome.load, self._pending, now, rate)
        if outcome.units and outcome.refused_for is None:
            # The rise is limited: with an absurd cost, all requests of this kind would wait.
            most = _DEARER * self._costs.get(ticket.kind, 1.0)
            self._costs[ticket.kind] = min(outcome.units / ticket.weight, most)
        before = self._largest
        largest = self._largest = max(before, outcome.size)
        if outcome.refused_for is None and outcome.size * 2 >= largest > 0:
            # A much smaller answer is quicker just because of its size, so its time says nothing.
            self._window.note(now - ticket.sent)
            if outcome.size > 2 * before:
                self._quickest = math.inf
            self._quickest = min(self._quickest, now - ticket.sent)
        self._free()

    def pause(self, seconds: float) -> None:
        """Let all requests of this budget wait for `seconds`."""
        with self._ledger.open() as bucket:
            bucket.pause(seconds, self._now())

    def settle(self) -> None:
        """Report to those that share the budget what was used; this takes a second at most."""
        self._ledger.settle()

    @property
    def yields(self) -> bool:
        """
        Whether requests are sent with a low priority, so that Graph serves other requests first.

        After a refusal they have the usual priority for a minute; otherwise they might never be
        served.
        """
        return self.share < 1 and self._now() - self._refused >= _USUAL_PRIORITY_S

    @property
    def window(self) -> int:
        """How many requests may be in flight at the moment."""
        return int(self._window.size)

    @property
    def room(self) -> int:
        """How many more requests could be sent at once; those that wait for a place are counted."""
        return max(0, int(self._window.size) - self.in_flight - len(self._queue))

    @property
    def unit_rate(self) -> float:
        """The resource units that were used per second in the last five seconds."""
        with self._ledger.open() as bucket:
            return self._usage.recent(bucket.used, self._now())

    @property
    def unit_limit(self) -> float | None:
        """The resource units per second that may be used; None while no limit is known."""
        with self._ledger.open() as bucket:
            rates = [bucket.rate, self._share_bucket.rate if self._share_bucket else None]
        return min((rate for rate in rates if rate is not None), default=None)

    @property
    def is_limited(self) -> bool:
        """Whether a limit is known, or supposed from an earlier run."""
        return self._supposed is not None or self.unit_limit is not None

    def learn_rate(self, shown: float) -> float | None:
        """
        Return the units per second that the next run is to suppose; None if no limit was met.

        Args:
            shown: The rate that a listing reached while the budget slowed it down: its units,
                divided by the seconds that it took plus `WINDOW_S`. The model of the bucket may
                have a lower rate, because it lowers its rate after refusals.

        Returns:
            `shown`, if Graph's answers told something about the bucket; otherwise twice the rate
            that was supposed in this run, since no answer confirmed it.
        """
        with self._ledger.open() as bucket:
            if bucket.rate is not None:
                return shown
        return 2 * self._supposed.rate if self._supposed else None

    @property
    def waiting(self) -> float:
        """Seconds until the first of the waiting requests may be sent; 0 if none waits."""
        now = self._now()
        return max(0.0, min(self._waiting.values(), default=now) - now)

    @property
    def waiting_for(self) -> str:
        """The reason of a wait, such as `Graph (429, 7 s)`; empty for a wait below a second."""
        seconds = self.waiting
        if seconds < 1:
            return ""
        with self._ledger.open() as bucket:
            refused = bucket.paused_until > self._now()
        reason = "429" if refused else "its budget is used up"
        return f"Graph ({reason}, {seconds:.0f} s)"

    def _tell_of(self, at: float) -> None:
        """Log a long wait, at most once a minute; refusals are logged elsewhere."""
        now = self._now()
        if at - now <= _TOLD_S or now - self._told < _TOLD_AGAIN_S:
            return
        self._told = now
        with self._ledger.open() as bucket:
            refused = bucket.paused_until > now
        if not refused:
            logger.warning(
                "waiting for %.0f s: by Graph's answers, what may be used of its budget is used up",
                at - now,
            )

    async def _wait_for_units(self, units: float) -> None:
        with self._ledger.open() as bucket:
            at, refusals = bucket.take(units, self._now()), bucket.refusals
            if self._share_bucket is not None:
                at = max(at, self._share_bucket.take(units, self._now(), math.inf))
        try:
            while (wait := at - self._now()) > 0:
                self._waiting[id(asyncio.current_task())] = at
                self._tell_of(at)
                await self._sleep(wait)
                with self._ledger.open() as bucket:
                    bucket.grow(now := self._now())
                    if bucket.refusals != refusals:
                        # A refusal has changed the bucket, so the moment has to be computed again.
                        at, refusals = bucket.take(units, now), bucket.refusals
                    elif bucket.paused_until > now:
                        at = bucket.hold(units, now)
        except BaseException:
            with self._ledger.open() as bucket:
                self._give_back(bucket, units)
            raise
        finally:
            self._waiting.pop(id(asyncio.current_task()), None)

    def _give_back(self, bucket: Bucket, units: float) -> None:
        bucket.give_back(units)
        if self._share_bucket is not None:
            self._share_bucket.give_back(units)

    async def _wait_for_room(self) -> None:
        with self._lock:
            if self.in_flight < int(self._window.size) and not self._queue:
                self.in_flight += 1
                return
            loop = asyncio.get_running_loop()
            turn: asyncio.Future[None] = loop.create_future()
            self._queue.append((loop, turn))
        try:
            await turn
        except BaseException:
            with self._lock:
                waiting = (loop, turn) in self._queue
                if waiting:
                    self._queue.remove((loop, turn))
            if not waiting:
                self._free()
            raise

    def _free(self) -> None:
        """Free a place in the window, and give it to the request that has waited longest."""
        with self._lock:
            self.in_flight -= 1
            while self._queue and self.in_flight < int(self._window.size):
                loop, turn = self._queue.popleft()
                # A RuntimeError means that the loop is closed, so nobody waits in it any more.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(_wake, turn)
                    self.in_flight += 1


def _slack(streak: int) -> float:
    """
    Return the seconds to wait beyond those that Graph asked for, after `streak` refusals in a row.

    Requests of other processes, which do not know of the pause, may prolong it; and requests that
    are sent again at the same moment are refused again. So the time grows, and is partly random.
    """
    import random

    return 0.05 * (2.0 ** min(streak, 7) - 1) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
