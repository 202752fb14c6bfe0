"""What evidence makes a listing complete, and which check that is missing makes it unproved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import pytest

from graphdaemon.listing.record import ListingRecord
from graphdaemon.listing.verdict import (
    CHECKS,
    Evidence,
    conclude,
    find_gap,
    judge,
    may_catch_up,
    tolerance,
)

READINGS: dict[str, dict[str, Any]] = {
    "ranges": {"divided": True, "method": "ranges", "ranges": 7, "pages": 9},
    "sure prefixes": {"divided": True, "method": "prefixes", "ranges": 7, "certain": True},
    "prefixes": {"divided": True, "method": "prefixes", "ranges": 7},
    "one chain": {"whole": True, "pages": 9},
    "one answer": {"whole": True, "pages": 1},
    "nothing": {"pages": 9},
}
RECORDS = 1000
SOUND = Evidence(
    collection="users",
    records=RECORDS,
    key="userPrincipalName",
    baseline=True,
    settled=True,
    count_before=RECORDS,
    count_after=RECORDS,
    **READINGS["ranges"],
)


@pytest.mark.parametrize(
    ("changes", "missing", "why"),
    [
        ({}, "", "7 ranges cover every userPrincipalName, and what changed meanwhile is in it"),
        (READINGS["sure prefixes"], "", "7 prefixes cover every userPrincipalName"),
        (READINGS["one chain"], "", "one chain of pages was read to its end"),
        (READINGS["one answer"], "", "one answer holds everything"),
        ({"cut": True}, "limit", "stopped at its limit"),
        ({"proving": False}, "proof", "no proof was asked for"),
        ({"advanced": True}, "index", "advanced index"),
        ({"divided": False}, "reading", "not every part"),
        ({"trouble": "the delta was refused (410)"}, "replay", "410"),
        ({"baseline": False}, "delta", "there is no delta of users"),
        ({"baseline": False, **READINGS["one answer"], "resumed": True}, "delta", "no delta"),
        ({"unshown": 1}, "shown", "1 record that changed cannot be seen"),
        ({"settled": False}, "settled", "changed faster"),
        ({"undecided": 2}, "filter", "whether 2 records that changed should match the filter"),
        ({"late": 1}, "output", "1 written record changed meanwhile"),
        ({"late": 2}, "output", "2 written records changed meanwhile"),
        ({"witnesses": 2}, "witnesses", "2 records of the first page"),
        ({"witnesses": 2, **READINGS["one chain"]}, "", "one chain"),
        (READINGS["prefixes"], "prefixes", "a userPrincipalName may begin with something else"),
        ({"missed": 3, "readings": 2}, "second_reading", "did not bring 3 records of the first"),
        ({"count_before": None, "count_after": None}, "count", "Graph gives no count"),
        ({"count_after": 1001}, "count", "Graph counts 1,001, and 1,000 were found"),
        ({"records": 1, "count_after": 3}, "count", "Graph counts 3, and 1 was found"),
        ({"count_after": 989}, "count", "Graph counts 989, and 1,000 were found"),
        ({"count_after": 990}, "", "7 ranges"),
        ({"count_before": 1001}, "count", "Graph counted 1,001 at first, and 1,000 were found"),
        ({"count_before": 32, "count_after": None, "records": 17}, "count", "Graph counted 32"),
        ({"count_before": None}, "", "7 ranges"),
        ({"count_after": None}, "", "7 ranges"),
        ({"count_before": 1003, "gone": 3}, "", "7 ranges"),
        ({"count_before": 1004, "gone": 3}, "count", "Graph counted 1,004"),
        ({"count_before": 960, "present": 30}, "", "7 ranges"),
        ({"count_before": 959, "present": 30}, "count", "Graph counted 959"),
    ],
)
def test_a_verdict_rests_on_evidence(changes: dict[str, Any], missing: str, why: str) -> None:
    """One missing piece is enough to doubt, and its check is named."""
    record = ListingRecord("users", {}, "")

    conclude(record, SOUND._replace(**changes))

    expected = "complete" if not missing else "incomplete" if missing == "limit" else "unproved"
    assert (record.verdict, record.missing) == (expected, missing)
    assert why in record.why
    assert bool(record.next_step) is bool(missing)


def test_every_check_of_the_table_has_a_row_that_it_fails() -> None:
    """None stands there for nothing, and each has a name, a claim and a next step of its own."""
    rows = test_a_verdict_rests_on_evidence.pytestmark[0].args[1]

    assert {missing for _, missing, _ in rows} - {""} == {check.name for check in CHECKS}
    assert len({check.requires for check in CHECKS}) == len(CHECKS)
    assert all(check.next_step for check in CHECKS)


COUNTS = (None, 986, 987, 990, RECORDS, RECORDS + 3, RECORDS + 4)
DELTAS: tuple[dict[str, Any], ...] = (
    *({"baseline": False, "settled": False}, {"settled": False}, {}),
    *({"unshown": 2}, {"trouble": "410", "settled": False}),
)


def combine(reading: str) -> Iterator[Evidence]:
    """Every combination of what can be known of a listing that was read in this way."""
    for delta, before, after, gone, present, undecided, witnesses in product(
        DELTAS, COUNTS, COUNTS, (0, 3), (0, 3), (0, 1), (0, 2)
    ):
        for (readings, missed), resumed in product(((1, 0), (2, 0), (2, 4)), (False, True)):
            yield SOUND._replace(
                **{"divided": False, "method": "chain", **READINGS[reading], **delta},
                count_before=before,
                count_after=after,
                gone=gone,
                present=present,
                undecided=undecided,
                witnesses=witnesses,
                readings=readings,
                missed=missed,
                resumed=resumed,
            )


@pytest.mark.parametrize("reading", READINGS)
def test_complete_is_only_what_nothing_contradicts(reading: str) -> None:
    """Of every combination of evidence: each contradiction is explained by changes with names."""
    complete = 0
    for evidence in combine(reading):
        judgement = judge(evidence)
        if judgement.verdict != "complete":
            assert judgement.missing, evidence
            assert judgement.why, evidence
            assert judgement.next_step, evidence
            continue
        complete += 1
        counts = [n for n in (evidence.count_before, evidence.count_after) if n is not None]
        assert counts, "somebody counted"
        assert max(counts) <= RECORDS + evidence.gone, evidence
        assert min(counts) >= RECORDS - evidence.present - 10, evidence
        doubts = (evidence.trouble, evidence.unshown, evidence.missed, evidence.undecided)
        assert not any(doubts), evidence
        if reading in ("ranges", "sure prefixes"):
            assert not evidence.witnesses, evidence
        if reading == "one answer" and not evidence.resumed:
            assert evidence.settled or not evidence.baseline, evidence
        else:
            assert evidence.baseline, evidence
            assert evidence.settled, evidence
    assert (complete > 0) is (reading not in ("prefixes", "nothing"))


@pytest.mark.parametrize("reading", READINGS)
def test_no_further_doubt_makes_a_listing_complete(reading: str) -> None:
    """Whatever is taken from the evidence, or said against it: unproved stays unproved."""
    doubts: tuple[dict[str, Any], ...] = (
        *({"witnesses": 5}, {"missed": 5, "readings": 2}, {"late": 5}, {"unshown": 5}),
        *({"undecided": 5}, {"trouble": "410"}, {"resumed": True}, {"settled": False}),
        *({"count_after": 10**9}, {"count_before": 10**9}, {"gone": 0, "present": 0}),
        *({"cut": True}, {"proving": False}, {"advanced": True}),
    )
    # Every eleventh: the steps of the combinations are none of its multiples.
    for evidence in islice(combine(reading), 0, None, 11):
        if judge(evidence).verdict != "complete":
            for doubt in doubts:
                assert judge(evidence._replace(**doubt)).verdict != "complete", (evidence, doubt)


def test_without_evidence_nothing_is_proved() -> None:
    """Whatever is not known counts as missing."""
    assert judge(Evidence()).missing == "reading"
    assert judge(Evidence(whole=True)).missing == "delta"
    assert judge(Evidence(whole=True, pages=1)).missing == "count"


@pytest.mark.parametrize(
    ("changes", "helps"),
    [
        ({"advanced": True}, False),
        ({"baseline": False}, False),
        ({"count_before": None, "count_after": None, "count_refused": True}, False),
        ({"count_before": None, "count_after": None}, True),
        ({"count_after": 1001, "count_refused": True}, True),
        ({"settled": False}, True),
    ],
)
def test_to_run_it_again_is_only_advised_where_that_can_help(
    changes: dict[str, Any], helps: bool
) -> None:
    """What cannot be proved by nature is said to be so."""
    step = judge(SOUND._replace(**changes)).next_step

    assert step == ("Run it again." if helps else "No run can prove this list complete.")


@pytest.mark.parametrize(("records", "off"), [(0, 0), (5, 0), (9, 1), (1000, 10), (1_000_000, 333)])
def test_a_larger_directory_may_be_counted_further_behind(records: int, off: int) -> None:
    """By the square root: none where every record counts."""
    assert tolerance(records) == off


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({}, ""),
        ({"count_after": 1001}, "Graph counts 1,001, and 1,000 were found"),
        ({"count_after": 1003, "gone": 3}, "Graph counts 1,003, and 1,000 were found"),
        ({"count_after": 1003, "gone": 3, "readings": 2}, ""),
        ({"count_before": 1003, "gone": 3}, ""),
        ({"count_after": 990}, ""),
        ({"count_after": 989}, "Graph counts 989, and 1,000 were found"),
        ({"count_before": 1001}, "Graph counted 1,001 at first, and 1,000 were found"),
        ({"records": 50_001, "count_before": None, "count_after": 50_002}, "Graph counts 50,002"),
        ({"count_before": None, "count_after": None}, "Graph gives no count"),
        ({"witnesses": 2}, "2 of the first records are in none of the parts"),
        ({"divided": False}, "not every part of it was read"),
        ({"witnesses": 2, "readings": 2}, ""),
        # One chain is read again only where a page of it may have been lost.
        ({**READINGS["one chain"], "count_after": 1001}, "Graph counts 1,001"),
        ({**READINGS["one chain"], "count_before": 1001}, "Graph counted 1,001"),
        ({**READINGS["one chain"], "count_after": 1003, "gone": 3}, "Graph counts 1,003"),
        ({**READINGS["one chain"], "count_before": 1003, "gone": 3}, ""),
        ({**READINGS["one chain"], "count_after": 1003, "gone": 3, "settled": False}, ""),
        ({**READINGS["one chain"], "count_after": 1}, ""),
        ({**READINGS["one chain"], "count_before": None, "count_after": None}, ""),
        ({**READINGS["one chain"], "count_after": 1001, "baseline": False}, ""),
        ({**READINGS["one chain"], "count_after": 1001, "readings": 2}, ""),
        ({**READINGS["one answer"], "count_after": 1001}, "Graph counts 1,001"),
    ],
)
def test_a_gap_is_a_reason_to_read_everything_again(changes: dict[str, Any], gap: str) -> None:
    """One record that was counted and not found is enough."""
    doubt = find_gap(SOUND._replace(**changes))

    assert doubt.startswith(gap)
    assert bool(doubt) is bool(gap)


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, False),
        ({"count_after": 1001}, True),
        ({"count_after": 1010}, True),
        ({"count_after": 1011}, False),
        ({"count_after": 1003, "gone": 3}, True),
        ({"count_after": 1013, "gone": 3}, True),
        ({"count_after": 1014, "gone": 3}, False),
        ({"count_after": None}, False),
        ({"count_after": 989}, False),
        ({"count_before": 1001}, False),
        ({"count_before": 1001, "count_after": 1001}, False),
        ({"count_before": None, "count_after": 1001}, True),
        ({"count_after": 1001, "baseline": False}, False),
    ],
)
def test_a_count_may_catch_up_where_it_is_little_too_high(
    changes: dict[str, Any], may: bool
) -> None:
    """And where nothing else is missing: nobody waits in vain."""
    assert may_catch_up(SOUND._replace(**changes)) is may
