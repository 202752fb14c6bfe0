"""
Whether what was read proves that a listing is complete.

Decisions without any I/O. `docs/explanation/complete.md` says why this evidence is enough.
"""

import math
from typing import NamedTuple

from graphdaemon.listing.record import ListingRecord

# Up to this many records a second pass is cheap: one that was counted and not read is enough.
_CHEAP_TO_READ_AGAIN = 50_000


class Evidence(NamedTuple):
    """
    What a verdict rests on.

    Attributes:
        cut: The listing ended at its limit.
        proving: It was asked to prove that it is complete.
        advanced: Graph's advanced index answered.
        single: One answer held everything.
        baseline: A delta link was taken before the first page.
        settled: Every change that the delta told of is in the output.
        trouble: Why the delta could not be followed to the end, if it could not.
        whole: One chain of everything was read to its end.
        parts: It was read in parts, and all of them to their ends.
        witnesses: How many records of the first page are in none of the parts.
        certain: Every value of the key begins with one of the prefixes.
        key: The property that the parts are made of.
    """

    cut: bool = False
    proving: bool = True
    advanced: bool = False
    single: bool = False
    baseline: bool = False
    settled: bool = False
    trouble: str = ""
    whole: bool = False
    parts: bool = False
    witnesses: int = 0
    certain: bool = False
    key: str = ""


def tolerance(records: int) -> int:
    """
    Return how far the service's own count may be off before it counts as a contradiction.

    It comes from another index, which lags by minutes. The more records there are, the more of them
    may have come or gone in these minutes.
    """
    return math.isqrt(records) // 3


def find_gap(evidence: Evidence, *, counted: int | None, met: int) -> str:
    """
    Say why the parts may not be the whole; nothing where no evidence says so.

    Args:
        evidence: What is known before the verdict.
        counted: How many records there are, as the service counts; None if it does not say.
        met: How many different ones were read.
    """
    if evidence.whole:
        return ""
    if evidence.witnesses:
        return f"{evidence.witnesses} of the first records are in none of the parts"
    if counted is None:
        # Only a count would show that some part was not honest.
        return "Graph gives no count"
    most = met if met <= _CHEAP_TO_READ_AGAIN else met + tolerance(met)
    if not met - tolerance(met) <= counted <= most:
        return f"Graph counts {counted:,}, and {met:,} were found"
    return ""


def conclude(record: ListingRecord, evidence: Evidence) -> None:
    """Write the verdict, and what it rests on, into `record`."""
    doubt = _find_doubt(record, evidence)
    if doubt:
        record.verdict = "incomplete" if evidence.cut else "unproved"
        record.why = doubt
        return
    record.verdict = "complete"
    if evidence.single:
        record.why = "one answer holds everything"
    elif evidence.whole:
        record.why = "one chain of pages was read to its end"
    elif record.method == "ranges":
        record.why = f"{record.ranges} ranges cover every {evidence.key}"
    else:
        record.why = f"{record.ranges} prefixes cover every {evidence.key}"
    if evidence.baseline:
        record.why += ", and what changed meanwhile is in it"


def _find_doubt(record: ListingRecord, evidence: Evidence) -> str:
    """The first reason why completeness is not proved; nothing if there is none."""
    if evidence.cut:
        return "it was stopped at its limit"
    if not evidence.proving:
        return "no proof was asked for"
    if evidence.advanced:
        return "Graph's advanced index answered, which lags behind the directory"
    if evidence.trouble:
        return evidence.trouble
    if not evidence.baseline and not evidence.single:
        return f"there is no delta of {record.collection}: what changed meanwhile is not known"
    if evidence.baseline and not evidence.settled:
        return "the directory changed faster than it could be followed"
    if record.replay is not None and record.replay.late:
        number = record.replay.late
        return f"{number} written record{'' if number == 1 else 's'} changed meanwhile"
    if evidence.witnesses and not evidence.whole:
        return f"{evidence.witnesses} records of the first page are in none of the parts"
    if not evidence.whole and not evidence.parts:
        return "not every part of it was read"
    return _doubt_count(record, evidence)


def _doubt_count(record: ListingRecord, evidence: Evidence) -> str:
    if record.count_after is not None:
        gap = abs(record.count_after - record.records)
        if gap > tolerance(record.records):
            return f"Graph counts {record.count_after:,}, and {record.records:,} were found"
    if not evidence.whole and record.method == "prefixes" and not evidence.certain:
        return f"a {evidence.key} may begin with something else than the prefixes"
    return ""
