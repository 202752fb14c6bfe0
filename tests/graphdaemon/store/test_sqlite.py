"""SQLite alone: what its file may be, and what its failures are called."""

import os
import sqlite3
from pathlib import Path

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.store import open_store
from tests.support.store_fixtures import load_users, read_documents, row


def test_a_full_database_says_so_and_keeps_what_it_had(tmp_path: Path) -> None:
    with open_store(f"sqlite:{tmp_path}/s.db") as store:
        store.enter_tenant("t", "Contoso")
        load_users(store, row("a"))
        (pages,) = store.database.fetch("PRAGMA page_count")[0]
        store.database.fetch(f"PRAGMA max_page_count = {pages + 10}")

        with (
            pytest.raises(StoreError, match="no room") as caught,
            store.change(1, "users", "round") as change,
        ):
            change.put([row(f"{number}", pad="x" * 500) for number in range(1_000)])

        assert caught.value.code == "store_full"
        assert list(read_documents(store)) == ["a"]


def test_a_damaged_file_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with open_store(f"sqlite:{path}") as store:
        store.enter_tenant("t", "Contoso")
        load_users(store, *(row(f"{number}") for number in range(1_000)))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))

    with (
        pytest.raises(StoreError, match="damaged") as caught,
        open_store(f"sqlite:{path}") as store,
    ):
        read_documents(store)
    assert caught.value.code == "store_unreadable"


def test_readers_see_the_state_before_while_a_run_is_written(tmp_path: Path) -> None:
    """Any program that reads SQLite."""
    path = tmp_path / "s.db"
    with open_store(f"sqlite:{path}") as store:
        store.enter_tenant("t", "Contoso")
        load_users(store, row("a"))
        reader = sqlite3.connect(path)
        with store.change(1, "users", "round") as change:
            change.put([row("b")])
            assert reader.execute("SELECT id FROM users").fetchall() == [("a",)]
        assert reader.execute("SELECT id FROM users").fetchall() == [("a",), ("b",)]
        reader.close()
