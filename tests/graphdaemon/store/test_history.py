"""What a store remembers, on every database."""

import pytest

from graphdaemon.store.history import (
    RecordedChange,
    Version,
    changes_after,
    known_from,
    versions_of,
)
from graphdaemon.store.rows import Row
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.tenant_history import TenantHistory
from tests.support.store_fixtures import load_users, position, read_as_of, row

# The clock of the fixture goes on by an hour with each run.
TIMES = [f"2026-11-01T{hour:02}:00:00.000000Z" for hour in range(8, 13)]
ANA, BO, BOB, CY = (
    row("a", displayName="Ana"),
    row("b", displayName="Bo"),
    row("b", displayName="Bob"),
    row("c", displayName="Cy"),
)


@pytest.fixture
def lived(store: Store) -> Store:
    """Ana goes and comes back, Bo is renamed and deleted, Cy comes late."""
    load_users(store, ANA, BO)
    with store.change(1, "users", "round") as change:
        change.end(["a"], "removed")
        change.put([BOB])
    with store.change(1, "users", "round") as change:
        change.put([CY, ANA])
    with store.change(1, "users", "comparison") as change:
        change.end(["b"], "absent")
    return store


def documents(*rows: Row) -> list[bytes]:
    return [row.document for row in rows]


def test_a_collection_is_shown_as_it_was_at_a_time(lived: Store) -> None:
    """Just before a run it is what the run before left, at its time what it left itself."""
    assert read_as_of(lived, TIMES[0]) == documents(ANA, BO)
    assert read_as_of(lived, "2026-11-01T08:59:59.999999Z") == documents(ANA, BO)
    assert read_as_of(lived, TIMES[1]) == documents(BOB)
    assert read_as_of(lived, TIMES[2]) == documents(ANA, BOB, CY)
    assert read_as_of(lived, TIMES[3]) == documents(ANA, CY)
    assert read_as_of(lived, "2030-01-01T00:00:00.000000Z") == documents(ANA, CY)


def test_it_is_known_from_when_on_a_collection_is_known(lived: Store) -> None:
    assert known_from(lived, 1, "users") == TIMES[0]
    assert known_from(lived, 1, "groups") is None


def test_every_version_of_a_record_is_shown(lived: Store) -> None:
    """In order, with how each of them ended."""
    assert list(versions_of(lived, "a")) == [
        Version(1, "users", "a", TIMES[0], TIMES[1], "removed", ANA.document),
        Version(1, "users", "a", TIMES[2], None, None, ANA.document),
    ]
    assert list(versions_of(lived, "b")) == [
        Version(1, "users", "b", TIMES[0], TIMES[1], "updated", BO.document),
        Version(1, "users", "b", TIMES[1], TIMES[3], "absent", BOB.document),
    ]
    assert list(versions_of(lived, "unknown")) == []


def test_the_edges_of_an_object_are_among_its_versions(lived: Store) -> None:
    """At either end; those of an object whose ID is a part of it are not."""
    ids = ["a/x", "g/a", "aa/x", "g/aa", "g/x"]
    with lived.change(1, "groups/members", "baseline") as change:
        change.load([row(id_) for id_ in ids])
    with lived.change(1, "groups/members", "round") as change:
        change.end(["g/a"], "deleted")

    edges = [version for version in versions_of(lived, "a") if version.collection != "users"]
    assert [(version.id, version.ending) for version in edges] == [
        ("a/x", None),
        ("g/a", "deleted"),
    ]


def list_changes() -> list[RecordedChange]:
    def make(sequence: int, id_: str, kind: str, hour: int, *rest: Row | None) -> RecordedChange:
        before, after = (part.document if part else None for part in rest)
        return RecordedChange(1, "users", sequence, id_, kind, TIMES[hour], before, after)  # type: ignore[arg-type]  # each is a kind

    return [
        make(1, "a", "removed", 1, ANA, None),
        make(2, "b", "updated", 1, BO, BOB),
        make(3, "c", "created", 2, None, CY),
        make(4, "a", "restored", 2, None, ANA),
        make(5, "b", "absent", 3, BOB, None),
    ]


def test_changes_follow_a_number(lived: Store) -> None:
    """With what was before and after, up to as many as are wanted."""
    assert changes_after(lived, 1, "users", 0) == list_changes()
    assert changes_after(lived, 1, "users", 1, most=2) == list_changes()[1:3]
    assert changes_after(lived, 1, "users", 5) == []
    assert changes_after(lived, 1, "groups", 0) == []


def test_a_change_of_several_steps_leads_from_the_first_to_the_last(store: Store) -> None:
    """What lasted no time is no state to come from or to go to."""
    load_users(store, BO)
    with store.change(1, "users", "round") as change:
        change.put([BOB])
        change.put([row("b", displayName="Bobby")])

    for change_ in changes_after(store, 1, "users", 0):
        assert change_.before == BO.document
        assert change_.after == row("b", displayName="Bobby").document


def test_readers_see_one_state_while_others_commit(lived: Store, store_url: str) -> None:
    """A long reading is of the moment when it began."""
    with lived.change(1, "users", "round") as change:
        change.put([row(f"{number:05}") for number in range(5_000)])
    with open_store(store_url) as reader, TenantHistory(reader).reading():
        batches = TenantHistory(reader).records("users", "2030-01-01T00:00:00.000000Z")
        total = len(next(batches))
        with lived.change(1, "users", "round") as change:
            change.end([f"{number:05}" for number in range(5_000)], "deleted")
        total += sum(len(batch) for batch in batches)

    assert total == 5_002


def test_a_tenant_among_many_is_found_by_its_index(lived: Store) -> None:
    """Its records are the same, however large its part of the store is."""
    other = lived.enter_tenant("aaaaaaaa-0000-0000-0000-000000000002", "Fabrikam")
    with lived.change(other, "users", "baseline") as change:
        change.load([row(f"{number:05}") for number in range(100)])
        change.save(position())
    history = TenantHistory(lived, "Contoso")
    with history.reading():
        records = [one for batch in history.records("users", TIMES[3]) for one in batch]

    assert sorted(one.document for one in records) == documents(ANA, CY)
    assert {one.valid_from for one in records} == {TIMES[2]}
