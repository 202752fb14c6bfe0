"""Checks are run in turn, each if it can tell anything."""

from typing import Any

from graphdaemon.doctor.finding import Check, ok, run_checks
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import IdentityError
from graphdaemon.settings.read import read_settings


def test_a_walk_goes_on_where_something_can_still_be_known() -> None:
    """Only what depends on a failure is skipped."""

    def refuse(_: Examination) -> Any:
        raise IdentityError("no", code="secret_wrong", hint="Correct it.")

    checks = [
        Check("one", refuse),
        Check("two", lambda _: ok("fine"), ("one",)),
        Check("three", lambda _: ok("fine")),
        Check("four", lambda _: ok("fine"), ("two",)),
    ]

    states = [one.finding.state for one in run_checks(checks, Examination(read_settings), set())]

    assert states == ["failed", "skipped", "ok", "skipped"]
