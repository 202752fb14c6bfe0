"""The file of a store before SQLite opens it."""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.store import open_store
from tests.support.store_fixtures import load_users, position, row


def make_other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users (id)")
    connection.close()


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("precious"), "not an SQLite database"),
    "database": (make_other_database, "another program's database"),
    "folder": (lambda path: path.mkdir(), "not a regular file"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_store_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    make, reason = FOREIGN[kind]
    path = tmp_path / "s.db"
    make(path)
    before = path.stat().st_mtime_ns, path.stat().st_size

    with pytest.raises(StoreError, match=reason) as caught:
        open_store(f"sqlite:{path}")

    assert caught.value.code == "store_unreadable"
    assert (path.stat().st_mtime_ns, path.stat().st_size) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.db"]


def test_a_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The files beside it, too; an empty file becomes a store."""
    (tmp_path / "s.db").touch(0o600)
    with open_store(f"sqlite:{tmp_path}/s.db") as store, store.hold(1, "users"):
        store.enter_tenant("t", "Contoso")
        load_users(store, row("a"))
        store.note_check(1, "users", position())
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}

    assert modes == dict.fromkeys(("s.db", "s.db-wal", "s.db-shm", "s.db-lock"), 0o600)


def test_a_store_that_is_not_there_is_only_made_for_whoever_writes(tmp_path: Path) -> None:
    for name in ("s.db", "absent/s.db"):
        with pytest.raises(StoreError, match="no store") as caught:
            open_store(f"sqlite:{tmp_path}/{name}", create=False)
        assert caught.value.code == "store_missing"
    with pytest.raises(StoreError, match="no folder"):
        open_store(f"sqlite:{tmp_path}/absent/s.db")
    assert list(tmp_path.iterdir()) == []
