"""PostgreSQL alone: who is let in, what else may be in its database, what failures are called."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from graphdaemon.errors import StoreError, UsageError
from graphdaemon.store.store import Store, open_store
from tests.support.postgres_server import PostgresServer
from tests.support.small_disk import small_disk
from tests.support.store_fixtures import load_users, read_documents, row


@pytest.fixture
def own_server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server that all share, running when the test ends, whatever it did with it."""
    yield postgres_server
    postgres_server.ensure_running()


@pytest.fixture
def shared(postgres_server: PostgresServer) -> str:
    """The URL of a store with one record."""
    url = postgres_server.make_schema()
    with open_store(url) as store:
        store.enter_tenant("t", "Contoso")
        load_users(store, row("a"))
    return url


def code_of(url: str, *, create: bool = True) -> tuple[str, str]:
    """The code and the message with which opening a store fails."""
    with pytest.raises(StoreError) as caught:
        open_store(url, create=create)
    assert caught.value.hint
    return caught.value.code, str(caught.value)


def test_what_keeps_a_connection_from_being_made_is_named(postgres_server: PostgresServer) -> None:
    """No server, no database, no schema, no store, a URL that libpq cannot read."""
    assert code_of(f"postgresql:///db?host={postgres_server.folder}/none")[0] == "store_gone"
    assert code_of("postgresql://127.0.0.1:1/db")[0] == "store_gone"
    code, message = code_of(postgres_server.url(database="none"))
    assert (code, '"none" does not exist' in message) == ("store_missing", True)
    assert code_of(postgres_server.url("&options=-csearch_path%3Dnone"))[0] == "store_missing"
    assert code_of(postgres_server.make_schema(), create=False)[0] == "store_missing"
    assert code_of("postgresql:///db?colour=blue")[0] == "store_url_invalid"
    assert code_of("postgresql://me:hunter2%zz@host/db") == (
        "store_url_invalid",
        "PostgreSQL cannot read the URL of the store",
    )


def test_a_user_is_refused_without_the_password_being_shown(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.url("&password=hunter2", user="nobody_there")
    code, message = code_of(url)

    assert code == "store_refused"
    assert "nobody_there" in message
    assert "hunter2" not in message


def test_a_user_without_rights_is_told_so(shared: str, postgres_server: PostgresServer) -> None:
    """One may read what was granted, and neither write nor make a store."""
    schema = shared.rpartition("%3D")[2]
    postgres_server.execute(
        f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; "
        f"GRANT USAGE ON SCHEMA {schema} TO reader; "
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader"
    )
    url = shared.replace("user=owner", "user=reader")
    with open_store(url) as store:
        assert list(read_documents(store)) == ["a"]
        with pytest.raises(StoreError, match="permission denied") as caught:
            load_users(store)
        assert caught.value.code == "store_readonly"
    postgres_server.execute(f"CREATE SCHEMA {schema}_other")
    assert code_of(url.replace(schema, f"{schema}_other"))[0] in {"store_readonly", "store_missing"}


def test_a_database_that_only_reads_is_told_from_a_writable_one(shared: str) -> None:
    """As a standby does."""
    with open_store(f"{shared}%20-cdefault_transaction_read_only%3Don") as store:
        assert list(read_documents(store)) == ["a"]
        with pytest.raises(StoreError, match="read-only") as caught:
            load_users(store)
    assert caught.value.code == "store_readonly"


def test_tables_of_another_program_are_left_as_they_are(postgres_server: PostgresServer) -> None:
    url = postgres_server.make_schema()
    schema = url.rpartition("%3D")[2]
    postgres_server.execute(f"CREATE TABLE {schema}.users (name text)")

    code, message = code_of(url)

    assert code == "store_unreadable"
    assert "has a table users" in message


def test_a_database_without_unicode_is_refused(postgres_server: PostgresServer) -> None:
    postgres_server.execute("DROP DATABASE IF EXISTS latin")
    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    code, message = code_of(postgres_server.url(database="latin"))
    assert (code, "LATIN1" in message) == ("store_unreadable", True)


def write_and_break(store: Store, server: PostgresServer, mode: str) -> None:
    with store.hold(1, "users"), store.change(1, "users", "round") as change:
        change.put([row("b")])
        server.stop(mode)
        change.put([row("c")])


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_goes_in_mid_write_takes_nothing_along(
    shared: str, own_server: PostgresServer, mode: str
) -> None:
    """It says so in one sentence; once the server is back, the next run goes on from before."""
    with open_store(shared) as store:
        with pytest.raises(
            StoreError, match="cannot be reached, or its connection ended"
        ) as caught:
            write_and_break(store, own_server, mode)
        assert caught.value.code == "store_gone"
    own_server.start()

    with open_store(shared) as store:
        assert list(read_documents(store)) == ["a"]
        load_more(store)
        assert list(read_documents(store)) == ["a", "b"]


def load_more(store: Store) -> None:
    with store.change(1, "users", "round") as change:
        change.put([row("b")])


def test_a_store_that_stays_open_survives_a_restart(
    shared: str, own_server: PostgresServer
) -> None:
    """What is done first afterwards may fail; what is done next works."""
    with open_store(shared) as store:
        own_server.stop()
        own_server.start()
        with pytest.raises(StoreError, match="cannot be reached, or its connection ended"):
            store.position(1, "users")
        assert store.position(1, "users") is not None
        load_more(store)
        assert list(read_documents(store)) == ["a", "b"]


def test_a_lock_that_was_lost_with_the_connection_is_not_taken_for_held(
    shared: str, own_server: PostgresServer
) -> None:
    """Another process may have it now: nothing is written until it is taken anew."""
    with open_store(shared) as store:
        with store.hold(1, "users"):
            own_server.stop()
            own_server.start()
            for _ in range(3):
                with pytest.raises(StoreError):
                    load_more(store)
        load_more(store)


def test_a_full_disk_of_the_server_says_so_and_takes_nothing_along(
    postgres_server: PostgresServer,
) -> None:
    """The store's tables stand on a file system of two megabytes."""
    schema = postgres_server.make_schema()
    with small_disk(2 << 20) as folder:
        postgres_server.give(folder)
        postgres_server.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        url = f"{schema}%20-cdefault_tablespace%3Dsmall"
        with open_store(url) as store:
            store.enter_tenant("t", "Contoso")
            load_users(store, row("a"))
            with pytest.raises(StoreError, match="no room") as caught:
                put_many(store)
            assert caught.value.code == "store_full"
            assert list(read_documents(store)) == ["a"]
        postgres_server.execute(f"DROP SCHEMA {schema.rpartition('%3D')[2]} CASCADE")
        postgres_server.execute("DROP TABLESPACE small")


def put_many(store: Store) -> None:
    with store.change(1, "users", "round") as change:
        change.put([row(f"{number:05}", pad=f"{number}" * 100) for number in range(20_000)])


def test_missing_psycopg_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "graphdaemon.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(UsageError, match="psycopg") as caught:
        open_store("postgresql://host/db")

    assert caught.value.code == "package_missing"
    assert "graphdaemon[postgres]" in (caught.value.hint or "")


def test_views_that_others_are_built_on_stay_until_those_are_gone(
    shared: str, postgres_server: PostgresServer
) -> None:
    schema = shared.rpartition("%3D")[2]
    postgres_server.execute(
        f"CREATE VIEW {schema}.mine AS SELECT id FROM {schema}.users; "
        f"UPDATE {schema}.graphdaemon SET views = 'others'"
    )
    code, message = code_of(shared)
    assert (code, "cannot drop view users" in message) == ("store_failed", True)

    postgres_server.execute(f"DROP VIEW {schema}.mine")
    with open_store(shared) as store:
        assert list(read_documents(store)) == ["a"]
