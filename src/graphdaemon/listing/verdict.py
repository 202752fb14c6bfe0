"""
Whether what was read proves that a listing is complete.

Decisions without any I/O: a table of checks, each of which holds one piece of the evidence against
the others. Whatever contradicts the listing, from whatever moment, has to be explained by changes
that the delta named; what cannot be checked is not proved. `docs/explanation/complete.md` shows the
table, and says why this evidence is enough.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from graphdaemon.listing.record import ListingRecord, Method, Verdict

_AGAIN = "Run it again."
_NEVER = "No run can prove this list complete."


class Evidence(NamedTuple):
    """
    What a verdict rests on.

    Attributes:
        collection: The path of what was listed.
        records: How many different records are in the output.
        cut: The listing ended at its limit.
        proving: It was asked to prove that it is complete.
        advanced: Graph's advanced index answered.
        whole: One chain of everything was read to its end.
        divided: It was read in parts, and all of them to their ends.
        pages: How many answers with records there were.
        resumed: An earlier run read some of it.
        method: How it was read in the end.
        ranges: How many ranges, prefixes or chains were read to their ends.
        key: The property that the parts are made of.
        certain: Every value of the key begins with one of the prefixes.
        witnesses: How many records of the first page are in none of the parts.
        readings: How often everything was read: 2 after a second time, in one chain.
        missed: How many records the second reading did not bring, though the first one did and
            the delta named no change of them.
        baseline: A delta link was taken before the first page.
        trouble: Why the delta could not be followed to the end, if it could not.
        unshown: How many records are not shown in the way in which the delta told of them last.
        settled: Every change that the delta told of is in the output.
        undecided: How many changed records there are of which neither what the delta told of them
            nor an answer of Graph's says for certain whether the filter should show them.
        late: How many written records changed, and cannot be corrected.
        count_before: Graph's own count early in the listing; None without one.
        count_between: Graph's own count after the first reading, where there was a second one.
        count_after: Graph's own count after the last change was followed; None without one.
        count_refused: Graph refused to count, and will do so again.
        gone: How many records the delta named that are not in the output.
        present: How many records the delta named that are in the output.
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
    One row of the table.

    Attributes:
        name: What the listing record calls it, where it is the one that is missing.
        requires: What has to be so, one sentence.
        find_doubt: Says why it is not so; returns nothing where it is.
        next_step: What whoever wants a proof can do about it.
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
        why: What it rests on, one sentence.
        missing: The name of the check that was missing or failed; empty where none was.
        next_step: What can be done about it; empty where nothing has to be.
    """

    verdict: Verdict
    why: str
    missing: str = ""
    next_step: str = ""


def tolerance(records: int) -> int:
    """
    Return how many records the service's own count may be behind before that says something.

    It comes from another index, which lags by minutes. The more records there are, the more of them
    may have come in these minutes.
    """
    return math.isqrt(records) // 3


def judge(evidence: Evidence) -> Judgement:
    """Return the verdict: that of the first check of the table that fails, or `complete`."""
    for check in CHECKS:
        doubt = check.find_doubt(evidence)
        if doubt:
            verdict: Verdict = "incomplete" if check.name == "limit" else "unproved"
            uncounted = check.name == "count" and not evidence.counts and evidence.count_refused
            return Judgement(verdict, doubt, check.name, _NEVER if uncounted else check.next_step)
    return Judgement("complete", _say_proof(evidence))


def conclude(record: ListingRecord, evidence: Evidence) -> None:
    """Write the verdict, and what it rests on, into `record`."""
    judgement = judge(evidence)
    record.verdict, record.why = judgement.verdict, judgement.why
    record.missing, record.next_step = judgement.missing, judgement.next_step


def find_gap(evidence: Evidence) -> str:
    """
    Say why everything has to be read a second time, in one chain; nothing where no evidence does.

    A chain that was read to its end is only read again where all that is missing is a count that
    agrees, and Graph counts more than it brought: a page of it may have been lost. That may be so
    even where as many records are gone as the count is too high by.
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
    Say whether Graph's last count is too high by so little that it may only lag behind.

    Not where something else is missing, too: the count at first, for one, stays what it was.
    """
    most = evidence.records + evidence.gone + tolerance(evidence.records)
    if evidence.count_after is None or not evidence.records < evidence.count_after <= most:
        return False
    return judge(evidence._replace(count_after=evidence.records)).verdict == "complete"


def _count_surplus(evidence: Evidence) -> int:
    """How many records were counted at most that neither are there nor were named as gone."""
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
        "It was not stopped at a limit.",
        lambda evidence: "it was stopped at its limit" if evidence.cut else "",
        "Leave the limit out.",
    ),
    CompletenessCheck(
        "proof",
        "A proof was asked for.",
        lambda evidence: "" if evidence.proving else "no proof was asked for",
        "Ask for a proof.",
    ),
    CompletenessCheck(
        "index",
        "The directory answered, not Graph's advanced index.",
        lambda evidence: (
            "Graph's advanced index answered, which lags behind the directory"
            if evidence.advanced
            else ""
        ),
        _NEVER,
    ),
    CompletenessCheck(
        "reading",
        "One chain of everything, or every part, was read to its end.",
        _doubt_reading,
        _AGAIN,
    ),
    CompletenessCheck(
        "replay",
        "What the delta told, and the records it named, could be read.",
        lambda evidence: evidence.trouble,
        _AGAIN,
    ),
    CompletenessCheck(
        "delta",
        "A delta link was taken before the first page; or one answer held everything.",
        _doubt_delta,
        _NEVER,
    ),
    CompletenessCheck(
        "shown",
        "Each record that the delta named is shown as it was told of last, or was told to be gone.",
        _doubt_shown,
        _AGAIN,
    ),
    CompletenessCheck(
        "settled",
        "The delta was read until it told of nothing that is not in the output.",
        _doubt_settled,
        _AGAIN,
    ),
    CompletenessCheck(
        "filter",
        "Each named record is shown or not as its values match the filter; where they do not say "
        "so, Graph shows it with all the values that the filter tests as the delta told of them.",
        _doubt_filter,
        "Run it again, and select what the filter tests: then the delta tells of it.",
    ),
    CompletenessCheck(
        "output",
        "Every record that changed after it was written could be corrected.",
        _doubt_late,
        "Write into a file, or collect it: there records can be corrected.",
    ),
    CompletenessCheck(
        "witnesses",
        "Each record of the first page is in some part; or one chain was read to its end.",
        _doubt_witnesses,
        _AGAIN,
    ),
    CompletenessCheck(
        "prefixes",
        "Every value of the key begins with one of the prefixes, where these were the parts.",
        _doubt_prefixes,
        "Choose another method.",
    ),
    CompletenessCheck(
        "second_reading",
        "A second reading brought every record of the first that did not change.",
        _doubt_readings,
        _AGAIN,
    ),
    CompletenessCheck(
        "count",
        "Graph counted before or afterwards, and each count is explained: it is higher than what "
        "was found by no more than the records that the delta named as gone, and lower by no more "
        "than those it named as there, and a third of the square root of all.",
        _doubt_count,
        _AGAIN,
    ),
)
"""What has to hold for a listing to be complete; the first that does not is what is said."""
