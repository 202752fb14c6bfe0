"""
A model of the bucket of resource units that Graph keeps for an app in a tenant.

Graph measures in resource units what the requests of an app in a tenant cost. Each request adds to
the bucket, which empties at a steady rate; when it is full, requests are refused ("Microsoft Graph
throttling guidance"). Graph tells neither the size of the bucket nor its rate. Both are estimated
from what Graph does tell: the cost of each request, the load of the bucket once it is above 80 %,
and the refusals.

This module only computes: it has no clock and never waits. Rates are in resource units a second.
Moments are in seconds on a clock of the caller's that never goes back.
"""

from collections import deque
from typing import NamedTuple

import msgspec

WINDOW_S = 10.0
"""Graph's limits are given in units per ten seconds, so a full bucket empties in this time."""

LONGEST_GUESS_S = WINDOW_S
"""
The most seconds that a request waits because of this model, that is, without a refusal by Graph.

Costs and loads are read from answers, and an answer with absurd numbers must not stop all requests
for minutes. A full bucket is empty after this time, whatever its size. If Graph thinks otherwise,
it refuses the next request, and says how long to wait.
"""

# The part of the bucket that is filled. The model is not exact, and an overfull bucket costs a
# pause.
_FILLED = 0.97
# From this load on, the next request may be refused: the rate is lowered before that happens.
_NEAR_FULL = 0.99
# Refusals (and corrections of the rate) within this many seconds count as one: the requests that
# were under way when the first was refused are refused, too.
_ONE_EVENT_S = 1.0

# The factor by which a refusal lowers the rate. Since growth adds the same amount for everybody,
# processes that do not know of each other end up with equal shares of a bucket ("additive increase,
# multiplicative decrease").
_STEP_BACK = 0.85
# The factor after a refusal for which our own use was too small: other clients fill the bucket, and
# repeated halving leaves room for them.
_STEP_BACK_FOR_OTHERS = 0.5
# The lowest rate, so that a listing never stops altogether.
_LEAST_RATE = 0.5
# The rate after a first refusal from which no rate can be computed, and the lowest rate at which
# the requests that waited during a pause are sent after it.
_FIRST_RATE = 20.0

# A refusal below this rate is probably a passing fault, or caused by another client: the rate is a
# tenth of the smallest documented limit (3,500 units in ten seconds).
_NOISE_RATE = 35.0
# A second refusal within this many seconds is taken seriously.
_NOISE_S = 30.0

# While Graph tells the load of the bucket, the rate can grow safely. Each second the smaller of
# these is added: so many units a second, or this part of the rate.
_GROWTH, _GROWTH_PART = 2.0, 0.1
# The seconds after which a load that Graph told no longer counts.
_LOAD_KNOWN_S = 5.0
# If Graph does not tell the load, growth always ends in a refusal. So it begins with a small part
# of the rate each second. This part doubles every so many seconds without a refusal, up to a limit.
_BLIND_GROWTH_PART, _BLIND_GROWTH_DOUBLES_S, _BLIND_GROWTH_PART_MOST = 0.004, 5.0, 0.1
# That limit is reached long before so many doublings; more of them would only overflow.
_MOST_DOUBLINGS = 16

# A supposed rate is the result of an earlier run, when others may have used up part of the budget.
# So it grows by this part each second while no answer confirms it, and is dropped once Graph has
# let through so many times what a bucket of this rate takes.
_SUPPOSED_GROWTH, _SUPPOSED_MOST = 0.1, 2.0

# `Usage` remembers so many seconds, with so many seconds between two notes, and computes a rate
# only if at least so many units were used in that time.
_MEMORY_S = 60.0
_GRAIN_S = 0.25
_LEAST_UNITS = 50.0
# Graph tells loads from 0.8 on. From a load near zero, almost any rate could be computed.
_LEAST_LOAD = 0.05


class Bucket(msgspec.Struct):
    """
    The estimated state of Graph's bucket, and when the next request may be sent.

    Attributes:
        rate: The units that the bucket loses each second; None while no rate is known, in which
            case no request waits for units.
        level: The units in the bucket at the moment `stamp`.
        stamp: The moment of `level`.
        used: All units that were used so far.
        paused_until: The moment before which nothing may be sent.
        held: The units of the requests that wait for the end of the pause.
        refusals: How many requests were refused. Requests that wait while it changes have to call
            `take` again.
        refused: The moment of the last refusal; 0 before the first.
        streak: The number of refusals since a request was last let through.
        doubles: Whether the last refusal was probably a passing fault, so that the rate may double
            each second.
        grown: The moment when `rate` was last raised, or when a refusal put off raising it.
        lowered: The moment when `rate` was last lowered because the bucket was nearly full.
        told: The moment when Graph last told the load of the bucket.
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
        Add `units` to the bucket, and return the moment from which their request may be sent.

        Except during a pause, it is at most `longest` seconds after `now`.
        """
        self._drain(now)
        self.level += units
        start = self.hold(units, now)
        if self.rate is None:
            return start
        over = self.level - self.rate * WINDOW_S * _FILLED
        # A request that costs more than a whole bucket would otherwise wait for ever.
        over = min(over, self.level - units)
        return max(start, now + min(over / self.rate, longest))

    def spare(self, now: float) -> float:
        """Return the units that may be added at once; negative if the bucket is too full."""
        self._drain(now)
        return (self.rate or 0.0) * WINDOW_S * _FILLED - self.level

    def hold(self, units: float, now: float) -> float:
        """
        Return the moment when a request that costs `units` may be sent, or `now` without a pause.

        The requests that wait for the end of a pause are sent one after another, not all at once.
        """
        if now >= self.paused_until:
            return now
        start = self.paused_until + self.held / max(self.rate or 0, _FIRST_RATE)
        self.held += units
        return start

    def give_back(self, units: float) -> None:
        """Remove `units` that were added but not used; a negative number adds units."""
        self.level = max(0.0, self.level - units)

    def refuse(self, wait: float, now: float, rate: float | None) -> None:
        """
        Note that a request was refused, which means that the bucket is full.

        Args:
            wait: The seconds for which Graph asks to send nothing.
            now: The present moment.
            rate: The units that the bucket loses each second, as computed from our own use; None
                if that was too little to have filled the bucket.
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
        """
        Return the rate after a refusal.

        Args:
            shown: The rate that was computed from our own use; None if there is none.
            same_event: Whether the refusal belongs to an event that has lowered the rate already.
        """
        if shown is None:
            factor = 1 if same_event else _STEP_BACK_FOR_OTHERS
            return max(_LEAST_RATE, (self.rate or 2 * _FIRST_RATE) * factor)
        if self.rate is None:
            return shown
        return min(shown, max(self.rate, shown) * (1 if same_event else _STEP_BACK))

    def pause(self, wait: float, now: float) -> None:
        """Allow no request to be sent for `wait` seconds from `now`."""
        if now + wait > self.paused_until:
            self.held = 0.0
        self.paused_until = max(self.paused_until, now + wait)

    def observe(self, load: float, pending: float, now: float, rate: float | None) -> None:
        """
        Note the load of the bucket, as Graph told it.

        Args:
            load: How full the bucket is; 1.0 means full.
            pending: The units of the requests under way, which the load does not contain yet.
            now: The present moment.
            rate: The units that the bucket loses each second, as computed from our own use; None
                if that was too little.
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
        Raise the rate a little, at most once a second.

        The estimate may be too low, or Graph may allow more than before.
        """
        if self.rate is None or now - max(self.grown, self.lowered) < 1:
            return
        self.rate += self._growth(self.rate, now)
        self.grown = now

    def _growth(self, rate: float, now: float) -> float:
        """Return by how many units a second `rate` grows."""
        if self.doubles:
            return rate
        if now - self.told < _LOAD_KNOWN_S:
            return min(_GROWTH, _GROWTH_PART * rate)
        doublings = min((now - self.refused) / _BLIND_GROWTH_DOUBLES_S, _MOST_DOUBLINGS)
        return rate * min(_BLIND_GROWTH_PART * 2**doublings, _BLIND_GROWTH_PART_MOST)

    def join(self, others: "Totals", now: float) -> None:
        """Add what other processes have done since the last exchange with them."""
        self._drain(now)
        if others.rate is not None and others.rate != self.rate:
            # Another process has just corrected the rate, so this one does not do so again.
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
        """Remove the units that the bucket has lost since `stamp`."""
        if now < self.stamp:
            # The machine was restarted, and its clock began anew: earlier moments mean nothing.
            self.level = self.paused_until = self.held = 0.0
            self.refused = self.grown = self.lowered = self.told = 0.0
        elapsed = max(0.0, now - self.stamp)
        self.stamp = now
        # While no rate is known, the bucket is taken to be empty after one second.
        self.level = max(0.0, self.level - elapsed * (self.rate or self.level))


class Totals(NamedTuple):
    """
    The numbers that processes that share a budget exchange.

    Attributes:
        used: The units that were used.
        refusals: How many requests were refused.
        pause: The seconds for which nothing may be sent.
        rate: The units that the bucket loses each second; None while no process knows it.
        level: The units in the bucket, as far as they are known.
    """

    used: float = 0.0
    refusals: int = 0
    pause: float = 0.0
    rate: float | None = None
    level: float = 0.0


class Supposed(NamedTuple):
    """
    A rate from an earlier run, which is used until an answer tells more.

    Attributes:
        rate: Units a second.
        since: The moment from which it is used.
        used: The units that had been used by then.
    """

    rate: float
    since: float
    used: float

    def spare(self, used: float, now: float) -> tuple[float, float] | None:
        """
        Return the rate to be supposed at the moment `now`, and the units that may be used at once.

        None if more was let through than a bucket of this rate takes, so that the rate is wrong.

        Args:
            used: All units that were used so far.
            now: The present moment.
        """
        used, elapsed = used - self.used, now - self.since
        if used > _SUPPOSED_MOST * self.rate * (WINDOW_S + elapsed):
            return None
        rate = self.rate * (1 + _SUPPOSED_GROWTH * elapsed)
        return rate, rate * WINDOW_S - used


class Usage:
    """
    The units that were used in the last minute, and the rate of the bucket that follows from them.

    Say the bucket is empty at the moment s, and has the load p (1.0 means full) at the moment t.
    The units used in between are those in the bucket at t, and those that it lost meanwhile:
    used = p * WINDOW_S * rate + rate * (t - s), which gives the rate. If the bucket was not empty
    at s, the result is too low. So the rate is computed for every moment s that was noted, and the
    largest result is the estimate. Between two moments at which the bucket is full, it loses
    exactly what is used.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, float]] = deque()
        self._full: tuple[float, float] | None = None

    def add(self, used: float, now: float) -> None:
        """Note that all processes together have used `used` units up to the moment `now`."""
        if not self._notes or now - self._notes[-1][0] >= _GRAIN_S:
            self._notes.append((now, used))
        while now - self._notes[0][0] > _MEMORY_S:
            self._notes.popleft()

    def rate(self, used: float, now: float, load: float = 1.0) -> float | None:
        """
        Return the units that the bucket loses each second, if it has the load `load` now.

        None if so little was used that others must have filled the bucket, or if the load is too
        small for an estimate.
        """
        if not self._notes or used - self._notes[0][1] < _LEAST_UNITS or load < _LEAST_LOAD:
            return None
        best = max((used - before) / (load * WINDOW_S + now - at) for at, before in self._notes)
        if load >= 1 and self._full is not None and now - self._full[0] >= _ONE_EVENT_S:
            best = max(best, (used - self._full[1]) / (now - self._full[0]))
        return best

    def fill(self, used: float, now: float) -> None:
        """Note that the bucket is full at the moment `now`, when `used` units have been used."""
        if self._full is None or now - self._full[0] >= _ONE_EVENT_S:
            self._full = (now, used)

    def recent(self, used: float, now: float) -> float:
        """Return the units that were used per second over the last five seconds."""
        notes = (note for note in self._notes if now - note[0] <= 5.0)
        at, before = next(notes, (now, used))
        return (used - before) / max(now - at, 1.0)
