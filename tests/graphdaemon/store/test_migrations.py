"""The tables of every version, and what is done with a store of a newer one."""

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.migrations import VERSION
from graphdaemon.store.store import Store, open_store
from tests.support.store_fixtures import load_users, read_documents, row


def test_a_store_of_a_newer_version_is_left_as_it_is(store: Store, store_url: str) -> None:
    load_users(store, row("a"))
    store.database.execute("UPDATE graphdaemon SET version = 1000")

    with pytest.raises(StoreError, match="newer graphdaemon") as caught:
        open_store(store_url)

    assert caught.value.code == "store_newer"
    assert len(read_documents(store)) == 1


def test_views_of_another_release_are_made_anew(store: Store, store_url: str) -> None:
    """And a store that is up to date is not written to when it is opened."""
    store.database.execute("DROP VIEW users")
    with open_store(store_url), pytest.raises(StoreError):
        store.database.fetch("SELECT * FROM users")

    store.database.execute("UPDATE graphdaemon SET views = 'others'")
    with open_store(store_url) as again:
        assert again.database.fetch("SELECT * FROM users") == []
        assert again.database.fetch("SELECT version FROM graphdaemon") == [(VERSION,)]
