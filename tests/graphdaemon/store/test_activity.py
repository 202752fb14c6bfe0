"""How much has changed, day by day."""

from __future__ import annotations

import datetime as dt

from graphdaemon.store.activity import DayActivity, read_activity
from graphdaemon.store.store import Store
from tests.support.store_fixtures import SteppingClock, load_users, position, row

LAST = dt.date(2026, 11, 3)


def test_every_day_is_there_and_a_first_reading_is_no_change(
    store: Store, clock: SteppingClock
) -> None:
    load_users(store, row("a"), row("b"))
    clock.time += dt.timedelta(days=1)
    for name in ("1", "2"):
        with store.change(1, "users", "round") as change:
            change.put([row("a", n=name), row(f"new{name}")])
            change.save(position())
    with store.change(1, "users", "comparison") as change:
        change.end(["b"], "absent")
        change.save(position())

    assert read_activity(store, LAST, 3) == [
        DayActivity(dt.date(2026, 11, 1)),
        DayActivity(dt.date(2026, 11, 2), 2, 2, 1),
        DayActivity(LAST),
    ]
    assert read_activity(store, LAST, 3, tenant=1)[1].changes == 5
    assert read_activity(store, LAST, 3, tenant=2)[1].changes == 0
    # What is older is not looked at.
    assert [day.changes for day in read_activity(store, LAST, 1)] == [0]
