"""Stores of every kind, empty, for the tests that hold for all of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphdaemon.store.rows import Position, Row, Staged
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.tenant_history import TenantHistory
from tests.support.postgres_server import PostgresServer

EARLY = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)


class SteppingClock:
    """Goes on by an hour whenever it is read, until it is set to something else."""

    def __init__(self) -> None:
        self.time = EARLY

    def __call__(self) -> dt.datetime:
        time = self.time
        self.time += dt.timedelta(hours=1)
        return time


def row(id_: str, **values: object) -> Row:
    """A record of a few properties."""
    return Row(id_, document(id_, **values))


def document(id_: str, **values: object) -> bytes:
    return json.dumps({"id": id_, **values}, separators=(",", ":"), ensure_ascii=False).encode()


def staged(*rows: Row) -> list[Staged]:
    return [Staged(id_, content) for id_, content in rows]


def position(link: str | None = "link") -> Position:
    return Position(link, ("id", "displayName"))


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store can be made: in each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/store.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.make_schema()


@pytest.fixture
def clock() -> SteppingClock:
    """The clock of `store`."""
    return SteppingClock()


@pytest.fixture
def store(store_url: str, clock: SteppingClock) -> Iterator[Store]:
    """A new store, with one tenant, whose number is 1."""
    with open_store(store_url, now=clock) as opened:
        assert opened.enter_tenant("aaaaaaaa-0000-0000-0000-000000000001", "Contoso") == 1
        yield opened


def load_users(store: Store, *rows: Row) -> None:
    """Write the first baseline of users."""
    with store.change(1, "users", "baseline") as change:
        change.load(rows)
        change.save(position())


def read_documents(store: Store, table: str = "users") -> dict[str, str]:
    """What is current, by ID."""
    rows = store.database.fetch(f"SELECT id, document FROM {table}_records WHERE tenant = 1")
    return dict(rows)


def read_as_of(store: Store, at: str) -> list[bytes]:
    """The documents of the users as they were at a time, in the order of their texts."""
    history = TenantHistory(store)
    with history.reading():
        return sorted(one.document for batch in history.records("users", at) for one in batch)
