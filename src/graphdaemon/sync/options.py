"""How a sync is made."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from graphdaemon.listing.options import ListingOptions
from graphdaemon.store.times import now_utc
from graphdaemon.sync.guard import Allowance

WEEK_S = 7 * 86_400.0


class SyncOptions(NamedTuple):
    """
    How a sync is made; the defaults suit every directory.

    Attributes:
        wait: Seconds to wait for another process that works on the same store.
        allowance: What may go at once beyond what the delete guard lets go in any case.
        reconcile: Read everything and compare it with the store, whatever the delta says.
        reconcile_every: Do that by itself after so many seconds; None never does.
        retention: Seconds that versions which ended are remembered; None for ever.
        allow_unproved: Keep a reading that nothing proves to be complete.
        listing: How complete readings are made.
        now: Tells the time, in UTC.
    """

    wait: float = 0.0
    allowance: Allowance | None = None
    reconcile: bool = False
    reconcile_every: float | None = WEEK_S
    retention: float | None = None
    allow_unproved: bool = False
    listing: ListingOptions = ListingOptions()
    now: Callable[[], datetime] = now_utc


def is_due(reconciled: str, every: float | None, now: datetime) -> bool:
    """Say whether the last complete reading, a time of the store, is too long ago."""
    if every is None:
        return False
    try:
        last = datetime.fromisoformat(reconciled)
    except ValueError:
        return True
    if last.tzinfo is None:
        last = last.replace(tzinfo=UTC)
    # A clock that was set back must not put it off for ever.
    return abs((now - last).total_seconds()) >= every
