"""A real PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

# A test's data may be lost with the machine; what is tested of that is killed processes.
_OPTIONS = (
    "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=16MB "
    "-c max_connections=30"
)


def find_programs() -> Path | None:
    """The folder of the newest PostgreSQL that is installed, where Debian has it or on the path."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2])
    )
    on_path = shutil.which("initdb")
    return folders[-1] if folders else Path(on_path).parent if on_path else None


class PostgresServer:
    """One of its own, reached by a socket in its own folder; any user is let in."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # The folders of pytest are too long for a socket, and closed to other users.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        # It refuses to run as root.
        self._user = find_other_user() if os.geteuid() == 0 else None
        self.give(self.folder)
        self._schemas = count(1)
        self._run("initdb", "-A", "trust", "-U", "owner", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def give(self, folder: Path) -> None:
        """Make a folder the server's own."""
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def start(self) -> None:
        options = f"{_OPTIONS} -k {self.folder}"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def ensure_running(self) -> None:
        if not (self.folder / "data" / "postmaster.pid").exists():
            self.start()

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def make_schema(self) -> str:
        """Make one that nobody else uses, and return the URL of a store in it."""
        name = f"s{next(self._schemas)}"
        self.execute(f"CREATE SCHEMA {name}")
        return self.url(f"&options=-csearch_path%3D{name}")

    def url(self, options: str = "", *, user: str = "owner", database: str = "postgres") -> str:
        return f"postgresql:///{database}?host={self.folder}&user={user}{options}"

    def execute(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.encode())

    def _run(self, program: str, *arguments: str) -> None:
        user = self._user
        subprocess.run(
            [self._programs / program, "-D", self.folder / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            timeout=60,
        )


def find_other_user() -> pwd.struct_passwd:
    """Whom Debian's package runs the server as, or nobody."""
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for all tests of one worker."""
    pytest.importorskip("psycopg")
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    server = PostgresServer(programs)
    yield server
    server.remove()
