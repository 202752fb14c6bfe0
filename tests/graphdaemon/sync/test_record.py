"""The account of a sync."""

from graphdaemon.sync.record import SHOWN_DRIFT, Drift, SyncRecord


def test_a_line_says_what_was_done() -> None:
    """Only what happened is counted in it."""
    record = SyncRecord("users", rows=1204, created=2, ended=1, requests=1, seconds=0.31)

    assert record.summary() == "users: 1,204 rows, 2 created, 1 ended (round, 1 request, 0.3 s)"


def test_no_change_is_said() -> None:
    """A line that says nothing would look like a mistake."""
    record = SyncRecord("users", rows=1, requests=2)

    assert record.summary() == "users: 1 row, no change (round, 2 requests, 0.0 s)"


def test_only_the_first_rows_that_drifted_are_named() -> None:
    """A million IDs help nobody."""
    drift = Drift(missing=1, surplus=2, different=3)
    for number in range(30):
        drift.name(str(number))

    assert drift.rows == 6
    assert drift.ids == [str(number) for number in range(SHOWN_DRIFT)]
