"""Checks and what they find: values, and the walk over them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from graphdaemon.diagnosis.advice import Advice, advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.errors import CODES, Error

if TYPE_CHECKING:
    from graphdaemon.doctor.state import Examination

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Finding(NamedTuple):
    """
    What one check found.

    Attributes:
        state: `ok`, `warning`, `failed` or `skipped`.
        words: What was seen, in one line; never a secret, token or assertion.
        advice: What it means and the next step, where there is one.
        exit_code: Of a failure, by its class.
        details: The same for machines.
    """

    state: str
    words: str
    advice: Advice | None = None
    exit_code: int = 0
    details: Mapping[str, object] = _NOTHING


class Check(NamedTuple):
    """
    One thing to look at.

    Attributes:
        name: What it is called in the report.
        run: Looks at it; raises an `Error` where a run would.
        after: Names of checks without whose success nothing can be known here.
        host: Which host it is about, if there are several.
    """

    name: str
    run: "Callable[[Examination], Finding]"
    after: tuple[str, ...] = ()
    host: str | None = None

    @property
    def key(self) -> str:
        """What other checks call it in `after`."""
        return f"{self.name} {self.host}" if self.host else self.name


class Result(NamedTuple):
    """A check and its finding."""

    check: Check
    finding: Finding


def ok(words: str, **details: object) -> Finding:
    """All is well."""
    return Finding(OK, words, details=details)


def warn(words: str, advice: Advice | None = None, **details: object) -> Finding:
    """It works, and somebody should know."""
    return Finding(WARNING, words, advice, details=details)


def fail(words: str, advice: Advice, exit_code: int, **details: object) -> Finding:
    """It does not work."""
    return Finding(FAILED, words, advice, exit_code, details)


def skip(words: str, **details: object) -> Finding:
    """It was not looked at."""
    return Finding(SKIPPED, words, details=details)


def fail_with(error: Error, host: str | None = None) -> Finding:
    """The failure that `error` is, met on the way to `host`."""
    # The hint that the commands print, not another one made here.
    known = error.case in CASES
    meaning = advise(error.case, {"host": host}).meaning if known else CODES[error.code]
    advice = Advice(error.case, error.code, meaning, error.hint or "")
    details = {
        name: value
        for name in ("error_codes", "correlation_id", "graph_code", "request_id", "status")
        if (value := getattr(error, name, None))
    }
    return Finding(FAILED, str(error), advice, error.exit_code, details)


def walk(
    checks: Iterable[Check], examination: "Examination", lost: set[str] | None = None
) -> Iterator[Result]:
    """
    Run the checks in turn, and yield each finding as it comes.

    Args:
        checks: In the order of the walk.
        examination: What is known so far; the checks add to it.
        lost: Keys of checks that did not succeed; those of this walk are added.
    """
    lost = set() if lost is None else lost
    for check in checks:
        missing = next((key for key in check.after if key in lost), None)
        if missing is not None:
            finding = skip(f"cannot be known without {missing}")
        else:
            try:
                finding = check.run(examination)
            except Error as error:
                finding = fail_with(error, check.host)
        if finding.state in (FAILED, SKIPPED):
            lost.add(check.key)
        yield Result(check, finding)
