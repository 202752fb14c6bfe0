"""
How much we may send: a picture of the bucket of resource units that Graph keeps of an app.

Graph counts what an app costs in a tenant in resource units. Its bucket fills with each request,
empties steadily, and refuses when full ("Microsoft Graph throttling guidance"). Neither its size
nor its rate is told, so both are learnt from the little that is: what a request cost, how full the
bucket is (above 80 %), and when it was refused. Values and arithmetic only; no clock, no waiting.
Rates are in units a second, moments in seconds on whatever steady clock the caller has.
"""

from collections import deque
from typing import NamedTuple

import msgspec

WINDOW_S = 10.0
"""The documented limits are so many units in ten seconds: a full bucket empties in this time."""

LONGEST_GUESS_S = WINDOW_S
"""
No request waits longer than this for what is only computed from costs and loads.

Both are in every answer, and one that tells of absurd ones must not stop everything for minutes. A
full bucket is empty after this time, whatever it holds; if it is not, Graph refuses, and says how
long to wait.
"""

# The part of the bucket that we fill. The picture is never exact, and running over costs a pause.
_FILLED = 0.97
# From this load on, the next request may run the bucket over: step back before it does.
_NEAR_FULL = 0.99
# Refusals, and corrections of the rate, that are no further apart than this are one event: requests
# that were under way when the first was refused are refused too, and do not know better.
_ONE_EVENT_S = 1.0

# Stepping back multiplies the rate, and growing adds the same for everybody, so that processes that
# share a bucket unknowingly end up with equal shares ("additive increase, multiplicative
# decrease").
_STEP_BACK = 0.85
# Where it is refused though we used little, others use the bucket up: halving makes room in the
# end.
_STEP_BACK_FOR_OTHERS = 0.5
# The rate never falls below this: a listing must not stand still.
_LEAST_RATE = 0.5
# The rate after a first refusal that shows none; and the least at which what was held back during a
# pause is sent when it ends.
_FIRST_RATE = 20.0

# A refusal below this rate is probably noise, or another client's traffic: it is a tenth of the
# smallest documented limit (3,500 units in ten seconds).
_NOISE_RATE = 35.0
# A second refusal within this many seconds is no noise any more.
_NOISE_S = 30.0

# While Graph says how full the bucket is, growing is safe: units a second, and the largest part of
# the rate, that are added to the rate each second.
_GROWTH, _GROWTH_PART = 2.0, 0.1
# What Graph said about the load is old after this many seconds.
_LOAD_KNOWN_S = 5.0
# Where Graph does not say it, all growth ends in a refusal. So it begins with a small part of the
# rate each second, which doubles after so many seconds without a refusal, up to a larger part.
_BLIND_GROWTH_PART, _BLIND_GROWTH_DOUBLES_S, _BLIND_GROWTH_PART_MOST = 0.004, 5.0, 0.1
# The larger part is reached long before; more doublings would only overflow.
_MOST_DOUBLINGS = 16

# A supposed rate grows by this part with each second in which nothing confirms it, and is given up
# where so many times as much was let through as a bucket of this rate would take:
# it is another day's, and the budget may have been used up by somebody else then.
_SUPPOSED_GROWTH, _SUPPOSED_MOST = 0.1, 2.0

# What `Usage` looks back on: seconds, the seconds between two of its notes, and the units that have
# to be used in this time to say anything about the bucket.
_MEMORY_S = 60.0
_GRAIN_S = 0.25
_LEAST_UNITS = 50.0
# Graph tells of loads from 0.8 on. One of nearly nothing would show a rate of nearly any size.
_LEAST_LOAD = 0.05


class Bucket(msgspec.Struct):
    """
    What we think is in Graph's bucket, and when we may send again.

    Attributes:
        rate: Units a second that it loses; None while nothing is known, and nothing is held back.
        level: Units in it at `stamp`.
        stamp: The moment of `level`.
        used: Units that were used in all.
        paused_until: The moment before which nothing may be sent.
        held: Units that wait for the end of the pause.
        refusals: How often a request was refused; who waited meanwhile has to ask again.
        refused: The moment of the last refusal; 0 before the first.
        streak: Refusals in a row, with no request let through between them.
        doubles: The last refusal was probably noise, so the rate may double each second.
        grown: The moment when `rate` was last raised, or when raising it was put off.
        lowered: The moment when `rate` was last lowered because the bucket was nearly full.
        told: The moment when Graph last said how full the bucket is.
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
    doubles: bool = False
    grown: float = 0.0
    lowered: float = 0.0
    told: float = 0.0

    def take(self, units: float, now: float, longest: float = LONGEST_GUESS_S) -> float:
        """
        Put `units` in, and return the moment from which they may be sent.

        Beyond a pause it is at most `longest` seconds from now.
        """
        self._drain(now)
        self.level += units
        start = self.hold(units, now)
        if self.rate is None:
            return start
        over = self.level - self.rate * WINDOW_S * _FILLED
        # What costs more than a bucket holds would otherwise wait for ever.
        over = min(over, self.level - units)
        return max(start, now + min(over / self.rate, longest))

    def spare(self, now: float) -> float:
        """Return the units that may be put in at once; negative where it is too full already."""
        self._drain(now)
        return (self.rate or 0.0) * WINDOW_S * _FILLED - self.level

    def hold(self, units: float, now: float) -> float:
        """Return the moment when `units` may be sent after a pause: not all at once."""
        if now >= self.paused_until:
            return now
        start = self.paused_until + self.held / max(self.rate or 0, _FIRST_RATE)
        self.held += units
        return start

    def give_back(self, units: float) -> None:
        """Take `units` that were not used out again; negative units were used besides."""
        self.level = max(0.0, self.level - units)

    def refuse(self, wait: float, now: float, rate: float | None) -> None:
        """
        Note that a request was refused: the bucket is full.

        Args:
            wait: Seconds for which Graph wants no request.
            now: The moment.
            rate: Units a second that the bucket loses, as our own use shows it; None if we used too
                little to have filled it.
        """
        self._drain(now)
        same_event = now < max(self.paused_until, self.refused + _ONE_EVENT_S)
        is_second = 0 < self.refused > now - _NOISE_S
        self.pause(wait, now)
        self.refusals += 1
        self.refused = self.grown = now
        if not same_event:
            self.streak += 1
            self.doubles = not is_second and (rate or 0) <= _NOISE_RATE
        self.rate = self._step_back(rate, same_event=same_event)
        self.level = self.rate * WINDOW_S

    def _step_back(self, shown: float | None, *, same_event: bool) -> float:
        """Return the rate after a refusal that shows the rate `shown`; one event lowers it once."""
        if shown is None:
            factor = 1 if same_event else _STEP_BACK_FOR_OTHERS
            return max(_LEAST_RATE, (self.rate or 2 * _FIRST_RATE) * factor)
        if self.rate is None:
            return shown
        return min(shown, max(self.rate, shown) * (1 if same_event else _STEP_BACK))

    def pause(self, wait: float, now: float) -> None:
        """Let nothing be sent for `wait` seconds."""
        if now + wait > self.paused_until:
            self.held = 0.0
        self.paused_until = max(self.paused_until, now + wait)

    def observe(self, load: float, pending: float, now: float, rate: float | None) -> None:
        """
        Note how full the bucket is, as Graph says it.

        Args:
            load: 1.0 is full.
            pending: Units under way, which Graph cannot know of yet.
            now: The moment.
            rate: Units a second that the bucket loses, as our own use shows it; None if it does
                not.
        """
        self._drain(now)
        self.told = now
        if self.rate is None and rate is not None:
            self.rate, self.grown = rate, now
        if self.rate is None:
            return
        if load >= _NEAR_FULL and now - self.lowered >= _ONE_EVENT_S:
            self.rate, self.lowered = max(_LEAST_RATE, self.rate * _STEP_BACK), now
            self.doubles = False
        self.level = load * self.rate * WINDOW_S + pending

    def grow(self, now: float) -> None:
        """
        Raise the rate a little, once a second at most.

        The estimate may be too low, or Graph may allow more than it did.
        """
        if self.rate is None or now - max(self.grown, self.lowered) < 1:
            return
        self.rate += self._growth(self.rate, now)
        self.grown = now

    def _growth(self, rate: float, now: float) -> float:
        """Return the units a second that are to be added to `rate`."""
        if self.doubles:
            return rate
        if now - self.told < _LOAD_KNOWN_S:
            return min(_GROWTH, _GROWTH_PART * rate)
        doublings = min((now - self.refused) / _BLIND_GROWTH_DOUBLES_S, _MOST_DOUBLINGS)
        return rate * min(_BLIND_GROWTH_PART * 2**doublings, _BLIND_GROWTH_PART_MOST)

    def join(self, others: "Totals", now: float) -> None:
        """Take in what other processes did since they were last asked."""
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
        """Take out what the bucket lost since `stamp`."""
        if now < self.stamp:
            # The machine was started again, and its clock with it: no moment of before counts.
            self.level = self.paused_until = self.held = 0.0
            self.refused = self.grown = self.lowered = self.told = 0.0
        elapsed = max(0.0, now - self.stamp)
        self.stamp = now
        # While no rate is known, a second empties it.
        self.level = max(0.0, self.level - elapsed * (self.rate or self.level))


class Totals(NamedTuple):
    """
    What processes that share a budget tell each other.

    Attributes:
        used: Units that were used.
        refusals: How often a request was refused.
        pause: Seconds for which nothing may be sent.
        rate: Units a second that the bucket loses; None while nobody knows it.
        level: Units in the bucket, as far as anybody knows.
    """

    used: float = 0.0
    refusals: int = 0
    pause: float = 0.0
    rate: float | None = None
    level: float = 0.0


class Supposed(NamedTuple):
    """A rate of another day, in units a second; since when it is supposed, and the use before."""

    rate: float
    since: float
    used: float

    def spare(self, used: float, now: float) -> tuple[float, float] | None:
        """
        Return the rate that is to be supposed now, and what a bucket of it would take at once.

        None where more was let through than such a bucket takes.
        """
        used, elapsed = used - self.used, now - self.since
        if used > _SUPPOSED_MOST * self.rate * (WINDOW_S + elapsed):
            return None
        rate = self.rate * (1 + _SUPPOSED_GROWTH * elapsed)
        return rate, rate * WINDOW_S - used


class Usage:
    """
    How many units were used of late, and which rate of the bucket that shows.

    Say the bucket was empty at the moment s, and has the load p (1.0 is full) at the moment t. Then
    the units used in between are those that it holds now, and those that it lost:
    used = p * WINDOW_S * rate + rate * (t - s), which gives the rate. If it was not empty at s,
    the same sum comes out too low: hence the largest of all moments s is the estimate. And between
    two moments when it was full, it took exactly what it lost.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, float]] = deque()
        self._full: tuple[float, float] | None = None

    def add(self, used: float, now: float) -> None:
        """Note how many units were used up to now, by everybody."""
        if not self._notes or now - self._notes[-1][0] >= _GRAIN_S:
            self._notes.append((now, used))
        while now - self._notes[0][0] > _MEMORY_S:
            self._notes.popleft()

    def rate(self, used: float, now: float, load: float = 1.0) -> float | None:
        """
        Return the units a second that the bucket loses, if its load is `load` now.

        None where too little was used to fill it: then somebody else did. None also for a load that
        is too small to show anything.
        """
        if not self._notes or used - self._notes[0][1] < _LEAST_UNITS or load < _LEAST_LOAD:
            return None
        best = max((used - before) / (load * WINDOW_S + now - at) for at, before in self._notes)
        if load >= 1 and self._full is not None and now - self._full[0] >= _ONE_EVENT_S:
            best = max(best, (used - self._full[1]) / (now - self._full[0]))
        return best

    def fill(self, used: float, now: float) -> None:
        """Note that the bucket is full now."""
        if self._full is None or now - self._full[0] >= _ONE_EVENT_S:
            self._full = (now, used)

    def recent(self, used: float, now: float) -> float:
        """Return the units a second over the last five seconds."""
        notes = (note for note in self._notes if now - note[0] <= 5.0)
        at, before = next(notes, (now, used))
        return (used - before) / max(now - at, 1.0)
