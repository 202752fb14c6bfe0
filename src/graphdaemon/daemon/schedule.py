"""
When a collection is synced next. Only values and arithmetic, no clock.

Each tenant has its own moment in every interval, which follows from its name. So tenants are spread
over the interval, any number of daemons agree on the moments, and a daemon that was late is on time
again with the next one. All collections of a tenant share its moments, and so one connection and
one token. What a sleeping machine missed is done only once.
"""

import datetime as dt
import hashlib

LONGEST_S = 3_600.0
"""A failed sync is tried again after this many seconds at the latest."""

LONGEST_SILENT_S = 300.0
"""The same if there was no answer, unless an interval is longer."""

# Where the intervals of all tenants begin.
_EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
# A part of an interval: who has just been brought into step is not due again at once.
_LEAST = 0.1


def share_of(tenant: str) -> float:
    """Return where in each interval the moment of a tenant is: 0 is the beginning, 1 the end."""
    digest = hashlib.sha256(tenant.encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def after_success(tenant: str, now: dt.datetime, every: float) -> dt.datetime:
    """Return the next moment of a tenant after a success; `every` is the interval in seconds."""
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
    Return when a failed sync is tried again: after an interval, then each time after twice as long.

    Args:
        now: The time.
        every: The interval in seconds.
        failures: How often it has failed in a row; 1 or more.
        retry_after: Seconds that Graph asked to wait.
        is_steady: Somebody must correct it, and may do so at any time, so it is tried again at
            every interval.
        is_silent: There was no answer. Trying again burdens nobody, and everything must be made up
            for as soon as the network is back, so it is postponed by some minutes at most.
    """
    most = min(failures - 1, 20)
    wait = every if is_steady else every * 2.0**most
    longest = max(min(every, LONGEST_S), LONGEST_SILENT_S) if is_silent else LONGEST_S
    wait = max(min(wait, longest), retry_after or 0.0)
    return now + dt.timedelta(seconds=wait)
