"""
SQLite under the directory: connections, tables, keyset pages.

A page of faces is one range scan of a clustered table, so its cost does not
depend on where in a million objects it starts.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graphdaemon.emulator.table import CLEARED, INDEXES, TABLES

__all__ = ["KINDS", "Position", "Row", "Store"]

# Small numbers, because every index of a million rows repeats them.
KINDS = {"user": 1, "group": 2, "device": 3, "application": 4, "servicePrincipal": 5}


class Row(NamedTuple):
    """One object: where it stands in the orders, its face and its whole document."""

    id: str
    key: str
    name: str
    face: bytes
    doc: bytes


class Position(NamedTuple):
    """The last object seen: its value in the order's column (None in creation order), its seq."""

    value: str | None
    seq: int


class Store:
    """
    The database in `path`, or in memory; any thread may use it.

    Reads borrow a connection and never wait for the writer; in memory there is
    one connection, and everybody waits.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._closed = False
        self.changes = 0  # committed transactions, so that others know what they hold is old
        self._writer = self._connect()
        with self.writing() as connection:
            for statement in (*TABLES, *INDEXES.values()):
                connection.execute(statement)

    def close(self) -> None:
        """Close every connection; the store is of no use afterwards."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._idle.clear()
            self._closed = True

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        A transaction that commits at the end, or leaves no trace.

        Nested uses join the outermost one.
        """
        with self._lock:
            if self._owner is not None:
                yield self._writer
                return
            self._owner = threading.get_ident()
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.commit()
                self.changes += 1
            finally:
                self._owner = None
                if self._writer.in_transaction:
                    self._writer.rollback()

    def read(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Every row of one SELECT; inside `writing`, with what was written so far."""
        if self._path is None or self.is_writing():
            with self._lock:
                return self._writer.execute(statement, values).fetchall()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            self._idle.append(connection)

    def is_writing(self) -> bool:
        """Whether this thread is inside `writing`."""
        return self._owner == threading.get_ident()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A small value of this name, made on first use."""
        with self.writing() as connection:
            found = connection.execute("SELECT value FROM setting WHERE name = ?", (name,))
            for (value,) in found.fetchall():
                return bytes(value)
            made = make()
            connection.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (name, made))
            return made

    def insert(self, tenant: int, kind: str, rows: Iterable[Row]) -> None:
        """Append objects in the given order, in one transaction."""
        number = KINDS[kind]
        with self.writing() as connection:
            (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM document").fetchone()
            for batch in _batched(rows):
                numbered = list(enumerate(batch, last + 1))
                last += len(numbered)
                connection.executemany(
                    "INSERT INTO object (tenant, kind, seq, id, key, name, face) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(tenant, number, seq, *row[:4]) for seq, row in numbered],
                )
                connection.executemany(
                    "INSERT INTO document (seq, doc) VALUES (?, ?)",
                    [(seq, row.doc) for seq, row in numbered],
                )

    def replace(self, tenant: int, kind: str, row: Row) -> None:
        """Write an object anew where it stands."""
        with self.writing() as connection:
            place = "WHERE id = ? AND tenant = ? AND kind = ?"
            where = (row.id, tenant, KINDS[kind])
            connection.execute(
                f"UPDATE document SET doc = ? WHERE seq = (SELECT seq FROM object {place})",  # noqa: S608 - a constant
                (row.doc, *where),
            )
            connection.execute(
                f"UPDATE object SET key = ?, name = ?, face = ? {place}",  # noqa: S608 - a constant
                (row.key, row.name, row.face, *where),
            )

    def find(self, kind: str, *, tenant: int | None, column: str, value: str) -> list[bytes]:
        """The documents whose `id` or `key` is `value`, in one tenant or in all of them."""
        assert column in {"id", "key"}
        rows = self.read(
            "SELECT d.doc FROM object AS o CROSS JOIN document AS d ON d.seq = o.seq "  # noqa: S608 - asserted
            f"WHERE o.{column} = :value AND o.kind = :kind "
            "AND (:tenant IS NULL OR o.tenant = :tenant)",
            {"value": value, "kind": KINDS[kind], "tenant": tenant},
        )
        return [doc for (doc,) in rows]

    def keep_credential(self, values: tuple[str, str, str, bytes, float, float]) -> None:
        """Add (key ID, app ID, kind, value, start, end)."""
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO credential (key_id, app_id, kind, value, start, end) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )

    def keep_identifiers(self, tenant: int, app_id: str, names: Iterable[str]) -> None:
        """
        Let the application be known by these names, in any case of letters.

        Raises:
            ValueError: another one has a name already.
        """
        with self.writing() as connection:
            for name in names:
                owner = self.identified(tenant, name)
                if owner not in {None, app_id}:
                    raise ValueError(f"{name!r} names another application already")
                connection.execute(
                    "INSERT OR IGNORE INTO identifier (tenant, name, app_id) VALUES (?, ?, ?)",
                    (tenant, _fold(name), app_id),
                )

    def identified(self, tenant: int, name: str) -> str | None:
        """The appId that goes by this name."""
        statement = "SELECT app_id FROM identifier WHERE tenant = ? AND name = ?"
        for (app_id,) in self.read(statement, (tenant, _fold(name))):
            return str(app_id)
        return None

    def backup(self, path: Path) -> None:
        """Copy the database into a new file; readers and writers go on meanwhile."""
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            if self._path is None:
                with self._lock:
                    self._writer.backup(target)
            else:
                with closing(self._open()) as source:
                    source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, not three

    def restore(self, path: Path) -> None:
        """Put what `backup` wrote to this file in the place of everything."""
        with self._lock, closing(sqlite3.connect(path, isolation_level=None)) as source:
            assert self._owner is None, "not inside a transaction"
            source.backup(self._writer)
            self.changes += 1

    def clear(self) -> None:
        """Empty every table but the settings."""
        with self.writing() as connection:
            for table in CLEARED:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant

    @contextmanager
    def unindexed(self) -> Iterator[None]:
        """
        Drop the indices while inserting many objects, and build them at the end.

        Sorting a hundred thousand keys once costs half of inserting them singly.
        """
        with self.writing() as connection:
            for name in INDEXES:
                connection.execute(f"DROP INDEX IF EXISTS {name}")
            yield
            for statement in INDEXES.values():
                connection.execute(statement)

    def faces(self, tenant: int, kind: str, limit: int, after: int) -> list[tuple[int, bytes]]:
        """Up to `limit` (seq, face) in creation order, from behind `after`."""
        return self.read(
            "SELECT seq, face FROM object WHERE tenant = ? AND kind = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (tenant, KINDS[kind], after, limit),
        )

    def scan(
        self,
        tenant: int,
        kind: str,
        order: str,
        *,
        descending: bool = False,
        after: Position | None = None,
        chunk: int = 1000,
    ) -> Iterator[tuple[Position, bytes]]:
        """
        Every (position, document) from behind `after`, in keyset chunks.

        Args:
            tenant: the tenant's number.
            kind: a key of KINDS.
            order: "seq", "name" or "key"; equal values stand in creation order.
            descending: from the last value to the first.
            after: where an earlier scan ended.
            chunk: how many documents to read at a time.
        """
        column = {"seq": "NULL", "name": "o.name", "key": "o.key"}[order]
        sign, turn = ("<", "DESC") if descending else (">", "ASC")
        start, by = (
            (f"o.seq {sign} :seq", f"o.seq {turn}")
            if order == "seq"
            else (f"({column}, o.seq) {sign} (:value, :seq)", f"{column} {turn}, o.seq {turn}")
        )
        while True:
            where = "" if after is None else f"AND {start}"
            rows = self.read(
                f"SELECT {column}, o.seq, d.doc "  # noqa: S608 - the parts are the constants above
                "FROM object AS o CROSS JOIN document AS d ON d.seq = o.seq "
                f"WHERE o.tenant = :tenant AND o.kind = :kind {where} ORDER BY {by} LIMIT :chunk",
                {
                    "value": after and after.value,
                    "seq": after and after.seq,
                    "tenant": tenant,
                    "kind": KINDS[kind],
                    "chunk": chunk,
                },
            )
            for value, seq, doc in rows:
                yield Position(value, seq), doc
            if len(rows) < chunk:
                return
            after = Position(rows[-1][0], rows[-1][1])

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("the store is closed")
        connection = self._open()
        self._all.append(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path or ":memory:",
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA mmap_size = 1073741824")
        return connection


def _fold(name: str) -> str:
    return name.lower().removesuffix("/")


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == 5000:
            yield batch
            batch = []
    yield batch
