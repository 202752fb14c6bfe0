"""
The listing record: what was read, how it was checked, and whether that proves it complete.

A value without any I/O; `docs/reference/listing-record.md` says what each member means.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

Corrections = Mapping[str, msgspec.Raw | None]
"""By ID: the record as it is at the end, or None if it is gone."""

Verdict = Literal["complete", "unproved", "incomplete"]
Method = Literal["ranges", "prefixes", "chain"]


class Replay(msgspec.Struct, omit_defaults=False):
    """
    What the delta said happened while the listing ran.

    Attributes:
        rounds: How often the delta was read until it was quiet.
        changed: Records it named that are still there, written anew or corrected.
        removed: Records it named that are gone.
        appeared: Records that only it knew of.
        late: Corrections to records that were written already and could not be corrected.
        applied: Whether the output is what the directory was at the end.
    """

    rounds: int = 0
    changed: int = 0
    removed: int = 0
    appeared: int = 0
    late: int = 0
    applied: bool = False


class ListingRecord(msgspec.Struct):
    """
    The account of one listing.

    Attributes:
        collection: Path below the Graph version.
        query: The OData options that were given, by name.
        started: RFC 3339, UTC.
        finished: The same, of a failure too; empty while it runs.
        method: How it was read in the end.
        ranges: How many ranges, prefixes or chains were read to their end.
        pages: Answers with records.
        requests: Everything sent, repetitions too.
        retries: Requests repeated after trouble.
        throttled: Answers that asked to wait (429).
        restarts: Ranges begun anew because a page link was refused.
        splits: Ranges divided because they turned out big.
        units: Resource units Graph says it took.
        records: Distinct IDs in the output.
        duplicates: Records dropped because their ID had been written.
        count_before: The service's own count before; None if it gave none, or was not asked.
        count_after: The same after.
        replay: What the delta said; None if there was no delta.
        expanded: Properties read for each record besides (`--with`), with how many were read.
        blank: Selected properties that are null or absent in every record: not set, or not
            readable with this token.
        notes: What was done otherwise than planned, each a sentence.
        verdict: `complete`, `unproved` or `incomplete`.
        why: What the verdict rests on, one sentence.
    """

    collection: str
    query: dict[str, str]
    started: str
    finished: str = ""
    method: Method = "chain"
    ranges: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    restarts: int = 0
    splits: int = 0
    units: int = 0
    records: int = 0
    duplicates: int = 0
    count_before: int | None = None
    count_after: int | None = None
    replay: Replay | None = None
    expanded: dict[str, int] = msgspec.field(default_factory=dict)
    blank: list[str] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    verdict: Verdict = "incomplete"
    why: str = "it was not finished"

    @property
    def exit_code(self) -> int:
        """0 where the listing is proved complete, or was never meant to be; 8 otherwise."""
        return 0 if self.verdict == "complete" or "limit" in self.query else 8

    def summary(self) -> str:
        """One line for people."""
        number = f"{self.records:,} record{'' if self.records == 1 else 's'}"
        return f"{number}, {self.verdict}: {self.why}"

    def to_json(self) -> bytes:
        """The whole record, indented, with a line break at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class Progress(NamedTuple):
    """
    How far a listing is; handed out after each page and while it waits.

    Attributes:
        records: Written so far.
        total: What the service counts, or None.
        pages: Answers with records.
        in_flight: Requests under way.
        units: Resource units used so far.
        unit_rate: Resource units a second of late.
        unit_limit: Resource units a second the budget allows, or None while none is known.
        waiting: What is being waited for, such as `Graph (429, 7 s)`; empty when nothing is.
        stage: `baseline`, `listing`, `replay`, `check` or `done`.
    """

    records: int
    total: int | None
    pages: int
    in_flight: int
    units: int
    unit_rate: float
    unit_limit: float | None
    waiting: str
    stage: str


OnProgress = Callable[[Progress], None]


class Evidence(NamedTuple):
    """
    What a verdict rests on.

    Attributes:
        cut: It was ended at a limit.
        proving: It was asked to prove anything.
        advanced: The advanced index answered.
        single: One answer held everything.
        baseline: Changes were followed from before the first page.
        settled: What changed was put right up to the end.
        trouble: Why it was not, if known.
        whole: One chain of everything was read to its end.
        parts: It was read in parts, and all of them to their ends.
        witnesses: Records of the first page that no part brought.
        certain: The prefixes are all that there can be.
        key: What the parts are made of.
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
    How far the service's own count may be off before it says something.

    It comes from another index, which lags by minutes: the more records, the more of them came or
    went of late.
    """
    return math.isqrt(records) // 3


def conclude(record: ListingRecord, evidence: Evidence) -> None:
    """Write the verdict, and what it rests on, into the record."""
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
    """The first reason why completeness is not proved; empty if there is none."""
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
