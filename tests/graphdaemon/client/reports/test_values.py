"""Times, durations and texts of records, however odd."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graphdaemon.client.reports.values import (
    count_days,
    read_duration,
    read_flag,
    read_moment,
    read_object,
    read_objects,
    read_text,
    write_moment,
)

MOMENTS = {
    "2026-11-30T20:00:00Z": "2026-11-30T20:00:00Z",
    "2026-11-30T20:00:00.1234567Z": "2026-11-30T20:00:00Z",
    "2026-11-30T20:00Z": "2026-11-30T20:00:00Z",
    "2021-03-18T00:00:00-8:00": "2021-03-18T08:00:00Z",
    "2026-11-30T20:00:00+05:30": "2026-11-30T14:30:00Z",
    "9999-12-31T23:59:59.9999999Z": "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-01:00": "9999-12-31T23:59:59Z",
}
NO_MOMENTS: tuple[Any, ...] = (
    *("0001-01-01T00:00:00Z", "", "yesterday", "2026-02-30T00:00:00Z", "2026-11-30"),
    *("2026-11-30T25:00:00Z", None, 1_800_000_000, True, [], {}, "2026-11-30T20:00:00Z\n"),
)


@pytest.mark.parametrize(("text", "moment"), MOMENTS.items())
def test_a_moment_is_read_in_every_form_that_graph_sends(text: str, moment: str) -> None:
    assert write_moment(read_moment(text)) == moment


@pytest.mark.parametrize("value", NO_MOMENTS)
def test_what_is_no_moment_is_none(value: object) -> None:
    assert read_moment(value) is None


def test_days_are_whole_in_both_directions() -> None:
    now = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)

    def days(**later: float) -> int:
        return count_days(now, now + dt.timedelta(**later))

    assert [days(hours=23), days(hours=24), days(days=30)] == [0, 1, 30]
    assert [days(hours=-23), days(hours=-24), days(days=-30, hours=-1)] == [0, -1, -30]


def test_a_duration_is_read_as_policies_write_it() -> None:
    day = 86_400.0
    assert read_duration("P180D") == 180 * day
    assert read_duration("P1Y6M") == (365 + 180) * day
    assert read_duration("P2W") == 14 * day
    assert read_duration("P4DT12H30M5.5S") == 4 * day + 12 * 3_600 + 30 * 60 + 5
    assert [read_duration(text) for text in ("P", "PT", "", "180", None, "P9999999D")] == [None] * 6


def test_a_property_of_another_type_is_as_if_it_were_absent() -> None:
    record = {"text": 7, "flag": "yes", "list": {"a": 1}, "object": [1], "mixed": [1, {"b": 2}, 0]}

    assert read_text(record, "text") is None
    assert read_flag(record, "flag") is None
    assert read_objects(record, "list") == []
    assert read_object(record, "object") == {}
    assert read_objects(record, "mixed") == [{"b": 2}]
