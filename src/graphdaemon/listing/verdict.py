"""
Decide whether the evidence proves that a listing is complete; without any I/O.

The decision is a table of checks, each of which compares one piece of evidence with the others.
Everything that contradicts the listing, from any moment, must be explained by changes that the
delta reported. What cannot be checked is not proved. `docs/explanation/complete.md` shows the
table, and explains why this evidence is enough.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from graphdaemon.listing.record import ListingRecord, Method, Verdict

_AGAIN = "Run it again."
_NEVER = "No run can prove this list complete."


class Evidence(NamedTuple):
    """
    The evidence for a verdict.

    Attributes:
        collection: The path of what was listed.
        records: How many different records are in the output.
        cut: Whether the listing ended at its limit.
        proving: Whether a proof was requested.
        advanced: Whether Graph's advanced index answered.
        whole: Whether one chain of the whole collection was read to its end.
        divided: Whether it was read in parts, all of which were read to their ends.
        pages: How many pages were read.
        resumed: Whether an earlier run read some of it.
        method: How it was finally read.
        ranges: How many ranges, prefixes or chains were read to their ends.
        key: The property by which it is divided; empty if there is none.
        certain: Whether every value of the key certainly begins with one of the prefixes.
        witnesses: How many records of the first page are in none of the parts.
        readings: How often everything was read: 2 after a second reading, in one chain.
        missed: How many records were in the first reading and not in the second one, although the
            delta reported no change of them.
        baseline: Whether a delta link was taken before the first page.
        trouble: Why the delta could not be followed to its end; empty if it could.
        unshown: How many records Graph does not show as the delta last reported them.
        settled: Whether every change that the delta reported is in the output.
        undecided: How many changed records there are of which it is not certain whether they match
            the filter, neither by what the delta reported nor by an answer of Graph.
        late: How many written records have changed and cannot be corrected.
        count_before: Graph's own count early in the listing; None without one.
        count_between: Graph's own count after the first of two readings; None without one.
        count_after: Graph's own count after the last change was followed; None without one.
        count_refused: Whether Graph refused to count, and will do so again.
        gone: How many records that the delta reported are not in the output.
        present: How many records that the delta reported are in the output.
    """

    collection: str = ""
    records: int = 0
    cut: bool = False
    proving: bool = True
    advanced: bool = False
    whole: bool = False
    divided: bool = False
    pages: int = 0
    resumed: bool = False
    method: Method = "chain"
    ranges: int = 0
    key: str = ""
    certain: bool = False
    witnesses: int = 0
    readings: int = 1
    missed: int = 0
    baseline: bool = False
    trouble: str = ""
    unshown: int = 0
    settled: bool = False
    undecided: int = 0
    late: int = 0
    count_before: int | None = None
    count_between: int | None = None
    count_after: int | None = None
    count_refused: bool = False
    gone: int = 0
    present: int = 0

    @property
    def single(self) -> bool:
        """Whether one answer, of one moment, held everything."""
        return self.whole and self.pages == 1 and not self.resumed

    @property
    def counts(self) -> list[int]:
        """Graph's own counts, as far as there are any."""
        return [n for n in (self.count_before, self.count_after) if n is not None]


class CompletenessCheck(NamedTuple):
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
    find_doubt: Callable[[Evidence], str]
    next_step: str


class Judgement(NamedTuple):
    """
    A verdict.

    Attributes:
        verdict: The verdict.
        why: The reason for it, as a sentence.
        missing: The name of the check that failed; empty if none did.
        next_step: What can be done about it; empty if nothing must be done.
    """

    verdict: Verdict
    why: str
    missing: str = ""
    next_step: str = ""


def tolerance(records: int) -> int:
    """
    Return by how many records the service's own count may differ without meaning anything.

    The count comes from another index, which lags behind by minutes. The more records there are,
    the more of them may have been created in these minutes.
    """
    return math.isqrt(records) // 3


def judge(evidence: Evidence) -> Judgement:
    """Return the verdict of the first check of the table that fails; `complete` if none fails."""
    for check in CHECKS:
        doubt = check.find_doubt(evidence)
        if doubt:
            verdict: Verdict = "incomplete" if check.name == "limit" else "unproved"
            uncounted = check.name == "count" and not evidence.counts and evidence.count_refused
            return Judgement(verdict, doubt, check.name, _NEVER if uncounted else check.next_step)
    return Judgement("complete", _say_proof(evidence))


def conclude(record: ListingRecord, evidence: Evidence) -> None:
    """Write the verdict and its reason into `record`."""
    judgement = judge(evidence)
    record.verdict, record.why = judgement.verdict, judgement.why
    record.missing, record.next_step = judgement.missing, judgement.next_step


def find_gap(evidence: Evidence) -> str:
    """
    Return why everything has to be read a second time, in one chain; empty if it need not be.

    A chain that was read to its end is read again only if a matching count is all that is missing,
    and Graph counts more records than the chain contained: a page may have been lost. This is
    possible even if the delta reported as many removed records as the count is too high by.
    """
    if evidence.readings > 1:
        return ""
    if evidence.whole:
        judgement = judge(evidence)
        if judgement.missing == "count" and _count_surplus(evidence):
            return judgement.why
        return _doubt_surplus(evidence) if judgement.verdict == "complete" else ""
    if evidence.witnesses:
        return f"{evidence.witnesses} of the first records are in none of the parts"
    return _doubt_reading(evidence) or _doubt_count(evidence) or _doubt_surplus(evidence)


def may_catch_up(evidence: Evidence) -> bool:
    """
    Return whether Graph's last count is too high by so little that it may only lag behind.

    False if another check fails, too, because waiting does not change the evidence for that, such
    as the count at the beginning.
    """
    most = evidence.records + evidence.gone + tolerance(evidence.records)
    if evidence.count_after is None or not evidence.records < evidence.count_after <= most:
        return False
    return judge(evidence._replace(count_after=evidence.records)).verdict == "complete"


def _count_surplus(evidence: Evidence) -> int:
    """Return how many records were counted that are neither in the output nor reported as gone."""
    return max(0, max(evidence.counts, default=0) - evidence.records - evidence.gone)


def _doubt_surplus(evidence: Evidence) -> str:
    if evidence.count_after is None or evidence.count_after <= evidence.records:
        return ""
    return f"Graph counts {evidence.count_after:,}, {_say_records(evidence)}"


def _say_proof(evidence: Evidence) -> str:
    if evidence.single:
        why = "one answer holds everything"
    elif evidence.whole:
        why = "one chain of pages was read to its end"
    else:
        why = f"{evidence.ranges} {evidence.method} cover every {evidence.key}"
    return why + (", and what changed meanwhile is in it" if evidence.baseline else "")


def _say_records(evidence: Evidence) -> str:
    return f"and {evidence.records:,} {'was' if evidence.records == 1 else 'were'} found"


def _count_records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"


def _doubt_reading(evidence: Evidence) -> str:
    read = evidence.whole or evidence.divided
    return "" if read else "not every part of it was read"


def _doubt_delta(evidence: Evidence) -> str:
    if evidence.baseline or evidence.single:
        return ""
    return f"there is no delta of {evidence.collection}: what changed meanwhile is not known"


def _doubt_shown(evidence: Evidence) -> str:
    if not evidence.unshown:
        return ""
    return f"{_count_records(evidence.unshown)} that changed cannot be seen as the delta tells"


def _doubt_settled(evidence: Evidence) -> str:
    if evidence.settled or not evidence.baseline:
        return ""
    return "the directory changed faster than it could be followed"


def _doubt_filter(evidence: Evidence) -> str:
    # No count decides: one that lags agrees with a list that is behind, and so does one by which
    # what is missing makes up for what is too much.
    if not evidence.undecided:
        return ""
    number = _count_records(evidence.undecided)
    return f"nobody can tell whether {number} that changed should match the filter"


def _doubt_late(evidence: Evidence) -> str:
    if not evidence.late:
        return ""
    return f"{evidence.late} written record{'' if evidence.late == 1 else 's'} changed meanwhile"


def _doubt_witnesses(evidence: Evidence) -> str:
    if not evidence.witnesses or evidence.whole:
        return ""
    return f"{_count_records(evidence.witnesses)} of the first page are in none of the parts"


def _doubt_prefixes(evidence: Evidence) -> str:
    if evidence.whole or evidence.method != "prefixes" or evidence.certain:
        return ""
    return f"a {evidence.key} may begin with something else than the prefixes"


def _doubt_readings(evidence: Evidence) -> str:
    if not evidence.missed:
        return ""
    return f"the second reading did not bring {_count_records(evidence.missed)} of the first"


def _doubt_count(evidence: Evidence) -> str:
    most = evidence.records + evidence.gone
    least = evidence.records - evidence.present - tolerance(evidence.records)
    listed = _say_records(evidence)
    if evidence.count_after is not None and not least <= evidence.count_after <= most:
        return f"Graph counts {evidence.count_after:,}, {listed}"
    if evidence.count_before is not None and not least <= evidence.count_before <= most:
        return f"Graph counted {evidence.count_before:,} at first, {listed}"
    between = evidence.count_between
    # It may have lagged by little, and caught up since.
    if between is not None and not least <= between <= most + tolerance(evidence.records):
        return f"Graph counted {between:,} after the first reading, {listed}"
    if not evidence.counts:
        # Only a count would show that a next link, or a whole part, was lost.
        return "Graph gives no count, so nothing shows whether a page was lost"
    return ""


CHECKS: tuple[CompletenessCheck, ...] = (
    CompletenessCheck(
        "limit",
        "The listing was not stopped at a limit.",
        lambda evidence: "it was stopped at its limit" if evidence.cut else "",
        "Leave the limit out.",
    ),
    CompletenessCheck(
        "proof",
        "A proof was requested.",
        lambda evidence: "" if evidence.proving else "no proof was asked for",
        "Ask for a proof.",
    ),
    CompletenessCheck(
        "index",
        "The directory itself answered, and not Graph's advanced index.",
        lambda evidence: (
            "Graph's advanced index answered, which lags behind the directory"
            if evidence.advanced
            else ""
        ),
        _NEVER,
    ),
    CompletenessCheck(
        "reading",
        "One chain of the whole collection, or every part of it, was read to its end.",
        _doubt_reading,
        _AGAIN,
    ),
    CompletenessCheck(
        "replay",
        "The delta could be followed, and the records that it reported could be read.",
        lambda evidence: evidence.trouble,
        _AGAIN,
    ),
    CompletenessCheck(
        "delta",
        "A delta link was taken before the first page; or one answer contained everything.",
        _doubt_delta,
        _NEVER,
    ),
    CompletenessCheck(
        "shown",
        "Graph shows each record as the delta last reported it, or the delta reported it as gone.",
        _doubt_shown,
        _AGAIN,
    ),
    CompletenessCheck(
        "settled",
        "The delta was read until it reported no change that is not in the output.",
        _doubt_settled,
        _AGAIN,
    ),
    CompletenessCheck(
        "filter",
        "Each reported record is in the output if its values match the filter, and only then. If "
        "the values do not show whether they match, Graph shows the record with the filter, and "
        "with the values that the delta reported for all properties that the filter tests.",
        _doubt_filter,
        "Run it again, and select the properties that the filter tests, so that the delta "
        "reports them.",
    ),
    CompletenessCheck(
        "output",
        "Every record that changed after it was written could be corrected.",
        _doubt_late,
        "Write to a file, or collect the records: there they can be corrected.",
    ),
    CompletenessCheck(
        "witnesses",
        "Each record of the first page is in one of the parts; or one chain was read to its end.",
        _doubt_witnesses,
        _AGAIN,
    ),
    CompletenessCheck(
        "prefixes",
        "If the parts are prefixes, every value of the key begins with one of them.",
        _doubt_prefixes,
        "Choose another method.",
    ),
    CompletenessCheck(
        "second_reading",
        "A second reading, if there was one, contained every unchanged record of the first.",
        _doubt_readings,
        _AGAIN,
    ),
    CompletenessCheck(
        "count",
        "Graph counted before or afterwards, and each count is explained. It is higher than the "
        "number of records read by no more than the records that the delta reported as gone. It is "
        "lower by no more than those that the delta reported as existing, plus a third of the "
        "square root of the number of records.",
        _doubt_count,
        _AGAIN,
    ),
)
"""
All checks that a complete listing must pass; the first that fails is the reason given.

`replay` and `shown` say why a delta was not settled: without them, `settled` would fail in their
place. `witnesses` decides only where nothing may be read a second time.
"""
