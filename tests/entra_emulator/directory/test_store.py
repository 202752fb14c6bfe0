import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.store import READERS
from entra_emulator.model.records import Tenant


def test_threads(tmp_path: Path) -> None:
    """Many threads read while one writes; every page they see is complete and in order."""
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=300)
    failures: list[str] = []

    def read() -> None:
        for _ in range(30):
            seqs = [seq for _, seq, _ in directory.collections.read_rows(tenant, "user", limit=999)]
            if len(seqs) < 300 or any(a >= b for a, b in pairwise(seqs)):
                failures.append(str(len(seqs)))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    newcomers = islice(draw_users(400, 0), 300, None)
    directory.objects.fill(tenant, "user", newcomers)
    for thread in threads:
        thread.join()

    assert failures == []
    assert directory.collections.count(tenant, "user") == 400
    directory.close()


SCARCE = """
import os, resource, sys, threading
from pathlib import Path
from entra_emulator.directory.store import Store
from entra_emulator.clock import Clock

store = Store(Path(sys.argv[1]), clock=Clock())
warm = int(sys.argv[2])
if warm:
    store.read("SELECT 1")
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
try:
    while True:
        os.dup(0)
except OSError:
    pass
rows = []
threads = [
    threading.Thread(target=lambda: rows.extend(store.read("SELECT 1"))) for _ in range(20)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with store.writing() as connection:
    connection.execute("INSERT INTO setting (name, value) VALUES ('a', x'00')")
print(len(rows))
"""


@pytest.mark.parametrize("warm", ["0", "1"])
def test_without_free_files_readers_share_the_connections_there_are(
    tmp_path: Path, warm: str
) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "directory.sqlite"

    ended = subprocess.run(
        [sys.executable, "-c", SCARCE, str(path), warm], capture_output=True, text=True, check=False
    )

    assert (ended.stdout, ended.stderr) == ("20\n", "")


def test_no_more_than_the_named_number_of_connections_read_at_once(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=20)
    together = threading.Barrier(3 * READERS)

    def read() -> int:
        together.wait(timeout=60)
        return len(directory.collections.read_rows(tenant, "user", limit=99))

    with ThreadPoolExecutor(3 * READERS) as pool:
        reads = [pool.submit(read) for _ in range(3 * READERS)]
        assert {one.result(timeout=60) for one in reads} == {20}

    assert len(directory._store._all) <= READERS + 1  # and the writer's
    directory.close()


def test_another_version(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A store of another version is refused with the next step, and left as it is."""
    path = tmp_path_factory.mktemp("old") / "directory.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tenant (number INTEGER)")
    connection.close()

    with pytest.raises(ValueError, match="Seed a new folder"):
        Directory(path)


def test_an_older_folder_is_refused(tmp_path: Any) -> None:
    """Tables of another version are not read; the text says what to do."""
    path = tmp_path / "store.sqlite"
    Directory(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()

    with pytest.raises(ValueError, match=r"version 3, not \d+\). Seed a new folder"):
        Directory(path)


def make_other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (id)")
        connection.commit()


def make_text(path: Path) -> None:
    path.write_text("notes, more than a header has room for: " + "x" * 100)


@pytest.mark.parametrize("make", [make_other_database, make_text])
def test_a_file_that_is_no_database_of_the_emulator_is_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """SQLite alone would change the mode of somebody else's database."""
    path = tmp_path / "directory.sqlite"
    make(path)
    before = path.read_bytes()

    with pytest.raises(ValueError, match=r"another program|no database of the emulator"):
        Directory(path)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    Directory(path).close()
    path.chmod(0o644)

    Directory(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kinds", ["memory memory", "memory file", "file memory", "file file"])
def test_a_dump_is_the_whole_directory(tmp_path: Path, kinds: str) -> None:
    """From memory or a file, into memory or a file, however often; caches notice."""
    source, target = (
        Directory(None if kind == "memory" else tmp_path / f"{number}.sqlite")
        for number, kind in enumerate(kinds.split())
    )
    tenant = seed_directory(source, users=30)
    image = source.dump()
    source.objects.remove(tenant, _first_user(source, tenant))

    for _ in range(2):
        target.load(image)
        assert target.tenants.list_all() == [tenant]
        assert target.collections.count(tenant, "user") == 30
        target.objects.remove(tenant, _first_user(target, tenant))
        assert target.collections.count(tenant, "user") == 29

    source.load(image)
    assert source.collections.count(tenant, "user") == 30
    source.close()
    target.close()


def _first_user(directory: Directory, tenant: Tenant) -> StoredObject:
    ((_, _, content),) = directory.collections.read_rows(tenant, "user", limit=1)
    return directory.users.need(tenant, msgspec.json.decode(content)["id"])
