"""What evidence makes a listing complete, and which piece that is missing makes it unproved."""

from __future__ import annotations

from typing import Any

import pytest

from graphdaemon.listing.record import ListingRecord, Replay
from graphdaemon.listing.verdict import Evidence, conclude, find_gap, tolerance

SOUND = Evidence(baseline=True, settled=True, parts=True, key="userPrincipalName")


@pytest.mark.parametrize(
    ("changes", "verdict", "why"),
    [
        ({}, "complete", "7 ranges cover every userPrincipalName, and what changed meanwhile"),
        ({"whole": True}, "complete", "one chain of pages was read to its end"),
        ({"single": True, "whole": True}, "complete", "one answer holds everything"),
        ({"cut": True}, "incomplete", "stopped at its limit"),
        ({"proving": False}, "unproved", "no proof was asked for"),
        ({"advanced": True}, "unproved", "advanced index"),
        ({"trouble": "the delta was refused (410)"}, "unproved", "410"),
        ({"baseline": False}, "unproved", "there is no delta of users"),
        ({"settled": False}, "unproved", "changed faster"),
        ({"witnesses": 2}, "unproved", "2 records of the first page"),
        ({"witnesses": 2, "whole": True}, "complete", "one chain"),
        ({"parts": False}, "unproved", "not every part"),
    ],
)
def test_a_verdict_rests_on_evidence(changes: dict[str, Any], verdict: str, why: str) -> None:
    """One missing piece is enough to doubt."""
    record = ListingRecord("users", {}, "", method="ranges", ranges=7, records=1000)
    record.count_after = 1000

    conclude(record, SOUND._replace(**changes))

    assert record.verdict == verdict
    assert why in record.why


@pytest.mark.parametrize(
    ("certain", "verdict", "why"),
    [
        (True, "complete", "7 prefixes cover every userPrincipalName, and what changed meanwhile"),
        (False, "unproved", "a userPrincipalName may begin with something else"),
    ],
)
def test_prefixes_prove_something_where_every_value_begins_with_one(
    certain: bool, verdict: str, why: str
) -> None:
    """As the digits of a GUID do."""
    record = ListingRecord("users", {}, "", method="prefixes", ranges=7)

    conclude(record, SOUND._replace(certain=certain))

    assert record.verdict == verdict
    assert why in record.why


def test_without_evidence_nothing_is_proved() -> None:
    """Whatever is not known counts as missing."""
    record = ListingRecord("users", {}, "", method="ranges")

    conclude(record, Evidence())
    no_delta = record.why
    conclude(record, Evidence(baseline=True))

    assert no_delta.startswith("there is no delta of users")
    assert (record.verdict, record.why) == (
        "unproved",
        "the directory changed faster than it could be followed",
    )


@pytest.mark.parametrize(
    ("counted", "verdict"),
    [(1000, "complete"), (1010, "complete"), (990, "complete"), (1011, "unproved")],
)
def test_the_count_may_lag_a_little(counted: int, verdict: str) -> None:
    """It comes from another index; far off, it says something."""
    record = ListingRecord("users", {}, "", method="ranges", records=1000, count_after=counted)

    conclude(record, SOUND)

    assert record.verdict == verdict


@pytest.mark.parametrize(("records", "off"), [(0, 0), (5, 0), (9, 1), (1000, 10), (1_000_000, 333)])
def test_a_larger_directory_may_be_further_off(records: int, off: int) -> None:
    """By the square root: none where every record counts."""
    assert tolerance(records) == off


def test_late_corrections_are_counted() -> None:
    """In the singular, too."""
    record = ListingRecord("users", {}, "", records=5, replay=Replay(late=1))

    conclude(record, SOUND)

    assert record.why == "1 written record changed meanwhile"
    assert record.summary() == f"5 records, unproved: {record.why}"


@pytest.mark.parametrize(
    ("evidence", "counted", "met", "gap"),
    [
        (SOUND, 1000, 1000, ""),
        (SOUND, 1001, 1000, "Graph counts 1,001, and 1,000 were found"),
        (SOUND, 990, 1000, ""),
        (SOUND, 989, 1000, "Graph counts 989, and 1,000 were found"),
        (SOUND, 50_001, 50_000, "Graph counts 50,001, and 50,000 were found"),
        (SOUND, 50_075, 50_001, ""),
        (SOUND, 50_076, 50_001, "Graph counts 50,076, and 50,001 were found"),
        (SOUND, None, 1000, "Graph gives no count"),
        (
            SOUND._replace(witnesses=2),
            1000,
            1000,
            "2 of the first records are in none of the parts",
        ),
        (SOUND._replace(whole=True, witnesses=2), None, 1000, ""),
    ],
)
def test_a_gap_is_a_reason_to_read_the_whole(
    evidence: Evidence, counted: int | None, met: int, gap: str
) -> None:
    """Where a second pass is cheap, one record that was counted and not found is enough."""
    assert find_gap(evidence, counted=counted, met=met) == gap
