"""How much has changed in a store, day by day."""

import datetime as dt
from typing import NamedTuple

from graphdaemon.store.store import Store

# By the index of runs, which begins with tenant and collection.
_PER_DAY = """
SELECT substr(r.at, 1, 10) AS day, sum(r.created), sum(r.updated), sum(r.ended)
FROM links AS k JOIN runs AS r
  ON r.tenant = k.tenant AND r.collection = k.collection AND r.at >= :since
WHERE r.kind <> 'baseline' AND (:tenant = 0 OR k.tenant = :tenant)
GROUP BY substr(r.at, 1, 10)"""


class DayActivity(NamedTuple):
    """
    What changed on one day; what a first reading found is no change.

    Attributes:
        day: The date, UTC.
        created: Records that were new.
        updated: Records that got a new version.
        ended: Records that went.
    """

    day: dt.date
    created: int = 0
    updated: int = 0
    ended: int = 0

    @property
    def changes(self) -> int:
        """How many changes in all."""
        return self.created + self.updated + self.ended


def read_activity(
    store: Store, last: dt.date, days: int, tenant: int | None = None
) -> list[DayActivity]:
    """
    Return every one of so many days in their order, those without changes too.

    Args:
        store: The store.
        last: The last of the days.
        days: How many.
        tenant: The number of a tenant; None for all of them.
    """
    first = last - dt.timedelta(days=days - 1)
    values = {"since": first.isoformat(), "tenant": tenant or 0}
    counts = {
        day: tuple(map(int, counts)) for day, *counts in store.database.fetch(_PER_DAY, values)
    }
    every = (first + dt.timedelta(days=number) for number in range(days))
    return [DayActivity(day, *counts.get(day.isoformat(), ())) for day in every]
