"""A store in SQLite: one file, with a lock file beside it; only this module uses sqlite3."""

import os
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import repeat
from pathlib import Path
from urllib.parse import quote

from graphdaemon.errors import StoreError
from graphdaemon.sharing.file_lock import hold_lock
from graphdaemon.store.database import NO_VALUES, Record, Values
from graphdaemon.store.dialect import SQLITE
from graphdaemon.store.schema import TABLE, prepare
from graphdaemon.store.sqlite_file import (
    APPLICATION_ID,
    explaining_files,
    holds_store,
    look_at,
    make_file,
    may_write,
    refuse_moved,
)

_BATCH = 2_000
# Seconds for which another process may write before this one gives up.
_PATIENCE_S = 5.0

# Whether the store has something that others may want to read.
_ANYTHING = "SELECT 1 WHERE EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM leases)"

# With this, the data are on the disk when a commit returns.
_DURABILITY = "PRAGMA synchronous = FULL"


def open_sqlite(path: Path, shown: str, *, create: bool) -> "SqliteDatabase":
    """
    Open the file at `path`, or create it with access for its owner alone.

    Args:
        path: The file.
        shown: The URL of the store, for errors.
        create: Whether to create a file that does not exist.

    Raises:
        StoreError: The file does not exist and is not to be created, is not a store, or cannot be
            used.
    """
    check_version(sqlite3.sqlite_version_info, shown)
    if create and not path.exists():
        make_file(path, shown)
    is_new = not (path.exists() and holds_store(path, shown))
    if is_new and not create:
        raise StoreError(
            f"There is no store {shown}",
            code="store_missing",
            hint="Name the store that was synced to, or make one with graphdaemon sync.",
        )
    database = SqliteDatabase(path, shown)
    try:
        database.prepare(is_new=is_new)
    except BaseException:
        database.close()
        raise
    return database


def check_version(version: tuple[int, ...], shown: str) -> None:
    """
    Check that the SQLite of this Python is new enough for the statements of the store.

    Raises:
        StoreError: It is too old.
    """
    # "IS DISTINCT FROM" needs the newest version of all ("Release History", sqlite.org).
    if version < (3, 39):
        raise StoreError(
            f"The store {shown} needs SQLite 3.39; this Python has {'.'.join(map(str, version))}",
            code="store_failed",
            hint="Use a newer Python, such as uv installs, or a store in PostgreSQL.",
        )


class SqliteDatabase:
    """A connection to the SQLite file of a store; the methods are those of `Database`."""

    dialect = SQLITE

    def __init__(self, path: Path, shown: str) -> None:
        self.shown = shown
        self._path = path
        self._state = look_at(path, shown)
        self._may_write = may_write(path)
        self._holders = 0
        self._has_log = False
        with self._explaining():
            self._connection = sqlite3.connect(
                f"file:{quote(os.fspath(path))}?{self._choose_mode()}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_PATIENCE_S,
            )

    def prepare(self, *, is_new: bool) -> None:
        """Update the tables to the version of this program; `is_new` is a file without tables."""
        with self._explaining():
            if is_new:
                # A page of SQLite's default size has room for nine users. Pages of twice the size
                # save a fifth of the time of the first run. The size must be set before any write.
                self._connection.execute("PRAGMA page_size = 8192")
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute("PRAGMA cache_size = -65536")
            if self._may_write:
                self._connection.execute(_DURABILITY)
        prepare(self)
        self._let_others_read()

    def holds_store(self) -> bool:
        """Return whether the file contains the tables of a store."""
        sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = :name"
        return bool(self.fetch(sql, {"name": TABLE}))

    def execute(self, sql: str, values: Values = NO_VALUES, /) -> int:
        """Execute a statement, and return how many rows it changed."""
        with self._explaining():
            return self._connection.execute(sql, values).rowcount

    def fetch(self, sql: str, values: Values = NO_VALUES, /) -> list[Record]:
        """Return all rows of a query."""
        with self._explaining():
            return self._connection.execute(sql, values).fetchall()

    def walk(self, sql: str, values: Values = NO_VALUES, /) -> Generator[list[Record]]:
        """Yield the rows of a query, some thousand at a time."""
        with self._explaining():
            cursor = self._connection.execute(sql, values)
        with closing(cursor):
            while True:
                with self._explaining():
                    rows = cursor.fetchmany(_BATCH)
                if not rows:
                    return
                yield rows

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Record]) -> None:
        """Add rows to a table."""
        self._insert(f"INSERT INTO {table} ({', '.join(columns)})", len(columns), rows)

    def upsert(
        self, table: str, key: Sequence[str], others: Sequence[str], rows: Sequence[Record]
    ) -> None:
        """Add rows; a row that is there already with a key is replaced."""
        columns = (*key, *others)
        self._insert(f"INSERT OR REPLACE INTO {table} ({', '.join(columns)})", len(columns), rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block; undo everything if the block raises."""
        self._check_place()
        # Lock for writing at once, because a lock for reading cannot always be upgraded later.
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._check_place()
            self.execute("COMMIT")
            self._let_others_read()
        finally:
            self._rollback()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all queries in the block see the same state, and allow no writing in it."""
        with ExitStack() as stack:
            if not self._connection.in_transaction:
                self.execute("PRAGMA query_only = ON")
                stack.callback(self.execute, "PRAGMA query_only = OFF")
                self.execute("BEGIN")
                stack.callback(self._rollback)
            yield
            self._check_unchanged()

    @contextmanager
    def hold(self, name: str, patience: float) -> Iterator[None]:  # noqa: ARG002  one process at a time writes SQLite, whatever it syncs
        """Hold the lock of the whole store, which no other process can hold meanwhile."""
        with ExitStack() as stack:
            if not self._holders:
                self._take_lock(stack, patience)
            self._holders += 1
            stack.callback(self._release)
            yield

    def close(self) -> None:
        """Close the connection."""
        with self._explaining():
            self._connection.close()

    def _let_others_read(self) -> None:
        """
        Use a write-ahead log once there is something to read, so that others can read during a run.

        The first run, which is the largest, is written without the log, with which it takes half as
        long again. In the store of a daemon there are leases to read from the first moment on.
        """
        if self._may_write and not self._has_log and self.fetch(_ANYTHING):
            with suppress(StoreError):
                # The mode cannot be changed while somebody reads; then it is tried the next time.
                self._has_log = self.fetch("PRAGMA journal_mode = WAL") == [("wal",)]

    def _choose_mode(self) -> str:
        """
        Return the options for opening the file: for writing, or without creating files beside it.

        Otherwise a user who may only read would create files that keep the owner from writing.
        """
        if self._may_write:
            return "mode=rw"
        beside = (self._path.with_name(f"{self._path.name}{end}") for end in ("-wal", "-journal"))
        is_in_use = any(path.exists() for path in beside)
        return "mode=ro" if is_in_use else "mode=ro&immutable=1"

    def _check_place(self) -> None:
        """Check that the open file is still the one at the path; raise StoreError if not."""
        if not self._state.is_same_file(look_at(self._path, self.shown)):
            raise refuse_moved(self.shown)

    def _check_unchanged(self) -> None:
        """Check that the file did not change while it was read without a lock."""
        if not self._may_write and look_at(self._path, self.shown) != self._state:
            raise _refuse_busy(f"The store {self.shown} was written to while it was read")

    def _rollback(self) -> None:
        # SQLite may have ended the transaction already, for instance because the disk is full.
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def _take_lock(self, stack: ExitStack, patience: float) -> None:
        if not self._may_write:
            # A lock file that belongs to this user would lock the owner out.
            raise _refuse_writing(self.shown)
        lock = self._path.with_name(f"{self._path.name}-lock")
        busy = f"Another process writes to the store {self.shown}"
        with explaining_files(self.shown):
            try:
                stack.enter_context(hold_lock(lock, patience, busy))
            except TimeoutError as error:
                raise _refuse_busy(str(error)) from None

    def _release(self) -> None:
        self._holders -= 1

    def _insert(self, beginning: str, width: int, rows: Sequence[Record]) -> None:
        with self._explaining():
            signs = ", ".join(repeat("?", width))
            self._connection.executemany(f"{beginning} VALUES ({signs})", rows)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self.shown) from error


def _explain(error: sqlite3.Error, shown: str) -> StoreError:
    """Return the error for an exception of SQLite ("Result and Error Codes", sqlite.org)."""
    name = getattr(error, "sqlite_errorname", "")
    for beginning, make in _MEANINGS.items():
        if name.startswith(beginning):
            return make(shown)
    return StoreError(
        f"SQLite refused a request for the store {shown}: {error}",
        code="store_failed",
        hint="Please report this: graphdaemon should not have sent this request.",
    )


def _refuse_busy(message: str) -> StoreError:
    return StoreError(
        message,
        code="store_busy",
        hint="Wait until it has ended, and run the command again.",
    )


def _refuse_writing(shown: str) -> StoreError:
    return StoreError(
        f"This user may read the store {shown}, but not write to it",
        code="store_readonly",
        hint="Allow this user to write to the file and its folder.",
    )


_MEANINGS: dict[str, Callable[[str], StoreError]] = {
    "SQLITE_BUSY": lambda store: _refuse_busy(f"Another process writes to the store {store}"),
    "SQLITE_FULL": lambda store: StoreError(
        f"There is no room for the store {store}: its disk, or the disk for temporary files, is "
        "full",
        code="store_full",
        hint="Make room on the disk, and run the command again: it fetches again what was not "
        "committed.",
    ),
    "SQLITE_READONLY": _refuse_writing,
    "SQLITE_CANTOPEN": lambda store: StoreError(
        f"This user may not open the store {store}, or write the files that SQLite keeps beside it",
        code="store_readonly",
        hint="Allow this user to write to the file and its folder.",
    ),
    # What the operating system refuses for a quota or a limit, SQLite tells no closer than this.
    "SQLITE_IOERR_WRITE": lambda store: StoreError(
        f"The store {store} cannot grow: the limit on the size of a file (ulimit -f) or the quota "
        "is reached, or its disk reported an error",
        code="store_full",
        hint="Raise the limit or the quota, or check the disk, and run the command again: it "
        "fetches again what was not committed.",
    ),
    "SQLITE_IOERR": lambda store: StoreError(
        f"The disk of the store {store} reported an error",
        code="store_gone",
        hint="Check that the disk is connected and sound, and run the command again.",
    ),
    "SQLITE_CORRUPT": lambda store: StoreError(
        f"The file of the store {store} is damaged",
        code="store_unreadable",
        hint="Restore a backup, or move the file away and sync again.",
    ),
    "SQLITE_NOTADB": lambda store: StoreError(
        f"The file of the store {store} is not an SQLite database",
        code="store_unreadable",
        hint="Restore a backup, or move the file away and sync again.",
    ),
}
