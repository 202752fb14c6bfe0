"""
Decide whether the listing of an API that is not Graph is proved complete; without any I/O.

Such an API does not report changes, and it may not support any further requests. So the evidence is
what it sends by itself: the pages, and a count of all records. `docs/explanation/complete.md` shows
the table.
"""

from collections.abc import Callable
from typing import NamedTuple

from graphdaemon.listing.record import ListingRecord, Verdict


class OwnEvidence(NamedTuple):
    """
    The evidence for the verdict on the listing of an API that is not Graph.

    Attributes:
        records: How many records are in the output.
        pages: How many pages were read, in both readings together.
        counts: All counts of all records that the API sent.
        cut: Whether the listing ended at its limit.
        proving: Whether a proof was requested.
        identified: Whether every record has an ID of its own.
        agrees: Whether a second reading had the same IDs in the same order; None if there was no
            second reading, or if it failed.
    """

    records: int = 0
    pages: int = 0
    counts: tuple[int, ...] = ()
    cut: bool = False
    proving: bool = True
    identified: bool = True
    agrees: bool | None = None


class OwnCheck(NamedTuple):
    """
    A check, which is a row of the table.

    Attributes:
        name: Its name in the listing record, if it is the check that failed.
        requires: What it requires, as a sentence.
        find_doubt: Returns why the requirement is not met; empty if it is met.
        next_step: What can be done about it.
    """

    name: str
    requires: str
    find_doubt: Callable[[OwnEvidence], str]
    next_step: str


def conclude_own(record: ListingRecord, evidence: OwnEvidence) -> None:
    """Write the verdict and its reason into `record`."""
    for check in OWN_CHECKS:
        doubt = check.find_doubt(evidence)
        if doubt:
            verdict: Verdict = "incomplete" if check.name == "limit" else "unproved"
            record.verdict, record.why = verdict, doubt
            record.missing, record.next_step = check.name, check.next_step
            return
    record.verdict = "complete"
    held = "two readings found the same" if evidence.agrees else "one answer holds everything"
    record.why = f"{held}, as the API's own count says"
    record.missing = record.next_step = ""


def _doubt_count(evidence: OwnEvidence) -> str:
    other = next((count for count in evidence.counts if count != evidence.records), None)
    if other is None:
        return ""
    were = "was" if evidence.records == 1 else "were"
    return f"the API counts {other:,}, and {evidence.records:,} {were} read"


def _doubt_identity(evidence: OwnEvidence) -> str:
    if evidence.pages == 1 or evidence.identified:
        return ""
    return "without an ID in each, nobody can tell whether a record came twice, and another never"


def _doubt_pages(evidence: OwnEvidence) -> str:
    if evidence.pages == 1 or evidence.agrees:
        return ""
    if evidence.agrees is None:
        return "the second reading, which could have proved it, failed"
    return "two readings differ: it changed meanwhile, or the API has no fixed order"


def _doubt_counted(evidence: OwnEvidence) -> str:
    if evidence.counts:
        return ""
    return "the API sends no count, so nothing shows whether it kept something back"


OWN_CHECKS: tuple[OwnCheck, ...] = (
    OwnCheck(
        "limit",
        "The listing was not stopped at a limit.",
        lambda evidence: "it was stopped at its limit" if evidence.cut else "",
        "Leave the limit out.",
    ),
    OwnCheck(
        "proof",
        "A proof was requested.",
        lambda evidence: "" if evidence.proving else "no proof was asked for",
        "Ask for a proof.",
    ),
    OwnCheck(
        "count",
        "Each count that the API sent is exactly the number of records read.",
        _doubt_count,
        "Run it again; if it recurs, the API pages in a way that is not known here.",
    ),
    OwnCheck(
        "counted",
        "The API sent a count of all records: `@odata.count`, or the header X-Total-Count.",
        _doubt_counted,
        "Have the API send one: `@odata.count` beside `value`, or the header X-Total-Count.",
    ),
    OwnCheck(
        "identity",
        "One answer contained everything; or each record has an `id` of its own.",
        _doubt_identity,
        "Have the API send an `id` in each record, or all in one answer.",
    ),
    OwnCheck(
        "pages",
        "One answer contained everything; or a second reading had the same IDs in the same order.",
        _doubt_pages,
        "Run it again when less changes there; have the API sort what it pages.",
    ),
)
"""All checks that a complete listing must pass; the first that fails is the reason given."""
