"""What a reconciliation counts as drift, and what merely changed meanwhile."""

from __future__ import annotations

from graphdaemon.store.rows import Pair, Staged
from graphdaemon.store.store import Store
from graphdaemon.sync.apply import DriftCount, end_absent, write_differing
from graphdaemon.sync.guard import DeleteGuard
from tests.support.store_fixtures import load_users, read_documents, row


def test_what_the_delta_told_of_is_no_drift() -> None:
    """By its own ID, or as an edge of a parent that is gone."""
    count = DriftCount({"told", "gone", "gone/", "parent", "parent/child"})

    for key in ("told", "gone/one", "gone/two", "parent/child"):
        count.note_gone(key)
        count.note_written(Pair(key, b"{}", "", None))
    assert count.drift.rows == 0

    count.note_gone("other")
    count.note_gone("parent/other")
    count.note_written(Pair("new", b"{}", "", None))
    count.note_written(Pair("same", b"{}", "", b"[]"))
    assert (count.drift.surplus, count.drift.missing, count.drift.different) == (2, 1, 1)
    assert count.drift.ids == ["other", "parent/other", "new", "same"]


def test_only_what_differs_is_written(store: Store) -> None:
    """What is the same by value keeps its version; what was not staged ends."""
    load_users(store, row("same", tags=[1, 2]), row("other", name="A"), row("gone"), row("absent"))
    guard = DeleteGuard("users", 4)

    with store.change(1, "users", "comparison") as change:
        change.stage(
            [
                Staged("same", b'{"tags":[2,1],"id":"same","unset":null}'),
                Staged("other", b'{"id":"other","name":"B"}'),
                Staged("gone", None, "deleted"),
                Staged("never", None, "deleted"),
            ]
        )
        write_differing(change, lambda pair: pair.staged or b"", guard)
        end_absent(change, guard)

    documents = read_documents(store)
    assert documents.keys() == {"same", "other"}
    assert documents["other"] == '{"id":"other","name":"B"}'
    assert documents["same"] == row("same", tags=[1, 2]).document.decode()
    assert (change.created, change.updated, change.ended, guard.gone) == (0, 1, 2, 2)
