"""The tables of every version, and what is done with a store of a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.database import Record
from graphdaemon.store.feeds import move_feed, read_feed
from graphdaemon.store.history import changes_after, versions_of
from graphdaemon.store.migrations import MIGRATIONS, VERSION
from graphdaemon.store.store import Store, open_store
from tests.support.places import ROOT
from tests.support.postgres_server import PostgresServer
from tests.support.store_fixtures import load_users, position, read_as_of, read_documents, row

EARLIER = range(1, VERSION)


@pytest.fixture(params=EARLIER, ids=lambda version: f"version-{version}")
def earlier(request: pytest.FixtureRequest, store_url: str) -> str:
    """A store as an earlier version has left it: two runs of users, one of members."""
    kind = "sqlite" if store_url.startswith("sqlite") else "postgres"
    sql = (ROOT / f"tests/support/store_version_{request.param}.{kind}.sql").read_text("utf-8")
    if kind == "sqlite":
        Path(store_url.removeprefix("sqlite:")).touch(0o600)
        connection = sqlite3.connect(store_url.removeprefix("sqlite:"))
        connection.executescript(sql)
        connection.close()
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        schema = store_url.rpartition("%3D")[2]
        server.execute(f"SET search_path = {schema}; {sql}")
    return store_url


@pytest.fixture
def new_tables(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> list[Record]:
    """What a new store of the same database has."""
    if store_url.startswith("sqlite:"):
        url = f"sqlite:{tmp_path}/new.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.make_schema()
    with open_store(url) as store:
        return describe(store)


def describe(store: Store) -> list[Record]:
    """Every column of every table and view, and every index."""
    if store.shown.startswith("sqlite"):
        return store.database.fetch(
            "SELECT s.type, s.name, c.name, c.type FROM sqlite_schema AS s "
            "LEFT JOIN pragma_table_info(s.name) AS c WHERE s.name NOT LIKE 'sqlite_%' "
            "ORDER BY s.name, c.cid"
        )
    return store.database.fetch(
        "SELECT r.relkind, r.relname, a.attname, a.atttypid FROM pg_class AS r "
        "LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 "
        "WHERE r.relnamespace = current_schema()::regnamespace ORDER BY r.relname, a.attnum"
    )


def test_a_store_of_an_earlier_version_becomes_one_of_today(
    earlier: str, new_tables: list[Record]
) -> None:
    """It has the tables of a new one, and everything that it held is used as before."""
    with open_store(earlier, create=False) as old:
        assert old.database.fetch("SELECT version FROM graphdaemon") == [(VERSION,)]
        assert set(read_documents(old)) == {"b", "c"}
        assert old.position(1, "users") == position("second")._replace(
            run=2, checked="2026-11-01T09:00:00.000000Z", rows=2
        )
        assert [change.kind for change in changes_after(old, 1, "users", 0)] == [
            *("updated", "created", "removed"),
        ]
        assert [version.ending for version in versions_of(old, "b")] == ["updated", None, None]
        assert read_as_of(old, "2026-11-01T08:30:00.000000Z") == [
            row("a", displayName="Ana").document,
            row("b", displayName="Bo").document,
        ]
        with old.change(1, "users", "round") as change:
            change.put([row("a", displayName="Ana")])
        assert changes_after(old, 1, "users", 3)[0].kind == "restored"
        move_feed(old, "webhook", 1, "users", 4)
        assert read_feed(old, "webhook", 1, "users") == 4
        assert old.enter_tenant("aaaaaaaa-0000-0000-0000-000000000009", "Fabrikam") > 1
        assert describe(old) == new_tables


def test_a_migration_that_fails_leaves_the_store_as_it_was(earlier: str) -> None:
    """What is in the way is said; once it is gone, the store is brought up to date."""
    connect = connect_raw(earlier)
    connect("CREATE TABLE directory_roles_records (x integer)")
    with pytest.raises(StoreError, match="directory_roles_records"):
        open_store(earlier)

    connect("DROP TABLE directory_roles_records")
    with open_store(earlier) as store:
        assert store.database.fetch("SELECT version FROM graphdaemon") == [(VERSION,)]


def test_every_stored_collection_is_added_by_one_version() -> None:
    tables = [table for migration in MIGRATIONS for table in migration.tables]

    assert sorted(tables) == sorted(row.table for row in STORED_COLLECTIONS.values())


def connect_raw(url: str) -> Callable[[str], object]:
    """Something that carries out a statement, as another program would."""
    if url.startswith("sqlite:"):

        def execute(sql: str) -> None:
            connection = sqlite3.connect(url.removeprefix("sqlite:"))
            connection.execute(sql)
            connection.close()

        return execute

    def execute_on_server(sql: str) -> None:
        import psycopg

        with psycopg.connect(url) as connection:
            connection.execute(sql.encode())

    return execute_on_server


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
