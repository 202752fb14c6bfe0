"""SQLite alone: what its failures are called, and that nothing is lost by them."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graphdaemon.errors import StoreError
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.leases import read_leases
from graphdaemon.store.sqlite import check_version
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.tenant_history import TenantHistory
from tests.support.small_disk import small_disk
from tests.support.store_fixtures import load_users, read_as_of, read_documents, row
from tests.support.users import acting_as_another_user, folder_for_others

END = "2030-01-01T00:00:00.000000Z"


def make_store(path: Path, *, rows: int = 1) -> str:
    url = f"sqlite:{path}"
    with open_store(url) as store:
        store.enter_tenant("t", "Contoso")
        load_users(store, *(row(f"{number:05}", pad="x" * 100) for number in range(rows)))
    return url


def put_many(store: Store, number: int = 3_000) -> None:
    with store.change(1, "users", "round") as change:
        change.put([row(f"{n:05}", pad="y" * 500) for n in range(number)])


def code_of(action: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(StoreError) as caught:
        action()
    assert caught.value.hint
    return caught.value.code, str(caught.value)


def test_a_full_disk_says_so_and_takes_nothing_along() -> None:
    """Once there is room, the same run is written."""
    with small_disk(2 << 20) as folder:
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(1 << 20))
        with open_store(make_store(folder / "s.db")) as store:
            code, message = code_of(lambda: put_many(store))
            assert (code, "no room" in message) == ("store_full", True)
            assert len(read_documents(store)) == 1

            ballast.unlink()
            put_many(store, 500)
            assert len(read_documents(store)) == 500


def test_a_disk_that_is_full_already_has_no_room_for_a_store() -> None:
    with small_disk(64 << 10) as folder:
        (folder / "ballast").write_bytes(bytes(60 << 10))
        assert code_of(lambda: open_store(f"sqlite:{folder}/s.db"))[0] == "store_full"


def test_a_database_of_the_size_that_is_allowed_says_so(tmp_path: Path) -> None:
    """SQLite's own limit, where no file system can be mounted."""
    with open_store(make_store(tmp_path / "s.db")) as store:
        (pages,) = store.database.fetch("PRAGMA page_count")[0]
        store.database.fetch(f"PRAGMA max_page_count = {pages + 10}")

        assert code_of(lambda: put_many(store))[0] == "store_full"
        assert len(read_documents(store)) == 1


def test_a_damaged_file_is_called_damaged(tmp_path: Path) -> None:
    """Whether its middle is garbage or its end is missing."""
    path = tmp_path / "s.db"
    url = make_store(path, rows=1_000)
    content = path.read_bytes()
    half = len(content) // 2
    for damaged in (content[:4096] + b"\x5a" * (len(content) - 4096), content[:half]):
        path.write_bytes(damaged)

        def read() -> None:
            with open_store(url) as store:
                read_as_of(store, END)

        code, message = code_of(read)
        assert (code, "damaged" in message) == ("store_unreadable", True)


def test_readers_see_the_state_before_while_a_run_is_written(tmp_path: Path) -> None:
    """Any program that reads SQLite."""
    path = tmp_path / "s.db"
    with open_store(make_store(path)) as store:
        reader = sqlite3.connect(path)
        with store.change(1, "users", "round") as change:
            change.put([row("b")])
            assert reader.execute("SELECT count(*) FROM users").fetchall() == [(1,)]
        assert reader.execute("SELECT count(*) FROM users").fetchall() == [(2,)]
        reader.close()


def test_the_first_run_is_written_without_a_log_of_itself(tmp_path: Path) -> None:
    """It is the largest, and there is nothing yet that anybody could read meanwhile."""
    with open_store(f"sqlite:{tmp_path}/s.db") as store:
        store.enter_tenant("t", "Contoso")
        assert store.database.fetch("PRAGMA journal_mode") == [("delete",)]
        with open_store(f"sqlite:{tmp_path}/s.db") as second:
            load_users(store, row("a"))
            assert second.position(1, "users") is not None
        put_many(store, 10)
        assert store.database.fetch("PRAGMA journal_mode") == [("wal",)]


def test_of_a_store_that_a_daemon_keeps_in_step_the_first_run_is_written_beside_its_readers(
    tmp_path: Path,
) -> None:
    """Who looks at a daemon sees what it does from the first moment on, whatever it writes."""
    path = tmp_path / "s.db"
    with open_store(f"sqlite:{path}") as store:
        store.enter_tenant("t", "Contoso")
        LeaseHolder(store, "here", 60).enter([("t", "contoso")], ["users"], 300)
        with store.change(1, "users", "baseline") as change:
            # More than the cache holds, so that SQLite has to write before the end.
            store.database.execute("PRAGMA cache_size = 10")
            change.load([row(f"{number}", filler="x" * 500) for number in range(2_000)])
            with open_store(f"sqlite:{path}", create=False) as reader:
                assert [lease.collection for lease in read_leases(reader)] == ["users"]


@pytest.mark.parametrize("what", ["moved", "deleted", "replaced"])
def test_a_file_that_goes_away_is_not_written_on(tmp_path: Path, what: str) -> None:
    """What was written would be seen by nobody."""
    path = tmp_path / "s.db"
    with open_store(make_store(path)) as store:
        if what == "deleted":
            path.unlink()
        else:
            path.rename(tmp_path / "elsewhere")
        if what == "replaced":
            path.write_bytes(b"")
        code, message = code_of(lambda: put_many(store))

    assert (code, "moved or deleted" in message) == ("store_gone", True)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user may enter, with a store that all may read."""
    with folder_for_others() as folder:
        make_store(folder / "s.db")
        (folder / "s.db").chmod(0o644)
        yield folder


@pytest.mark.parametrize("part", ["file", "folder", "both"])
def test_a_store_that_may_only_be_read_is_read_and_not_written(
    shared_folder: Path, part: str
) -> None:
    """Nothing is left beside it, and the owner can write it afterwards."""
    url = f"sqlite:{shared_folder}/s.db"
    (shared_folder / "s.db").chmod(0o644 if part != "folder" else 0o666)
    shared_folder.chmod(0o755 if part != "file" else 0o777)
    with acting_as_another_user(), open_store(url, create=False) as store:
        assert len(read_documents(store)) == 1
        assert len(read_as_of(store, END)) == 1
        code, message = code_of(lambda: put_many(store))
        assert (code, "may" in message) == ("store_readonly", True)
    assert {entry.name for entry in shared_folder.iterdir()} <= {"s.db", "s.db-lock"}

    with open_store(url) as store:
        put_many(store, 10)
        assert len(read_documents(store)) == 10


def test_what_is_read_without_a_lock_is_one_state(shared_folder: Path) -> None:
    """If the owner writes meanwhile, it is said, rather than a mixture shown."""
    url = f"sqlite:{shared_folder}/s.db"
    with acting_as_another_user():
        reader = open_store(url, create=False)
    with pytest.raises(StoreError, match="was written to while it was read") as caught:
        read_while_it_is_written(reader, url)
    assert caught.value.code == "store_busy"
    reader.close()


def read_while_it_is_written(reader: Store, url: str) -> None:
    history = TenantHistory(reader)
    with history.reading():
        batches = history.records("users", END)
        next(batches)
        with open_store(url) as owner:
            put_many(owner, 10)
        list(batches)


def test_a_store_that_may_not_even_be_read_is_refused(shared_folder: Path) -> None:
    (shared_folder / "s.db").chmod(0o600)
    with acting_as_another_user():
        code, message = code_of(lambda: open_store(f"sqlite:{shared_folder}/s.db"))
        assert (code, "may not open" in message) == ("store_readonly", True)
        shared = f"sqlite:{shared_folder}/new.db"
        assert code_of(lambda: open_store(shared))[0] == "store_readonly"


def test_a_link_without_an_end_is_not_followed(tmp_path: Path) -> None:
    """One with an end is: a store may stand elsewhere."""
    (tmp_path / "s.db").symlink_to(tmp_path / "none")
    assert code_of(lambda: open_store(f"sqlite:{tmp_path}/s.db"))[0] == "store_unreadable"
    make_store(tmp_path / "none")
    with open_store(f"sqlite:{tmp_path}/s.db") as store:
        assert len(read_documents(store)) == 1
    assert (tmp_path / "s.db").readlink() == tmp_path / "none"


def test_a_sqlite_that_is_too_old_is_named() -> None:
    """Rather than a statement that it cannot read."""
    check_version((3, 39, 0), "sqlite:s.db")
    code, message = code_of(lambda: check_version((3, 37, 2), "sqlite:s.db"))
    assert (code, "this Python has 3.37.2" in message) == ("store_failed", True)


def test_a_new_store_has_pages_that_hold_many_records(tmp_path: Path) -> None:
    """They cost the first run a fifth less than those of SQLite's own size."""
    with open_store(f"sqlite:{tmp_path / 'a.db'}") as store:
        assert store.database.fetch("PRAGMA page_size") == [(8192,)]
