"""When a collection is due next."""

from __future__ import annotations

import datetime as dt

import pytest

from graphdaemon.daemon.schedule import after_failure, after_success, share_of

NOW = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)
NAMES = [f"tenant-{number}" for number in range(500)]


def test_tenants_do_not_meet() -> None:
    """In each tenth of an interval there is about a tenth of five hundred tenants."""
    tenths = [int(10 * share_of(name)) for name in NAMES]

    assert all(30 <= tenths.count(tenth) <= 70 for tenth in range(10))


@pytest.mark.parametrize("every", [1.0, 300.0, 86_400.0])
def test_after_a_success_it_is_due_within_an_interval_and_then_in_each(every: float) -> None:
    """However late the last one was, the moments are those of the tenant."""
    for name in NAMES:
        first = after_success(name, NOW, every)
        second = after_success(name, first, every)

        assert 0.1 * every - 0.001 <= (first - NOW).total_seconds() <= 1.1 * every
        assert (second - first).total_seconds() == pytest.approx(every, abs=0.001)
        late = first + dt.timedelta(seconds=5.5 * every)
        since = (after_success(name, late, every) - first).total_seconds() / every
        assert since == pytest.approx(6, abs=0.001)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 300), (2, 600), (3, 1_200), (4, 2_400), (5, 3_600), (99, 3_600)]
)
def test_a_failure_is_tried_again_later_each_time(failures: int, seconds: float) -> None:
    """After an interval first, and at most after an hour."""
    assert after_failure(NOW, 300, failures) - NOW == dt.timedelta(seconds=seconds)


def test_what_somebody_has_to_mend_is_tried_at_every_interval() -> None:
    assert after_failure(NOW, 300, 9, is_steady=True) - NOW == dt.timedelta(seconds=300)


def test_a_network_that_is_away_is_tried_again_soon() -> None:
    """Five minutes after it is back everything is made up for."""
    waits = [after_failure(NOW, 60, n, is_silent=True) - NOW for n in range(1, 6)]

    assert [wait.total_seconds() for wait in waits] == [60, 120, 240, 300, 300]
    assert after_failure(NOW, 900, 3, is_silent=True) - NOW == dt.timedelta(seconds=900)


def test_nothing_is_tried_before_graph_wants_it() -> None:
    assert after_failure(NOW, 300, 1, retry_after=5_000) - NOW == dt.timedelta(seconds=5_000)


def test_a_long_interval_is_not_waited_for_after_a_failure() -> None:
    assert after_failure(NOW, 86_400, 1) - NOW == dt.timedelta(hours=1)
