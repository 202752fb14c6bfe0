"""
When a collection is brought into step next. Values and arithmetic only; no clock.

Each tenant has moments of its own, one in each interval, which follow from its name: no two tenants
meet by habit, any number of daemons agree on them, and a daemon that was late is back in time with
the next. All collections of a tenant share them, and so one connection and one token. What was
missed, by a machine that slept, is due once.
"""

import datetime as dt
import hashlib

LONGEST_S = 3_600.0
"""Seconds after which a failure is tried again at the latest."""

LONGEST_SILENT_S = 300.0
"""The same where nobody answered, unless an interval is longer."""

# Where the intervals of all tenants begin.
_EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
# A part of an interval: who has just been brought into step is not due again at once.
_LEAST = 0.1


def share_of(tenant: str) -> float:
    """Return where in each interval a tenant's moment is: 0 is its beginning, 1 its end."""
    digest = hashlib.sha256(tenant.encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def after_success(tenant: str, now: dt.datetime, every: float) -> dt.datetime:
    """Return a tenant's next moment after one that went well; `every` is the interval in s."""
    phase = share_of(tenant) * every
    since = (now - _EPOCH).total_seconds() - phase
    count = int((since + _LEAST * every) // every) + 1
    return _EPOCH + dt.timedelta(seconds=phase + count * every)


def after_failure(
    now: dt.datetime,
    every: float,
    failures: int,
    *,
    retry_after: float | None = None,
    is_steady: bool = False,
    is_silent: bool = False,
) -> dt.datetime:
    """
    Return when a failure is tried again: after an interval, then after twice as long each time.

    Args:
        now: The time.
        every: The interval in seconds.
        failures: How often it has failed in a row; 1 or more.
        retry_after: Seconds that Graph asked to wait.
        is_steady: Somebody has to mend it, and may have done so any time: it is tried again at
            every interval.
        is_silent: Nobody answered. Trying again burdens nobody, and as soon as a network is back
            everything is to be made up for: it is put off for some minutes at most.
    """
    most = min(failures - 1, 20)
    wait = every if is_steady else every * 2.0**most
    longest = max(min(every, LONGEST_S), LONGEST_SILENT_S) if is_silent else LONGEST_S
    wait = max(min(wait, longest), retry_after or 0.0)
    return now + dt.timedelta(seconds=wait)
