"""
The throttle budget, which everything shares that talks to one Graph as one app in one tenant.

Whoever wants to send a request enters the budget, which may take a while; sends it; and leaves with
what came of it. When Graph asks one of them to wait, all wait.
"""

import asyncio
import contextlib
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from graphdaemon.graph.throttling.bucket import WINDOW_S, Bucket, Supposed, Usage
from graphdaemon.graph.throttling.ledger import Ledger, MemoryLedger
from graphdaemon.graph.throttling.window import Window

logger = logging.getLogger(__name__)

# How many users a tenant of each size has at most, and the units in ten seconds that one app has
# there ("Microsoft Graph service-specific throttling limits", identity and access).
_DOCUMENTED = ((50, 3_500.0), (500, 5_000.0), (10**12, 8_000.0))

# How many times as much as before a request is expected to cost after an answer that says so.
_DEARER = 10.0
# Longer waits than this many seconds are told of, where no refusal has told of them.
_TOLD_S = 5.0
_TOLD_AGAIN_S = 60.0

# After a refusal, requests are sent with the usual priority for so long.
_USUAL_PRIORITY_S = 60.0


class Ticket(NamedTuple):
    """
    A place in the budget: `enter` gives it, and `leave` takes it back.

    Attributes:
        kind: Requests of one kind cost the same.
        weight: How many requests it stands for.
        units: What they are expected to cost, in resource units.
        sent: The moment from which they may be sent.
    """

    kind: str
    weight: int
    units: float
    sent: float


class Outcome(NamedTuple):
    """
    What came of a request.

    Attributes:
        units: Resource units that it cost; None where Graph did not say.
        load: How full the budget is, 1.0 being full; None where Graph did not say.
        refused_for: Seconds for which it was refused; None if it was not.
        size: Bytes of the answer.
    """

    units: float | None = None
    load: float | None = None
    refused_for: float | None = None
    size: int = 0


class Budget:
    """
    Decides when a request may be sent.

    Args:
        chains: Requests in flight at most.
        share: Part of the documented limits to use, such as 0.3; 1 takes what Graph gives.
        ledger: Where the bucket is kept; by default in this process.
        now: A steady clock, in seconds.
        sleep: Waits so many seconds.
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
        # Filled with our own use alone, and as large as our share of the documented limits.
        self._share_bucket: Bucket | None = None
        self._refused = -_USUAL_PRIORITY_S
        self._told = -_TOLD_AGAIN_S
        self.in_flight = 0
        self.expect(0)

    def expect(self, users: int) -> None:
        """Learn that the tenant has at least so many users: Graph's limits depend on it."""
        if self.share >= 1:
            return
        limit = next(limit for most, limit in _DOCUMENTED if users <= most)
        bucket = self._share_bucket = self._share_bucket or Bucket()
        bucket.rate = max(bucket.rate or 0, self.share * limit / WINDOW_S)

    def suppose(self, rate: float) -> None:
        """Go by a rate that was learnt on another day until answers tell, or contradict it."""
        with self._ledger.open() as bucket:
            if bucket.rate is None and self._supposed is None and rate > 0:
                self._supposed = Supposed(rate, self._now(), bucket.used)

    def cost(self, kind: str) -> float:
        """Return the resource units that a request of `kind` is expected to cost."""
        return self._costs.get(kind, 1.0)

    def width(self, units: float, each: float) -> int | None:
        """
        Return how many requests at a time use all that the budget gives, and need no longer for it.

        More would only wait. None where nothing holds them back, as far as anybody knows.

        Args:
            units: What is still to be asked for, in resource units.
            each: What one request of it costs.
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
        """Allow as many requests in flight as there are `chains`, if that is more than before."""
        self._window.widen(chains)

    async def enter(self, kind: str, weight: int = 1) -> Ticket:
        """
        Wait until a request of `kind` may be sent, or a batch of `weight` such requests.

        Whoever has entered must leave, whatever happens.
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
        """Say what came of the request; everybody learns from it."""
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
            # By how much one answer may raise it is bounded: all that wait would wait for it.
            most = _DEARER * self._costs.get(ticket.kind, 1.0)
            self._costs[ticket.kind] = min(outcome.units / ticket.weight, most)
        before = self._largest
        largest = self._largest = max(before, outcome.size)
        if outcome.refused_for is None and outcome.size * 2 >= largest > 0:
            # An answer much smaller than a page is quicker for that reason alone.
            self._window.note(now - ticket.sent)
            if outcome.size > 2 * before:
                self._quickest = math.inf
            self._quickest = min(self._quickest, now - ticket.sent)
        self._free()

    def pause(self, seconds: float) -> None:
        """Let everybody wait for so long."""
        with self._ledger.open() as bucket:
            bucket.pause(seconds, self._now())

    def settle(self) -> None:
        """Tell those that share the budget what was used; it may take a second, and no longer."""
        self._ledger.settle()

    @property
    def yields(self) -> bool:
        """
        Whether requests are to have a low priority, so that Graph serves others first.

        After a refusal they have the usual one for a while, or they might never be served.
        """
        return self.share < 1 and self._now() - self._refused >= _USUAL_PRIORITY_S

    @property
    def window(self) -> int:
        """How many requests may be in flight."""
        return int(self._window.size)

    @property
    def room(self) -> int:
        """How many more requests could be in flight."""
        return max(0, int(self._window.size) - self.in_flight - len(self._queue))

    @property
    def unit_rate(self) -> float:
        """Resource units that were used a second of late."""
        with self._ledger.open() as bucket:
            return self._usage.recent(bucket.used, self._now())

    @property
    def unit_limit(self) -> float | None:
        """Resource units a second that are allowed; None while no limit is known."""
        with self._ledger.open() as bucket:
            rates = [bucket.rate, self._share_bucket.rate if self._share_bucket else None]
        return min((rate for rate in rates if rate is not None), default=None)

    @property
    def is_limited(self) -> bool:
        """Whether a limit is known, or supposed."""
        return self._supposed is not None or self.unit_limit is not None

    def learn_rate(self, shown: float) -> float | None:
        """
        Return the units a second to suppose another day; None where nothing held anybody back.

        Args:
            shown: What a listing that was held back was given: its units, by the seconds that it
                took and those of a full bucket. The picture of the bucket may show less than
                that, since it steps back.

        Returns:
            `shown`, if Graph's answers told of the bucket; else twice what was supposed, which
            nothing confirmed.
        """
        with self._ledger.open() as bucket:
            if bucket.rate is not None:
                return shown
        return 2 * self._supposed.rate if self._supposed else None

    @property
    def waiting(self) -> float:
        """Seconds until the first of those that wait for units may go on; 0 if nobody waits."""
        now = self._now()
        return max(0.0, min(self._waiting.values(), default=now) - now)

    @property
    def waiting_for(self) -> str:
        """What is waited for, such as `Graph (429, 7 s)`; empty below a second."""
        seconds = self.waiting
        if seconds < 1:
            return ""
        with self._ledger.open() as bucket:
            refused = bucket.paused_until > self._now()
        reason = "429" if refused else "its budget is used up"
        return f"Graph ({reason}, {seconds:.0f} s)"

    def _tell_of(self, at: float) -> None:
        """Log a long wait, once a minute for all; those after a refusal are logged as such."""
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
                        # The bucket is another than it was: the place in its queue means nothing.
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
        """Free a place in the window, and give it to whoever has waited longest."""
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
    Return the seconds to wait on top of what Graph asked for, after `streak` refusals in a row.

    Requests of others who do not know yet may prolong the pause, and those that come back together
    are refused together: hence longer each time, and at random.
    """
    return 0.05 * (2.0 ** min(streak, 7) - 1) * random.uniform(0.5, 1)  # noqa: S311  no secret depends on it


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
