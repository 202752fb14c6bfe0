"""
SQLite under the directory: connections, transactions, small values, and the clock.

Each part of the directory reads and writes its own tables.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from entra_emulator.clock import Clock
from entra_emulator.directory.tables import CLEARED, INDEXES, RECOUNT, TABLES, TRIGGERS, VERSION
from entra_emulator.private_files import make_private

# A default representation of a group fills a third of a page, and none overflows into another.
PAGE_SIZE = 8192
# The most connections that read at the same time. More would not be faster, and each keeps two
# files open; with fewer, the event loop would wait for threads that search.
READERS = 16
# The most bytes of the file that SQLite maps; mapped pages are read without a copy in memory.
MAPPED = 0x7FFF0000

# For a new file that no other process uses, and that is deleted if something fails.
DRAFTING = """
    PRAGMA journal_mode = MEMORY;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -65536;
    PRAGMA temp_store = MEMORY;
"""


def check_database(path: Path) -> None:
    """
    Check that a file is a database of this version of the emulator, or empty.

    Raises:
        ValueError: it is neither.
    """
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return
    # "Database File Format", 1.3, on sqlite.org: the header's first words, and the user version.
    if not head.startswith(b"SQLite format 3\0") or len(head) < 64:
        raise ValueError(
            f"{path} is no database of the emulator, and was left as it is. Name another folder."
        )
    version = int.from_bytes(head[60:64])
    # The last changes may still be only in the write-ahead log.
    if version != VERSION and not path.with_name(f"{path.name}-wal").exists():
        raise _refuse_version(path, version)


def _refuse_version(path: Path | None, version: int) -> ValueError:
    return ValueError(
        f"{path} was written by another version of the emulator, or by another program (tables of "
        f"version {version}, not {VERSION}). Seed a new folder."
    )


class Store:
    """
    The database in `path`, or in memory; any thread may use it.

    Reads borrow a connection, and never wait for the writer. A database in memory has only one
    connection, for which everybody waits.

    Args:
        path: the file.
        clock: tells when something is written.
        draft: whether the file is new, and used by nobody else until it is renamed. Then one thread
            fills it as fast as possible, without rollback.

    Raises:
        ValueError: the file is not a database of the emulator, or was written by another version.
    """

    def __init__(self, path: Path | None, *, clock: Clock, draft: bool = False) -> None:
        self.clock = clock
        self._path = path
        self._draft = draft
        self._idle: list[sqlite3.Connection] = []
        self._returned = threading.Condition()
        self._lent = 0
        self._all: list[sqlite3.Connection] = []
        # Reentrant: `read` inside `writing` takes it again where all share one connection.
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._closed = False
        if path is not None and path.exists():
            # Before SQLite opens it, which would change a database of somebody else's.
            check_database(path)
            make_private(path)
        self.changes = 0  # how many transactions were committed: caches compare it
        # Functions that write the consequences of a transaction in it, before it commits; and
        # functions that forget what was noted for that if it is rolled back.
        self.before_commit: list[Callable[[], None]] = []
        self.after_rollback: list[Callable[[], None]] = []
        self._writer = self._connect()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def new_id(self) -> str:
        """A GUID for what is created."""
        return str(uuid4())

    def close(self) -> None:
        """Close every connection; the store cannot be used afterwards."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._idle.clear()
            self._closed = True

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        A transaction, which is committed at the end of the block, or rolled back if it raises.

        Nested uses join the outermost transaction.
        """
        with self._lock:
            if self._owner is not None:
                yield self._writer
                return
            self._owner = threading.get_ident()
            try:
                # IMMEDIATE takes the write lock now; a read lock may fail to become one later.
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                for finish in self.before_commit:
                    finish()
                self._writer.commit()
                self.changes += 1
            finally:
                self._owner = None
                if self._writer.in_transaction:
                    self._writer.rollback()
                    for forget in self.after_rollback:
                        forget()

    def read(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Every row of a SELECT; within `writing`, including what was written so far."""
        if self._path is None or self._draft or self.is_writing():
            with self._lock:
                return self._writer.execute(statement, values).fetchall()
        connection = self._borrow()
        if connection is None:
            with self._lock:
                return self._writer.execute(statement, values).fetchall()
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            self._return(connection)

    def _borrow(self) -> sqlite3.Connection | None:
        """A connection for one reader; None if there is only the writer's."""
        with self._returned:
            while not self._idle and not self._open_reader():
                if not self._lent:
                    return None
                self._returned.wait()
            self._lent += 1
            return self._idle.pop()

    def _open_reader(self) -> bool:
        """Open another connection, unless there are enough, or the system refuses."""
        if self._lent >= READERS:
            return False
        try:
            self._idle.append(self._connect())
        except sqlite3.OperationalError:
            # Out of files: readers wait for each other, or share the writer's connection.
            return False
        return True

    def _return(self, connection: sqlite3.Connection) -> None:
        with self._returned:
            self._lent -= 1
            self._idle.append(connection)
            self._returned.notify()

    def is_writing(self) -> bool:
        """Whether this thread is inside `writing`."""
        return self._owner == threading.get_ident()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The small value with this name, which `make` returns at the first use."""
        with self.writing() as connection:
            rows = connection.execute(
                "SELECT value FROM setting WHERE name = ?", (name,)
            ).fetchall()
            if rows:
                return bytes(rows[0][0])
            made = make()
            connection.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (name, made))
            return made

    def backup(self, path: Path) -> None:
        """Copy the database into an empty file; others can read and write meanwhile."""
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            if self._path is None:
                with self._lock:
                    self._writer.backup(target)
            else:
                with closing(self._open()) as source:
                    source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, not three

    def restore(self, path: Path) -> None:
        """Replace the whole database by the one that `backup` wrote to this file."""
        with self._lock, closing(sqlite3.connect(path, isolation_level=None)) as source:
            assert self._owner is None, "not inside a transaction"
            source.backup(self._writer)
            self.changes += 1

    def dump(self) -> bytes:
        """The database as the bytes of a database file."""
        if self._path is None:
            with self._lock:
                return self._writer.serialize()
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as target:
            with closing(self._open()) as source:
                source.backup(target)
            image = bytearray(target.serialize())
        # "Database File Format", 1.3.2: a write-ahead log, which there is none of in memory.
        image[18:20] = b"\x01\x01"
        return bytes(image)

    def load(self, image: bytes) -> None:
        """Replace the whole database by the one that `dump` returned."""
        with self._lock:
            assert self._owner is None, "not inside a transaction"
            if self._path is None:
                self._writer.deserialize(image)
            else:
                with closing(sqlite3.connect(":memory:", isolation_level=None)) as source:
                    source.deserialize(image)
                    source.backup(self._writer)
            self.changes += 1

    def clear(self) -> None:
        """Empty every table but the settings."""
        with self.writing() as connection:
            for name in TRIGGERS:  # with them SQLite deletes row by row
                connection.execute(f"DROP TRIGGER {name}")
            for table in CLEARED:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
            for statement in TRIGGERS.values():
                connection.execute(statement)

    @contextmanager
    def unindexed(self) -> Iterator[None]:
        """
        Drop the indices while inserting many objects, and build them at the end.

        Sorting a hundred thousand keys once costs half as much as inserting them one by one.
        """
        with self.writing() as connection:
            for name in INDEXES:
                connection.execute(f"DROP INDEX IF EXISTS {name}")
            for name in TRIGGERS:
                connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            yield
            for statement in (*INDEXES.values(), RECOUNT, *TRIGGERS.values()):
                connection.execute(statement)

    def _prepare(self) -> None:
        with self.writing() as connection:
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
            ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            # A new file has version 0, too, but no tables.
            if tables and version != VERSION:
                raise _refuse_version(self._path, version)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            for statement in (*TABLES, *INDEXES.values(), *TRIGGERS.values()):
                connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("the store is closed")
        connection = self._open()
        self._all.append(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            # `writing` begins and ends transactions, instead of the module.
            isolation_level=None,
            # Connections are passed between threads, but no two threads use one at a time.
            check_same_thread=False,
            cached_statements=256,
        )
        # Before everything else: SQLite fixes the page size with the first thing it writes.
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        if self._draft:
            connection.executescript(DRAFTING)
            return connection
        # With a write-ahead log readers go on while one writes. NORMAL does not wait for the disk
        # at each commit: a power cut may take the last ones, which an emulator can bear.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA mmap_size = {MAPPED}")
        return connection
