"""
How fast the service lets us go: a picture of its bucket of resource units, and of its latency.

Graph counts what an app costs in a tenant in resource units. A bucket fills with each request,
empties steadily, and refuses when full ("Microsoft Graph throttling guidance"). Neither its size
nor its rate is told, so both are learnt from the little that is: what a request cost, how full the
bucket is (above 80 %), and when it was refused. Values and arithmetic only; no clock, no waiting.
"""

import math
from collections import deque
from typing import NamedTuple

import msgspec

WINDOW_S = 10.0
"""The documented limits are so many units in ten seconds: a full bucket empties in this time."""

_MARGIN = 0.97
# Who meets its limit steps back by a part, and grows by the same as everybody: so those who share
# it unknowingly end up with equal shares ("additive increase, multiplicative decrease").
_STEP_BACK = 0.85
_NEAR_FULL = 0.99
_GROWTH, _GROWTH_MOST = 2.0, 0.1
# Where nobody says how full it is, every growth ends in a refusal: begin with little, then more.
_GROWTH_UNTOLD, _GROWTH_UNTOLD_MOST, _DOUBLED_S = 0.004, 0.1, 5.0
_TOLD_S = 5.0
# A tenth of the smallest limit that is documented: who is refused at less met chance, or others.
_LITTLE, _CHANCE_S = 35.0, 30.0
# Units a second that are tried where it was refused and nothing is known; and for all that was held
# back, at the end of a pause.
_FIRST_RATE, _LEAST_RATE = 20.0, 0.5
_MEMORY_S = 60.0
_LEAST_UNITS = 50.0
_GRAIN_S = 0.25


class Bucket(msgspec.Struct):
    """
    What we think is in the service's bucket.

    Attributes:
        rate: Units a second that it loses; None while nothing is known, and nothing is held back.
        level: Units in it.
        stamp: When that was.
        used: Units that were used in all.
        paused_until: Nothing may be sent before.
        held: Units that wait for the end of the pause.
        refusals: How often it ran over; who waited meanwhile has to ask again.
        refused: When it last did.
        streak: How often in a row, with nothing let through between.
        guess: A rate below which growth is quick: nothing speaks against it.
        grown: When `rate` was last raised.
        lowered: When `rate` was last lowered.
        told: When the service last said how full it is.
    """

    rate: float | None = None
    level: float = 0.0
    stamp: float = 0.0
    used: float = 0.0
    paused_until: float = 0.0
    held: float = 0.0
    refusals: int = 0
    refused: float = 0.0
    streak: int = 0
    guess: float = 0.0
    grown: float = 0.0
    lowered: float = 0.0
    told: float = 0.0

    def take(self, units: float, now: float) -> float:
        """Put `units` in, and return the moment from which they may be sent."""
        self._drain(now)
        self.level += units
        start = self.hold(units, now)
        if self.rate is None:
            return start
        over = self.level - self.rate * WINDOW_S * _MARGIN
        # What costs more than a bucket holds would otherwise wait for ever.
        over = min(over, self.level - units)
        return max(start, now + over / self.rate)

    def hold(self, units: float, now: float) -> float:
        """The moment from which the pause holds nobody up: behind it, one after the other."""
        if now >= self.paused_until:
            return now
        start = self.paused_until + self.held / max(self.rate or 0, _FIRST_RATE)
        self.held += units
        return start

    def give_back(self, units: float) -> None:
        """Correct `level` by units that were not used, or, if negative, were used besides."""
        self.level = max(0.0, self.level - units)

    def refuse(self, wait: float, now: float, rate: float | None) -> None:
        """Note that it ran over, when it may be asked again, and the rate that this shows."""
        self._drain(now)
        again = now < max(self.paused_until, self.refused + 1)
        soon = 0 < self.refused > now - _CHANCE_S
        self.pause(wait, now)
        self.refusals += 1
        self.refused = self.grown = now
        if not again:
            self.streak += 1
            # One refusal of little may be chance, and is soon forgotten; the next is a limit.
            self.guess = 0.0 if soon or (rate or 0) > _LITTLE else math.inf
        self.rate = self._step_back(rate, again=again)
        self.level = self.rate * WINDOW_S

    def _step_back(self, shown: float | None, *, again: bool) -> float:
        if shown is None:
            # Others use it up: half as much each time makes room in the end.
            return max(_LEAST_RATE, (self.rate or 2 * _FIRST_RATE) * (1 if again else 0.5))
        if self.rate is None:
            return shown
        return min(shown, max(self.rate, shown) * (1 if again else _STEP_BACK))

    def pause(self, wait: float, now: float) -> None:
        """Send nothing for so long."""
        if now + wait > self.paused_until:
            self.held = 0.0
        self.paused_until = max(self.paused_until, now + wait)

    def observe(self, load: float, pending: float, now: float, rate: float | None) -> None:
        """
        Note how full the service says it is, and the rate that this shows.

        Args:
            load: 1.0 is full.
            pending: Units under way, which it cannot know of yet.
            now: The moment.
            rate: Units a second, or None if that shows none.
        """
        self._drain(now)
        self.told = now
        if self.rate is None and rate is not None:
            self.rate, self.grown = rate, now
        if self.rate is None:
            return
        if load >= _NEAR_FULL and now - self.lowered >= 1:
            self.rate, self.lowered = max(_LEAST_RATE, self.rate * _STEP_BACK), now
            self.guess = 0.0
        self.level = load * self.rate * WINDOW_S + pending

    def grow(self, now: float) -> None:
        """Try a little more, now and then: the estimate may be low, or the limit have risen."""
        elapsed = now - max(self.grown, self.lowered)
        if self.rate is None or elapsed < 1:
            return
        if self.rate < self.guess:
            step = min(self.rate, self.guess - self.rate)
        elif now - self.told < _TOLD_S:
            step = min(_GROWTH, _GROWTH_MOST * self.rate)
        else:
            quiet = 2 ** min((now - self.refused) / _DOUBLED_S, 16)
            step = self.rate * min(_GROWTH_UNTOLD * quiet, _GROWTH_UNTOLD_MOST)
        self.rate += step
        self.grown = now

    def join(self, others: "Totals", now: float) -> None:
        """Take in what others did since this was last asked."""
        self._drain(now)
        if others.rate is not None and others.rate != self.rate:
            # Whoever learnt it has just changed it: not everybody changes it again.
            self.rate, self.grown, self.lowered = others.rate, now, now
        self.used += others.used
        self.level += others.used
        if others.pause > 0:
            self.pause(others.pause, now)
        if others.refusals > 0:
            self.refusals += others.refusals
            self.refused = now
            self.level = max(self.level, (self.rate or 0) * WINDOW_S)

    def _drain(self, now: float) -> None:
        if now < self.stamp:
            # The machine's clock began anew: so did everything else.
            self.level = self.paused_until = self.held = 0.0
            self.refused = self.grown = self.lowered = self.told = 0.0
        elapsed = max(0.0, now - self.stamp)
        self.stamp = now
        self.level = max(0.0, self.level - elapsed * (self.rate or self.level))


class Totals(NamedTuple):
    """
    What those who share a budget tell each other.

    Attributes:
        used: Units.
        refusals: How often it ran over.
        pause: Seconds for which nothing may be sent.
        rate: Units a second that the bucket loses, or None while nobody knows.
        level: Units in it, as far as anybody knows.
    """

    used: float = 0.0
    refusals: int = 0
    pause: float = 0.0
    rate: float | None = None
    level: float = 0.0


class Usage:
    """
    How the units used in all grew of late, and which rate of the bucket that shows.

    A bucket that was empty at s and has the load p now took U(s) = p · 10 · rate + rate · (now - s)
    Where it was not empty the same sum comes out lower: hence the largest is the estimate. Between
    two moments when it was full it took exactly what it lost.
    """

    def __init__(self) -> None:
        self._sums: deque[tuple[float, float]] = deque()
        self._full: tuple[float, float] | None = None

    def add(self, used: float, now: float) -> None:
        """Note how many units were used up to now, by everybody."""
        if not self._sums or now - self._sums[-1][0] >= _GRAIN_S:
            self._sums.append((now, used))
        while now - self._sums[0][0] > _MEMORY_S:
            self._sums.popleft()

    def rate(self, used: float, now: float, load: float = 1.0) -> float | None:
        """
        Units a second that the bucket loses, if its load is `load` now.

        None where too little was used to fill it: somebody else did.
        """
        if not self._sums or used - self._sums[0][1] < _LEAST_UNITS:
            return None
        best = max((used - before) / (load * WINDOW_S + now - at) for at, before in self._sums)
        if load >= 1 and self._full is not None and now - self._full[0] >= 1:
            best = max(best, (used - self._full[1]) / (now - self._full[0]))
        return best

    def fill(self, used: float, now: float) -> None:
        """Note that the bucket is full now."""
        if self._full is None or now - self._full[0] >= 1:
            self._full = (now, used)

    def recent(self, used: float, now: float, seconds: float = 5.0) -> float:
        """Units a second over the last seconds."""
        at, before = next(
            ((at, sum_) for at, sum_ in self._sums if now - at <= seconds), (now, used)
        )
        return (used - before) / max(now - at, 1.0)
