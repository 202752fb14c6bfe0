"""
The listing record: what was read, how it was checked, and the verdict.

Values without any I/O; `docs/reference/listing-record.md` says what each member means.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

Corrections = Mapping[str, msgspec.Raw | None]
"""What to correct in records that were written: by ID the record as it is now, None if gone."""

Verdict = Literal["complete", "unproved", "incomplete"]
"""What a listing is: proved to be everything, not proved to be, or known not to be."""

Method = Literal["ranges", "prefixes", "chain"]


class Replay(msgspec.Struct, omit_defaults=False):
    """
    What the delta said happened while the listing ran.

    Attributes:
        rounds: How often the delta was read until nothing was left to correct.
        changed: Records of the output that it named and that are still there, corrected.
        removed: Records of the output that it named and that are gone.
        appeared: Records that were added to the output because it named them.
        late: Corrections that could not be made, since the records were out already.
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
        query: The options that were given, by name.
        started: When it began: RFC 3339, UTC.
        finished: When it ended, or failed, in the same form; empty while it runs.
        method: How it was read in the end.
        ranges: How many ranges, prefixes or chains were read to their end.
        pages: Answers with records.
        requests: Everything sent, repetitions too.
        retries: Requests repeated after a failure in passing.
        throttled: Answers that asked to wait (429).
        restarts: Chains begun anew because a page link was refused.
        splits: Ranges divided because they turned out big.
        units: Resource units Graph says it took.
        records: Distinct IDs in the output.
        duplicates: Records dropped because their ID had been written.
        count_before: The service's own count before the listing; None if it gave none, or was not
            asked.
        count_after: The same after the listing.
        replay: What the delta said; None if there was no delta.
        expanded: Navigation properties read for each record (`--with`), and how many objects each.
        blank: Selected properties that are null or absent in every record: not set, or not
            readable with this token.
        notes: What was done otherwise than planned, each a sentence.
        verdict: `complete`, `unproved` or `incomplete`.
        why: What the verdict rests on, one sentence.
        missing: The check that was missing, or failed, by its name in `verdict.CHECKS`; empty where
            none did.
        next_step: What can be done about that, a sentence or none.
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
        """0 where the listing is proved complete, or a limit was asked for; 8 otherwise."""
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
    How far a listing has got; told after each page, and while it waits.

    Attributes:
        records: Records written so far.
        total: How many there are, as the service counts; None if not known.
        pages: Answers with records so far.
        in_flight: Requests under way.
        units: Resource units used so far.
        unit_rate: Resource units used a second of late.
        unit_limit: Resource units a second that the budget allows; None while no limit is known.
        waiting: What is being waited for, such as `Graph (429, 7 s)`; empty when nothing is.
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
"""Is called after each page, and twice a second, with how far a listing has got."""


def now() -> str:
    """Return the time as a listing record has it: RFC 3339, UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
