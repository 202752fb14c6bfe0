import sqlite3
import threading
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory


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
