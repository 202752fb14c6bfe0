"""A check, what it finds, and how the checks are run one after the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from graphdaemon.diagnosis.advice import Advice, advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import CODES, Error

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Finding(NamedTuple):
    """
    What one check found.

    Attributes:
        state: `ok`, `warning`, `failed` or `skipped`.
        words: What was seen, in one line. It never contains a secret, a token or an assertion.
        advice: What it means, and the next step if something must be done.
        exit_code: The exit code of a failure, which is that of its class of errors.
        details: What was seen, for machines. The keys are described in docs/reference/diagnoses.md.
    """

    state: str
    words: str
    advice: Advice | None = None
    exit_code: int = 0
    details: Mapping[str, object] = _NOTHING


class Check(NamedTuple):
    """
    One check.

    Attributes:
        name: The name in the report.
        run: Performs the check; raises the `Error` that a command would meet.
        after: The keys of the checks that must succeed before this one makes sense.
        host: The host that it is about, if several hosts are checked.
    """

    name: str
    run: Callable[[Examination], Finding]
    after: tuple[str, ...] = ()
    host: str | None = None

    @property
    def key(self) -> str:
        """What other checks name in `after`."""
        return f"{self.name} {self.host}" if self.host else self.name


class Result(NamedTuple):
    """A check and what it found."""

    check: Check
    finding: Finding


def ok(words: str, **details: object) -> Finding:
    """Report that all is well."""
    return Finding(OK, words, details=details)


def warn(words: str, advice: Advice | None = None, **details: object) -> Finding:
    """Report something that works, but that people should know about."""
    return Finding(WARNING, words, advice, details=details)


def fail(words: str, advice: Advice, exit_code: int, **details: object) -> Finding:
    """Report that it does not work."""
    return Finding(FAILED, words, advice, exit_code, details)


def skip(words: str, **details: object) -> Finding:
    """Report that it was not checked, and why."""
    return Finding(SKIPPED, words, details=details)


def fail_with(error: Error, host: str | None = None) -> Finding:
    """Report `error` as a failure; `host` is where it occurred."""
    # The step is the hint that the commands print, so that both say the same.
    in_table = error.case in CASES
    meaning = advise(error.case, {"host": host}).meaning if in_table else CODES[error.code]
    advice = Advice(error.case, error.code, meaning, error.hint or "")
    details = {
        name: value
        for name in ("error_codes", "correlation_id", "graph_code", "request_id", "status")
        if (value := getattr(error, name, None))
    }
    return Finding(FAILED, str(error), advice, error.exit_code, details)


def run_checks(
    checks: Iterable[Check], examination: Examination, unsuccessful: set[str]
) -> Iterator[Result]:
    """
    Run the checks in turn, and yield each result as it comes.

    Args:
        checks: The checks, each one after those that it names in `after`.
        examination: What is known so far; the checks add to it.
        unsuccessful: The keys of checks that failed or were skipped earlier. Those of this run are
            added.
    """
    for check in checks:
        missing = next((key for key in check.after if key in unsuccessful), None)
        if missing is not None:
            finding = skip(f"cannot be checked without {missing}")
        else:
            # A failure is a finding, not the end: checks that do not depend on this one still tell
            # something.
            try:
                finding = check.run(examination)
            except Error as error:
                finding = fail_with(error, check.host)
        # A skipped check vouches for nothing, so what rests on it cannot be judged either.
        if finding.state in (FAILED, SKIPPED):
            unsuccessful.add(check.key)
        yield Result(check, finding)
