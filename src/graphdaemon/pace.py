"""
How fast the service lets us go: a picture of its bucket of resource units, and of its latency.

Graph counts what an app costs in a tenant in resource units. A bucket fills with each request,
empties steadily, and refuses when full ("Microsoft Graph throttling guidance"). Neither its size
nor its rate is told, so both are learnt from the little that is: what a request cost, how full the
bucket is (above 80 %), and when it was refused. Values and arithmetic only; no clock, no waiting.
"""

from __future__ import annotations

from collections import deque

import msgspec

WINDOW_S = 10.0
"""The documented limits are so many units in ten seconds: a full bucket empties in this time."""

_MARGIN = 0.97
_GROWTH = 1.02
_GROWTH_S = 5.0
_MEMORY_S = 60.0
_LEAST_UNITS = 50.0
_GRAIN_S = 0.25

# A service that is near is kept busy by a few; each connection costs more than it would save. The
# first answer comes over a connection that is made for it, and so says less than the second.
_FIRST_NEAR, _FIRST_FAR = 4.0, 16.0
_FAR_S = (0.08, 0.03)


class Bucket(msgspec.Struct):
    """
    What we think is in the service's bucket.

    Attributes:
        rate: Units a second that it loses; None while nothing is known, and nothing is held back.
        level: Units in it.
        stamp: When that was.
        used: Units that were used in all.
        paused_until: Nothing may be sent before.
        refusals: How often it ran over; who waited meanwhile has to ask again.
        grown: When ``rate`` was last changed.
        fixed: ``rate`` is a wish, not an observation: it stays.
    """

    rate: float | None = None
    level: float = 0.0
    stamp: float = 0.0
    used: float = 0.0
    paused_until: float = 0.0
    refusals: int = 0
    grown: float = 0.0
    fixed: bool = False

    def take(self, units: float, now: float) -> float:
        """Put ``units`` in, and return the moment from which they may be sent."""
        self._drain(now)
        self.level += units
        if self.rate is None:
            return max(now, self.paused_until)
        over = self.level - self.rate * WINDOW_S * _MARGIN
        # What costs more than a bucket holds would otherwise wait for ever.
        over = min(over, self.level - units)
        return max(now, now + over / self.rate, self.paused_until)

    def give_back(self, units: float) -> None:
        """Correct ``level`` by units that were not used, or, if negative, were used besides."""
        self.level = max(0.0, self.level - units)

    def refuse(self, wait: float, now: float, rate: float | None) -> None:
        """Note that it ran over, when it may be asked again, and the rate that this shows."""
        self._drain(now)
        self.paused_until = max(self.paused_until, now + wait)
        self.refusals += 1
        if rate is not None and not self.fixed:
            self.rate, self.grown = rate, now
        if self.rate is not None:
            self.level = self.rate * WINDOW_S

    def pause(self, wait: float, now: float) -> None:
        """Send nothing for so long."""
        if now + wait > self.paused_until:
            self.paused_until = now + wait
            self.refusals += 1

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
        if self.rate is None and rate is not None:
            self.rate, self.grown = rate, now
        if self.rate is not None and not self.fixed:
            self.level = load * self.rate * WINDOW_S + pending

    def grow(self, now: float) -> None:
        """Try a little more, now and then: the estimate may be low, or the limit have risen."""
        if self.rate is not None and not self.fixed and now - self.grown >= _GROWTH_S:
            self.rate *= _GROWTH
            self.grown = now

    def _drain(self, now: float) -> None:
        if now < self.stamp:
            # The machine's clock began anew: so did everything else.
            self.level = self.paused_until = 0.0
        elapsed = max(0.0, now - self.stamp)
        self.stamp = now
        self.level = max(0.0, self.level - elapsed * (self.rate or self.level))


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
        Units a second that the bucket loses, if its load is ``load`` now.

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


class Window:
    """
    How many requests in flight are worth it.

    More than the service can work on at once wait inside it: its answers get slower and no more of
    them come. The window grows while answers take about as long as the quickest did, and shrinks
    when they take several times that.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(ceiling)
        self.size = min(_FIRST_NEAR, self._ceiling)
        self._quickest: float | None = None
        self._usual = 0.0
        self._probing = True
        self._noted = 0

    def note(self, seconds: float) -> None:
        """Learn from an answer of the usual size."""
        self._noted += 1
        if self._noted <= len(_FAR_S):
            if seconds >= _FAR_S[self._noted - 1]:
                self.size = max(self.size, min(_FIRST_FAR, self._ceiling))
            if self._noted == 1:
                return
        if self._quickest is None:
            self._quickest = self._usual = seconds
        # The quickest is forgotten slowly: the service may have become slower for good.
        self._quickest = min(seconds, self._quickest * 1.002)
        self._usual += (seconds - self._usual) / 8
        slow = self._usual / (3 * self._quickest + 0.005)
        if slow > 1:
            self._probing = False
            self.size = max(2.0, self.size - min(0.5, slow - 1) / 2)
        else:
            # Fast until the first sign of trouble: a listing of a hundred pages is soon over.
            self.size = min(self._ceiling, self.size + (1 if self._probing else 1 / self.size))
