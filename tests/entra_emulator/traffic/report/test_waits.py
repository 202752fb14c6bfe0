"""Who comes back too early, and what is lost."""

from __future__ import annotations

from typing import Any

import pytest

from entra_emulator.traffic.report.logged_call import AppCaller, LoggedCall
from entra_emulator.traffic.report.waits import count_waits, find_early, find_lost
from tests.support.logged_calls import graph_call

OTHER: dict[str, Any] = {"caller": AppCaller("other", "tenant-1")}


def refusal(status: int = 429, **fields: Any) -> LoggedCall:
    """A refusal at second 0 that says: wait ten seconds."""
    return graph_call(**({"status": status, "retry_after": 10.0} | fields))


WRITES: dict[str, Any] = {"throttled": "WriteLimitExceeded"}

# The refusal, the next call, and by how many seconds that is too early.
EARLY: list[tuple[str, LoggedCall, LoggedCall, float | None]] = [
    ("the same request", refusal(), graph_call(at=4), 6.01),
    ("another route", refusal(), graph_call("/groups", at=4), 6.01),
    ("half a second too early", refusal(), graph_call(at=9.5), 0.51),
    ("just in time", refusal(), graph_call(at=10.01), None),
    ("later", refusal(), graph_call(at=60), None),
    ("another application", refusal(), graph_call(at=4, **OTHER), None),
    ("already under way", refusal(), graph_call(at=0.005, connection="2"), None),
    ("perhaps under way", refusal(), graph_call(at=0.05, connection="2"), None),
    ("another connection", refusal(), graph_call(at=1, connection="2"), 9.01),
    ("the same connection", refusal(), graph_call(at=0.05), 9.96),
    ("no time was told", refusal(retry_after=None), graph_call(at=1), None),
    ("a wait of nothing", refusal(retry_after=0.0), graph_call(at=1), None),
    ("an outage, the same request", refusal(503), graph_call(at=4), 6.01),
    ("an outage, another request", refusal(503), graph_call("/groups", at=4), None),
    ("reads after writes were refused", refusal(**WRITES), graph_call(at=4), None),
    ("writes after that", refusal(**WRITES), graph_call("/users", "POST", at=4), 6.01),
    ("the token service", refusal(), graph_call(at=4, service="token"), None),
]


@pytest.mark.parametrize(
    ("first", "second", "early"), [row[1:] for row in EARLY], ids=[row[0] for row in EARLY]
)
def test_early(first: LoggedCall, second: LoggedCall, early: float | None) -> None:
    waits = count_waits([second, first])
    assert waits.early == (early is not None)
    assert waits.least == pytest.approx(early or 0.0)
    assert bool(find_early([first, second])) == (early is not None)


def test_a_finding_of_each_route() -> None:
    """How often and how much too early, by route and application."""
    calls = [refusal(), *(graph_call(at=float(n)) for n in (1, 2)), graph_call("/groups", at=3)]
    first, second = find_early(calls)

    assert (first.rule, first.subject, first.times) == ("ignored-retry-after", "GET /users", 2)
    assert "2 times" in first.message
    assert "9.0 s" in first.message
    assert (second.subject, second.times) == ("GET /groups", 1)
    assert "once" in second.message


@pytest.mark.parametrize(
    ("statuses", "lost"),
    [
        ([429, 200], False),
        ([429, 503, 200], False),
        ([429], True),
        ([200, 503], True),
        ([0], True),
        ([504, 404], False),
        ([403], False),
        ([200], False),
    ],
)
def test_lost(statuses: list[int], lost: bool) -> None:
    """The last answer counts: what passes is to be repeated until something else comes."""
    findings = find_lost([graph_call(at=float(n), status=s) for n, s in enumerate(statuses)])
    assert [finding.rule for finding in findings] == ["lost-request"] * lost


def test_what_is_lost_is_told_by_route() -> None:
    lost = [
        graph_call(status=503, address=b"1"),
        graph_call(status=0, address=b"2"),
        graph_call(status=429, address=b"1", **OTHER),
    ]
    first, second = find_lost(lost)
    assert (first.times, first.message[:43]) == (2, "failed with 503 and a broken connection and")
    assert (second.times, second.app_id) == (1, "other")
