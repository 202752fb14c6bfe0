"""The views that people query, on every database."""

import pytest

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from graphdaemon.store.store import Store
from tests.support.store_fixtures import load_users, row


def test_a_view_shows_properties_as_typed_columns(store: Store) -> None:
    """With the tenant, the document and the time from which it is valid."""
    load_users(
        store,
        row("a", displayName="Ana", accountEnabled=True, businessPhones=["1", "2"]),
        row("b", displayName=None, accountEnabled=False, businessPhones=[]),
    )

    rows = store.database.fetch(
        'SELECT tenant, id, "displayName", "accountEnabled", "jobTitle", valid_from '
        'FROM users WHERE "displayName" = \'Ana\' OR NOT "accountEnabled" ORDER BY id'
    )

    assert rows == [
        (1, "a", "Ana", True, None, "2026-11-01T08:00:00.000000Z"),
        (1, "b", None, False, None, "2026-11-01T08:00:00.000000Z"),
    ]


def test_edges_have_parent_child_and_kind(store: Store) -> None:
    with store.change(1, "groups/members", "baseline") as change:
        change.load([row("g/u", parent="g", child="u", kind="user")])

    assert store.database.fetch("SELECT id, parent, child, kind FROM group_members") == [
        ("g/u", "g", "u", "user")
    ]


@pytest.mark.parametrize("collection", STORED_COLLECTIONS.values(), ids=lambda row: row.table)
def test_every_view_can_be_read_whole(store: Store, collection: StoredCollection) -> None:
    """Its columns have names of their own, and take a record that has none of them."""
    with store.change(1, collection.name, "baseline") as change:
        change.load([row("x")])

    ((*values, valid_from),) = store.database.fetch(f"SELECT * FROM {collection.table}")
    assert values[:2] == [1, "x"]
    assert values[2:-1] == [None] * len(collection.columns)
    assert valid_from == "2026-11-01T08:00:00.000000Z"
