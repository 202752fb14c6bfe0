"""When a reconciliation is due."""

import datetime as dt

import pytest

from graphdaemon.sync.options import WEEK_S, is_due

NOW = dt.datetime(2026, 11, 8, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("reconciled", "due"),
    [
        ("2026-11-01T12:00:00.000000Z", True),
        ("2026-11-01T12:00:00.000001Z", False),
        ("2026-11-08T12:00:01.000000Z", False),
        ("2026-11-16T12:00:00.000000Z", True),
        ("2026-11-01T12:00:00", True),
        ("", True),
        ("yesterday", True),
    ],
)
def test_it_is_due_after_a_week(reconciled: str, due: bool) -> None:
    """Also where it was never done, and where a clock that was wrong has dated it far ahead."""
    assert is_due(reconciled, WEEK_S, NOW) is due


def test_never_is_never() -> None:
    """Who wants none gets none."""
    assert not is_due("", None, NOW)
