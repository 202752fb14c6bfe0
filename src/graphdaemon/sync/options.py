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
    How a sync is made. The defaults suit every directory.

    Attributes:
        wait: How many seconds to wait for another process that uses the same store.
        allowance: How much may be deleted at once beyond what the delete guard always allows.
        reconcile: Read everything and compare it with the store, even if the delta would be enough.
        reconcile_every: Do that automatically after this many seconds; None means never.
        retention: How many seconds earlier versions are kept; None means for ever.
        allow_unproved: Accept a reading that is not proved complete.
        listing: How complete readings are made.
        now: Returns the current time in UTC.
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
