"""
The listing record: what was read, how it was checked, and the verdict.

Values without any I/O; `docs/reference/listing-record.md` says what each member means.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

Corrections = Mapping[str, msgspec.Raw | None]
"""Corrections of records that were written: by ID, the record as it is now; None if it is gone."""

Verdict = Literal["complete", "unproved", "incomplete"]
"""Whether a listing is proved to be complete, is not proved, or is known to be incomplete."""

Method = Literal["ranges", "prefixes", "chain"]


class Replay(msgspec.Struct, omit_defaults=False):
    """
    What the delta reported about the time while the listing ran.

    Attributes:
        rounds: How often the delta was read until nothing was left to correct.
        changed: Records of the output that it reported as changed. They were corrected.
        removed: Records of the output that it reported as gone. They were removed.
        appeared: Records that were added to the output because it reported them.
        late: Corrections that were not possible, because the records had already been passed on.
        applied: Whether the output shows the directory as it was at the end.
    """

    rounds: int = 0
    changed: int = 0
    removed: int = 0
    appeared: int = 0
    late: int = 0
    applied: bool = False


class ListingRecord(msgspec.Struct):
    """
    What one listing did, and what proves it complete.

    Attributes:
        collection: Path below the Graph version.
        query: The options that were given, by name.
        started: When it started, as RFC 3339 in UTC.
        finished: When it ended or failed, in the same form; empty while it runs.
        method: How the collection was finally read.
        ranges: How many ranges, prefixes or chains were read to their ends.
        pages: How many pages with records were read.
        requests: How many requests were sent, including repetitions.
        retries: How many requests were repeated after a temporary failure.
        throttled: How many answers asked to wait (429).
        restarts: How many chains were started again because a page link was refused.
        splits: How many ranges were divided again because they were large.
        units: How many resource units it cost, according to Graph.
        records: How many different IDs are in the output.
        duplicates: How many records were dropped because a record with the same ID had already been
            written.
        count_before: The service's own count before the listing; None if it gave none or was not
            asked.
        count_after: The service's own count after the listing, or None.
        replay: What the delta reported; None if there was no delta.
        expanded: The navigation properties that were read for each record (`--with`), each with its
            number of objects.
        blank: Selected properties that are null or absent in every record, because they are not set
            or cannot be read with this token.
        notes: Deviations from the plan, one sentence for each.
        verdict: `complete`, `unproved` or `incomplete`.
        why: The reason for the verdict, as a sentence.
        missing: The name of the check that failed or was missing, as in `verdict.CHECKS`; empty if
            there was none.
        next_step: What can be done about it, as a sentence; empty if nothing must be done.
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
    missing: str = ""
    next_step: str = ""

    @property
    def exit_code(self) -> int:
        """0 if the listing is proved complete or a limit was requested; 8 otherwise."""
        return 0 if self.verdict == "complete" or "limit" in self.query else 8

    def summary(self) -> str:
        """Return one line for people."""
        number = f"{self.records:,} record{'' if self.records == 1 else 's'}"
        return f"{number}, {self.verdict}: {self.why}"

    def to_json(self) -> bytes:
        """Return the whole record as JSON, indented, with a line break at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class Progress(NamedTuple):
    """
    The progress of a listing, reported after each page and while it waits.

    Attributes:
        records: Records written so far.
        total: How many records there are, according to the service; None if that is not known.
        pages: Pages with records read so far.
        in_flight: Requests that are waiting for an answer.
        units: Resource units used so far.
        unit_rate: Resource units used per second recently.
        unit_limit: Resource units per second that the budget allows; None while no limit is known.
        waiting: What the listing is waiting for, such as `Graph (429, 7 s)`; empty if it is not
            waiting.
        stage: `baseline`, `listing`, `replay`, `proving`, `check` or `done`.
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


RECORD_BEGINNING = b'{\n  "collection":'
"""The first bytes of every listing record in a file."""

OnProgress = Callable[[Progress], None]
"""Is called with the progress of a listing after each page, and twice a second."""


def now() -> str:
    """Return the current time as RFC 3339 in UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
