"""Count the changes in a store for each day."""

import datetime as dt
from typing import NamedTuple

from graphdaemon.store.store import Store

# The join with `links` gives tenant and collection, with which the index of `runs` begins.
_PER_DAY = """
SELECT substr(r.at, 1, 10) AS day, sum(r.created), sum(r.updated), sum(r.ended)
FROM links AS k JOIN runs AS r
  ON r.tenant = k.tenant AND r.collection = k.collection AND r.at >= :since
WHERE r.kind <> 'baseline' AND (:tenant = 0 OR k.tenant = :tenant)
GROUP BY substr(r.at, 1, 10)"""


class DayActivity(NamedTuple):
    """
    The changes of one day. The records of a baseline, the first reading, are not changes.

    Attributes:
        day: The date in UTC.
        created: How many records were new.
        updated: How many records got a new version.
        ended: How many records ended: removed, deleted or absent.
    """

    day: dt.date
    created: int = 0
    updated: int = 0
    ended: int = 0

    @property
    def changes(self) -> int:
        """The number of all changes."""
        return self.created + self.updated + self.ended


def read_activity(
    store: Store, last: dt.date, days: int, tenant: int | None = None
) -> list[DayActivity]:
    """
    Return the activity of the `days` days up to `last`, in their order, days without changes too.

    Args:
        store: The store.
        last: The last day.
        days: How many days.
        tenant: The number of a tenant; None for all of them.
    """
    first = last - dt.timedelta(days=days - 1)
    values = {"since": first.isoformat(), "tenant": tenant or 0}
    counts = {
        day: tuple(map(int, counts)) for day, *counts in store.database.fetch(_PER_DAY, values)
    }
    every = (first + dt.timedelta(days=number) for number in range(days))
    return [DayActivity(day, *counts.get(day.isoformat(), ())) for day in every]
