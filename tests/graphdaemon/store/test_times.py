"""Times as a store writes and reads them."""

import datetime as dt

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.store.times import format_time, now_utc, read_time, stamp


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T08:30", "2026-11-01T08:30:00.000000Z"),
        ("2026-11-01T08:30Z", "2026-11-01T08:30:00.000000Z"),
        ("2026-11-01 08:30:00.5+01:00", "2026-11-01T07:30:00.500000Z"),
        ("2026-11-01T08:30:00.123456789Z", "2026-11-01T08:30:00.123456Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, time: str) -> None:
    """What it writes, it reads."""
    assert read_time(text) == time
    assert read_time(time) == time


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "9999-12-31T23:00-05:00", "1 November"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is neither a date nor a time"):
        read_time(text)


def test_a_stamp_is_later_than_the_last() -> None:
    now = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    assert stamp(now, None) == stamp(now, "") == "2026-11-01T08:00:00.000000Z"
    assert stamp(now, "2026-11-01T07:59:59.999999Z") == "2026-11-01T08:00:00.000000Z"
    assert stamp(now, "2026-11-01T08:00:00.000000Z") == "2026-11-01T08:00:00.000001Z"
    assert stamp(now, "2026-12-31T23:59:59.999999Z") == "2027-01-01T00:00:00.000000Z"


def test_now_has_an_offset() -> None:
    assert format_time(now_utc()).endswith("Z")
    assert now_utc().tzinfo is dt.UTC
