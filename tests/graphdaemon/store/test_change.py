"""What a run writes, in one transaction: records, versions, changes and the position."""

from itertools import chain

import pytest

from graphdaemon.store.rows import Pair, Row, Staged
from graphdaemon.store.store import Store
from tests.support.store_fixtures import (
    document,
    load_users,
    position,
    read_documents,
    row,
    staged,
)

ANA, BO, CY = row("a", displayName="Ana"), row("b", displayName="Bo"), row("c", displayName="Cy")
BOB = row("b", displayName="Bob")


def read_changes(store: Store) -> list[tuple[object, ...]]:
    return store.database.fetch("SELECT sequence, id, kind, run FROM changes ORDER BY sequence")


def read_history(store: Store) -> list[tuple[object, ...]]:
    return store.database.fetch(
        "SELECT id, from_run, valid_from, valid_to, run, ending, document FROM users_history "
        "ORDER BY run, id"
    )


def read_runs(store: Store) -> list[tuple[object, ...]]:
    return store.database.fetch(
        "SELECT kind, at, created, updated, ended, listing FROM runs ORDER BY number"
    )


def test_the_first_baseline_leaves_records_and_no_history(store: Store) -> None:
    """What was loaded, put right and taken back is one state, without versions and changes."""
    with store.change(1, "users", "baseline") as change:
        assert (change.first, change.rows_before) == (True, 0)
        change.load([ANA, BO])
        change.replace([BOB, CY])
        change.discard(["a", "unknown"])
        change.note_listing(b'{"verdict":"complete"}')
        change.save(position())

    assert read_documents(store) == {r.id: r.document.decode() for r in (BOB, CY)}
    assert (read_changes(store), read_history(store)) == ([], [])
    assert read_runs(store) == [
        ("baseline", "2026-11-01T08:00:00.000000Z", 2, 0, 0, '{"verdict":"complete"}')
    ]
    assert store.position(1, "users") == position()._replace(
        run=1, checked="2026-11-01T08:00:00.000000Z", rows=2
    )


def test_a_later_run_keeps_the_version_before(store: Store) -> None:
    """Updated, created and removed records are counted, noted in order, and kept as they were."""
    load_users(store, ANA, BO)

    with store.change(1, "users", "round") as change:
        assert (change.first, change.rows_before) == (False, 2)
        change.put([BOB, CY, ANA])
        change.end(["a", "unknown"], "removed")
        change.save(position("next"))

    assert (change.created, change.updated, change.ended) == (1, 1, 1)
    assert read_documents(store) == {r.id: r.document.decode() for r in (BOB, CY)}
    assert read_changes(store) == [
        (1, "b", "updated", 2),
        (2, "c", "created", 2),
        (3, "a", "removed", 2),
    ]
    first, second = "2026-11-01T08:00:00.000000Z", "2026-11-01T09:00:00.000000Z"
    assert read_history(store) == [
        ("a", 1, first, second, 2, "removed", ANA.document.decode()),
        ("b", 1, first, second, 2, "updated", BO.document.decode()),
    ]
    assert store.position(1, "users") == position("next")._replace(run=2, checked=second, rows=2)


def test_an_object_that_was_removed_comes_back_restored(store: Store) -> None:
    """One that was deleted for good, or only absent, is created anew."""
    load_users(store, ANA, BO, CY)
    with store.change(1, "users", "round") as change:
        change.end(["a"], "removed")
        change.end(["b"], "deleted")
        change.end(["c"], "absent")
    with store.change(1, "users", "round") as change:
        change.put([CY, BO, ANA])

    kinds = [(id_, kind) for _, id_, kind, _ in read_changes(store)]
    assert kinds[:3] == [("a", "removed"), ("b", "deleted"), ("c", "absent")]
    assert kinds[3:] == [("c", "created"), ("b", "created"), ("a", "restored")]


def test_within_one_run_an_object_may_come_go_and_come_again(store: Store) -> None:
    """Each step is noted; versions that lasted no time are kept and valid at no time."""
    load_users(store, ANA)
    with store.change(1, "users", "round") as change:
        change.put([BO])
        change.put([BOB])
        change.end(["b"], "removed")
        change.put([BO])

    assert [kind for _, _, kind, _ in read_changes(store)] == [
        *("created", "updated", "removed", "restored"),
    ]
    assert {valid_from == valid_to for _, _, valid_from, valid_to, *_ in read_history(store)} == {
        True
    }
    assert read_documents(store) == {r.id: r.document.decode() for r in (ANA, BO)}


def test_what_was_staged_is_compared_with_what_is_stored(store: Store) -> None:
    """The last one staged of an ID counts; equal ones and unknown tombstones are no difference."""
    load_users(store, ANA, BO, CY)

    with store.change(1, "users", "comparison") as change:
        change.stage([*staged(ANA, BO, BOB), Staged("x", None, "deleted")])
        change.stage([Staged("n", b"{}"), Staged("n", document("n"))])
        pairs = [pair for batch in change.differing() for pair in batch]
        absent = [id_ for batch in change.absent() for id_ in batch]

    assert sorted(pairs) == [
        Pair("b", BOB.document, "", BO.document),
        Pair("n", document("n"), "", None),
    ]
    assert absent == ["c"]


def test_a_staged_tombstone_differs_while_the_record_is_there(store: Store) -> None:
    load_users(store, ANA)

    with store.change(1, "users", "round") as change:
        change.stage([Staged("a", None, "removed")])
        assert list(change.differing()) == [[Pair("a", None, "removed", ANA.document)]]


def test_records_can_be_put_and_ended_while_they_are_compared(store: Store) -> None:
    """In many batches, each difference comes once, and the store ends as what was staged."""
    rows = [row(f"{number:05}", displayName="old") for number in range(6_000)]
    load_users(store, *rows)
    fresh = [row(f"{number:05}", displayName="new") for number in range(3_000, 9_000)]

    with store.change(1, "users", "comparison") as change:
        change.stage(staged(*fresh))
        for pairs in change.differing():
            change.put([Row(pair.id, pair.staged) for pair in pairs if pair.staged is not None])
        for ids in change.absent():
            change.end(ids, "absent")

    assert (change.created, change.updated, change.ended) == (3_000, 3_000, 3_000)
    assert read_documents(store) == {r.id: r.document.decode() for r in fresh}
    assert [sequence for sequence, *_ in read_changes(store)] == list(range(1, 9_001))


def test_a_comparison_may_stop_halfway(store: Store) -> None:
    """Whoever leaves the loop early can still commit."""
    load_users(store, ANA, BO)
    with store.change(1, "users", "comparison") as change:
        change.stage(staged(BOB, CY))
        differences, absent = change.differing(), change.absent()
        next(differences)
        next(absent)

    assert read_runs(store)[1][0] == "comparison"


def test_a_round_without_effect_leaves_no_run(store: Store) -> None:
    """Its position is saved all the same; a comparison without effect is a run."""
    load_users(store, ANA)

    with store.change(1, "users", "round") as change:
        change.put([ANA])
        change.end(["unknown"], "removed")
        change.save(position("next"))

    assert len(read_runs(store)) == 1
    assert store.position(1, "users") == position("next")._replace(
        run=1, checked="2026-11-01T09:00:00.000000Z", rows=1
    )
    with store.change(1, "users", "comparison"):
        pass
    assert len(read_runs(store)) == 2


def write_and_fail(store: Store) -> None:
    with store.change(1, "users", "round") as change:
        change.stage(staged(BO))
        change.put([BO])
        change.end(["a"], "deleted")
        change.save(position("next"))
        raise ZeroDivisionError


def test_a_run_that_raises_leaves_no_trace(store: Store) -> None:
    load_users(store, ANA)
    before = store.position(1, "users")

    with pytest.raises(ZeroDivisionError):
        write_and_fail(store)

    assert read_documents(store) == {"a": ANA.document.decode()}
    assert (read_changes(store), read_history(store), len(read_runs(store))) == ([], [], 1)
    assert store.position(1, "users") == before
    with store.change(1, "users", "round") as change:
        change.put([BO])
    assert change.run > 1


def test_the_edges_of_some_parents_are_staged_as_gone(store: Store) -> None:
    """Those stored and those staged before; not those of a parent whose ID begins alike."""
    edges = [row(id_) for id_ in ("g/1", "g/2", "g0/1", "f/1", "g-/1", "h/1")]
    with store.change(1, "groups/members", "baseline") as change:
        change.load(edges)
    with store.change(1, "groups/members", "round") as change:
        change.stage(staged(row("g/2", kind="user"), row("g/3"), row("i/3")))
        change.stage_below(["g", "h"], "removed")
        change.stage(staged(row("g/4")))
        pairs = {pair.id: (pair.staged is None, pair.ending) for pair in chain(*change.differing())}

    assert pairs == {
        "g/1": (True, "removed"),
        "g/2": (True, "removed"),
        "h/1": (True, "removed"),
        "g/4": (False, ""),
        "i/3": (False, ""),
    }


def test_what_was_staged_can_be_forgotten(store: Store) -> None:
    load_users(store, ANA)
    with store.change(1, "users", "round") as change:
        change.unstage()
        change.stage(staged(BO, CY))
        change.unstage()
        change.stage(staged(ANA, CY))
        assert list(change.differing()) == [[Pair("c", CY.document, "", None)]]


def test_stored_documents_are_shown_by_id(store: Store) -> None:
    load_users(store, ANA, BO)
    with store.change(1, "users", "round") as change:
        assert change.documents(["a", "unknown", "a"]) == {"a": ANA.document}


def test_collections_and_tenants_are_apart(store: Store) -> None:
    """The same IDs elsewhere are others; each collection counts its own changes."""
    other = store.enter_tenant("aaaaaaaa-0000-0000-0000-000000000002", "Fabrikam")
    load_users(store, ANA)
    with store.change(other, "users", "baseline") as change:
        assert change.first
        change.load([ANA, BO])
    with store.change(1, "users", "comparison") as change:
        change.stage([])
        assert list(change.absent()) == [["a"]]
        change.end(["a", "b"], "absent")
    with store.change(1, "groups", "baseline") as change:
        change.load([ANA])
    with store.change(1, "groups", "round") as change:
        change.put([BO])

    counts = "SELECT tenant, count(*) FROM users_records GROUP BY tenant"
    assert store.database.fetch(counts) == [(other, 2)]
    assert store.database.fetch(
        "SELECT collection, sequence, id FROM changes ORDER BY collection"
    ) == [("groups", 1, "b"), ("users", 1, "a")]


def test_texts_arrive_as_they_are(store: Store) -> None:
    """Signs that formats and databases give a meaning to, and letters of every width."""
    texts = 'back\\slash "quote" tab\t line\nbreak \r {brace} %s :name $1 ü 名 🎈 \\N \\.'
    rows = [row("a", displayName=texts), row("ü名🎈", displayName=texts)]
    load_users(store, *rows)
    with store.change(1, "users", "comparison") as change:
        change.stage(staged(*rows))
        assert list(change.differing()) == []
        change.put([row("b", displayName=texts)])

    assert read_documents(store) == {
        r.id: r.document.decode() for r in (*rows, row("b", displayName=texts))
    }
