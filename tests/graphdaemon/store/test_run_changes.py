"""What changed between two runs, on every database, now and whenever it is asked for again."""

from __future__ import annotations

import pytest

from graphdaemon.errors import StoreLateError
from graphdaemon.store.retention import prune
from graphdaemon.store.rows import Row
from graphdaemon.store.run_changes import RecordAfterRun, RecordState, records_between
from graphdaemon.store.store import Store
from tests.support.store_fixtures import load_users, row

ANA, BO, BOB, CY = (
    row("a", displayName="Ana"),
    row("b", displayName="Bo"),
    row("b", displayName="Bob"),
    row("c", displayName="Cy"),
)


@pytest.fixture
def runs(store: Store) -> list[int]:
    """Ana goes and comes back, Bo is renamed and deleted, Cy comes late; in four runs."""
    load_users(store, ANA, BO)
    numbers = []
    with store.change(1, "users", "round") as change:
        change.end(["a"], "removed")
        change.put([BOB])
        numbers.append(change.run)
    with store.change(1, "users", "round") as change:
        change.put([CY, ANA])
        numbers.append(change.run)
    with store.change(1, "users", "comparison") as change:
        change.end(["b"], "absent")
        numbers.append(change.run)
    return [numbers[0] - 1, *numbers]


def read(store: Store, first: int, last: int) -> list[RecordAfterRun]:
    return [one for some in records_between(store, 1, "users", first, last) for one in some]


def present(*rows: Row) -> list[RecordAfterRun]:
    return [RecordAfterRun(one.id, "present", one.document) for one in rows]


def gone(id_: str, state: RecordState) -> RecordAfterRun:
    return RecordAfterRun(id_, state, None)


def test_everything_is_told_as_it_was_after_a_run(store: Store, runs: list[int]) -> None:
    """Though it has changed since: who asks again is told the same."""
    assert read(store, 0, runs[0]) == present(ANA, BO)
    assert read(store, 0, runs[1]) == present(BOB)
    assert read(store, 0, runs[2]) == present(ANA, BOB, CY)
    assert read(store, 0, runs[3]) == present(ANA, CY)


def test_what_changed_between_two_runs_is_told_once(store: Store, runs: list[int]) -> None:
    """Each record as the later run left it, and how it went where it is not there."""
    assert read(store, runs[0], runs[1]) == [gone("a", "removed"), *present(BOB)]
    assert read(store, runs[1], runs[2]) == present(ANA, CY)
    assert read(store, runs[2], runs[3]) == [gone("b", "absent")]
    assert read(store, runs[0], runs[3]) == [*present(ANA), gone("b", "absent"), *present(CY)]
    assert read(store, runs[3], runs[3]) == []


def test_what_was_forgotten_is_not_passed_over(store: Store, runs: list[int]) -> None:
    """A batch that cannot be told whole any more is refused, and the present still told."""
    ((at,),) = store.database.fetch("SELECT at FROM runs WHERE number = :run", {"run": runs[2]})
    prune(store, 1, at)

    for first, last in ((0, runs[0]), (runs[0], runs[1]), (runs[0], runs[3])):
        with pytest.raises(StoreLateError, match="no longer has the state of users"):
            read(store, first, last)
    assert read(store, runs[2], runs[3]) == [gone("b", "absent")]
    assert read(store, 0, runs[3]) == present(ANA, CY)
