"""A run: everything that is written about a collection in one transaction."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import count
from typing import TypeVar

import msgspec

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.database import Database, Record
from graphdaemon.store.document_text import make_text
from graphdaemon.store.rows import Ending, Pair, Position, Row, RunKind, Staged

_STAGED = """
CREATE TEMPORARY TABLE staged (id {key} PRIMARY KEY, document TEXT, ending TEXT NOT NULL)"""
_BATCH = """
CREATE TEMPORARY TABLE batch (number {integer} PRIMARY KEY, id {key} NOT NULL, document TEXT)"""
# The order of the joins makes them fast: few rows are staged, and many are stored.
_DIFFERING = """
SELECT s.id, s.document, s.ending, r.document
FROM staged AS s LEFT JOIN {table}_records AS r ON r.tenant = :tenant AND r.id = s.id
WHERE r.document IS DISTINCT FROM s.document"""
_ABSENT = """
SELECT r.id FROM {table}_records AS r
WHERE r.tenant = :tenant AND NOT EXISTS (SELECT 1 FROM staged AS s WHERE s.id = r.id)"""
# In the order of characters, "0" follows "/", so this is the range of all IDs below the parent.
_STAGE_BELOW = """
INSERT INTO staged (id, document, ending)
SELECT r.id, NULL, :ending FROM batch AS b CROSS JOIN {table}_records AS r
WHERE r.tenant = :tenant AND r.id >= b.id || '/' AND r.id < b.id || '0'
ON CONFLICT (id) DO UPDATE SET document = NULL, ending = excluded.ending"""
_UNSTAGE_BELOW = """
UPDATE staged SET document = NULL, ending = :ending WHERE id IN (
  SELECT s.id FROM batch AS b CROSS JOIN staged AS s
  WHERE s.id >= b.id || '/' AND s.id < b.id || '0'
)"""
_DOCUMENTS = """
SELECT r.id, r.document FROM batch AS b CROSS JOIN {table}_records AS r
WHERE r.tenant = :tenant AND r.id = b.id"""
_END_VERSIONS = """
INSERT INTO {table}_history
  (tenant, id, from_run, valid_from, valid_to, run, ending, document)
SELECT r.tenant, r.id, r.run, f.at, :at, :run, :ending, r.document
FROM batch AS b CROSS JOIN {table}_records AS r CROSS JOIN runs AS f
WHERE r.tenant = :tenant AND r.id = b.id AND f.number = r.run
  AND r.document IS DISTINCT FROM b.document"""
# An object that exists again after it was `removed` was restored from the recycle bin.
_NOTE_PUT = """
INSERT INTO changes (tenant, collection, sequence, id, kind, run)
SELECT :tenant, :collection, :sequence + row_number() OVER (ORDER BY b.number), b.id,
  CASE WHEN r.id IS NOT NULL THEN 'updated' WHEN (
    SELECT h.ending FROM {table}_history AS h WHERE h.tenant = :tenant AND h.id = b.id
    ORDER BY h.run DESC, h.valid_from DESC LIMIT 1
  ) = 'removed' THEN 'restored' ELSE 'created' END, :run
FROM batch AS b LEFT JOIN {table}_records AS r ON r.tenant = :tenant AND r.id = b.id
WHERE r.document IS DISTINCT FROM b.document"""
_NOTE_END = """
INSERT INTO changes (tenant, collection, sequence, id, kind, run)
SELECT :tenant, :collection, :sequence + row_number() OVER (ORDER BY b.number), b.id, :ending, :run
FROM batch AS b CROSS JOIN {table}_records AS r WHERE r.tenant = :tenant AND r.id = b.id"""
_PUT = """
INSERT INTO {table}_records (tenant, id, run, document)
SELECT :tenant, id, :run, document FROM batch WHERE true
ON CONFLICT (tenant, id) DO UPDATE SET run = excluded.run, document = excluded.document
WHERE {table}_records.document IS DISTINCT FROM excluded.document"""
_DELETE = """
DELETE FROM {table}_records WHERE tenant = :tenant AND id IN (SELECT id FROM batch)"""
_FINISH = """
UPDATE runs SET created = :created, updated = :updated, ended = :ended, listing = :listing
WHERE number = :run"""
# A collection without a delta is compared each time. Of the comparisons that changed nothing, only
# the last one is kept.
_FORGET_IDLE = """
DELETE FROM runs WHERE tenant = :tenant AND collection = :collection AND number < :run
AND kind = 'comparison' AND created + updated + ended = 0"""
_SAVE = """
INSERT INTO links
  (tenant, collection, link, selected, run, checked, reconciled, rows, sequence)
VALUES (:tenant, :collection, :link, :selected, :run, :checked, :reconciled, :rows, :sequence)
ON CONFLICT (tenant, collection) DO UPDATE SET link = excluded.link, selected = excluded.selected,
  run = excluded.run, checked = excluded.checked, reconciled = excluded.reconciled,
  rows = excluded.rows, sequence = excluded.sequence"""
_COUNT = "SELECT count(*) FROM {table}_records WHERE tenant = :tenant"

_Keyed = TypeVar("_Keyed", Row, Staged)


class StoreChange:
    """
    The changes of one run; `Store.change` makes it, and commits it.

    In the first run of a collection there are no earlier versions. So `put` and `end` only change
    the current records then, and write neither history nor changes.

    Attributes:
        run: The number of the run.
        at: The time of the run: RFC 3339, UTC, with microseconds.
        first: Whether it is the first run of this collection and tenant.
        rows_before: How many records were current when the run began.
        created: How many records it has added so far.
        updated: How many records have got a new version.
        ended: How many records have ended.
    """

    def __init__(
        self,
        database: Database,
        tenant: int,
        collection: str,
        kind: RunKind,
        *,
        at: str,
        first: bool,
        before: Position | None,
        sequence: int,
    ) -> None:
        self._database = database
        self._table = STORED_COLLECTIONS[collection].table
        self._kind = kind
        self.first = first
        self.at = at
        self.rows_before = before.rows if before else 0
        self.created = self.updated = self.ended = 0
        self._before = before
        self._position = before or Position(None, ())
        self._sequence = sequence
        self._listing: str | None = None
        self._temporary: set[str] = set()
        self._walks: list[Generator[list[Record]]] = []
        self._key: dict[str, object] = {"tenant": tenant, "collection": collection}
        self.run = self._begin()

    def load(self, rows: Iterable[tuple[str, bytes | msgspec.Raw]]) -> None:
        """Add records, given as ID and document, in the first run; no ID may be added twice."""
        assert self.first, "what is stored already is compared, not loaded"
        tenant, run = self._key["tenant"], self.run
        records = [(tenant, id_, run, make_text(document)) for id_, document in rows]
        columns = ("tenant", "id", "run", "document")
        self._database.insert(f"{self._table}_records", columns, records)
        self.created += len(records)

    def replace(self, rows: Sequence[Row]) -> None:
        """Replace records that were loaded in this first run, or add them if they were not."""
        assert self.first, "a version that was committed is not replaced, but put"
        self._fill([(row.id, make_text(row.document)) for row in _take_last(rows)])
        self._execute(_PUT)

    def discard(self, ids: Sequence[str]) -> None:
        """Remove records that were loaded in this first run."""
        assert self.first, "a version that was committed is not discarded, but ended"
        self._fill([(id_, None) for id_ in dict.fromkeys(ids)])
        self._execute(_DELETE)

    def stage(self, rows: Sequence[Staged]) -> None:
        """Keep records that were read, for a comparison; a later record replaces one of its ID."""
        self._make_temporary("staged", _STAGED)
        self._database.upsert(
            "staged",
            ("id",),
            ("document", "ending"),
            [(row.id, _write(row.document), row.ending) for row in _take_last(rows)],
        )

    def unstage(self) -> None:
        """Forget all staged records."""
        self._make_temporary("staged", _STAGED)
        self._database.execute(f"{self._database.dialect.clear} staged")

    def differing(self) -> Iterator[list[Pair]]:
        """
        Yield the staged records that differ from the stored ones, some thousand at a time.

        The texts of the documents are compared. Records that the caller puts or ends meanwhile are
        not yielded again.
        """
        self._make_temporary("staged", _STAGED)
        for rows in self._walk(_DIFFERING):
            yield [Pair(id_, _encode(new), end, _encode(old)) for id_, new, end, old in rows]

    def absent(self) -> Iterator[list[str]]:
        """Yield the IDs of stored records that were not staged, some thousand at a time."""
        self._make_temporary("staged", _STAGED)
        for rows in self._walk(_ABSENT):
            yield [id_ for (id_,) in rows]

    def stage_below(self, parents: Sequence[str], ending: Ending) -> None:
        """Stage all edges of some parents, stored or staged before, as gone with this `ending`."""
        self._make_temporary("staged", _STAGED)
        self._fill([(id_, None) for id_ in dict.fromkeys(parents)])
        self._execute(_STAGE_BELOW, ending=ending)
        self._execute(_UNSTAGE_BELOW, ending=ending)

    def documents(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the stored documents of some IDs; IDs without a record are left out."""
        self._fill([(id_, None) for id_ in dict.fromkeys(ids)])
        rows = self._database.fetch(self._sql(_DOCUMENTS), self._key)
        return {id_: document.encode() for id_, document in rows}

    def put(self, rows: Sequence[Row]) -> None:
        """
        Write new versions of records; the earlier versions go into the history.

        A record whose document has the same text as the stored one is not changed.
        """
        self._fill([(row.id, make_text(row.document)) for row in _take_last(rows)])
        if not self.first:
            updated = self._execute(_END_VERSIONS, ending="updated")
            noted = self._execute(_NOTE_PUT, sequence=self._sequence)
            self._sequence += noted
            self.updated += updated
            self.created += noted - updated
        self._execute(_PUT)

    def end(self, ids: Sequence[str], ending: Ending) -> None:
        """
        End records: remove them, and put their last versions into the history.

        IDs without a record are ignored.
        """
        self._fill([(id_, None) for id_ in dict.fromkeys(ids)])
        if not self.first:
            self._execute(_END_VERSIONS, ending=ending)
            self._sequence += self._execute(_NOTE_END, ending=ending, sequence=self._sequence)
        ended = self._execute(_DELETE)
        if not self.first:
            self.ended += ended

    def save(self, position: Position) -> None:
        """Keep the link, the selected properties and the time of reconciliation of `position`."""
        self._position = position

    def note_listing(self, listing: bytes) -> None:
        """Keep a listing record, as JSON, with the run."""
        self._listing = listing.decode()

    def finish(self) -> None:
        """Write the results of the run; `Store.change` then commits it."""
        for walk in self._walks:
            # A table cannot be dropped while a query reads it.
            walk.close()
        for name in sorted(self._temporary):
            self._database.execute(f"DROP TABLE {name}")
        if self.first:
            # Counted, because loaded records may have been replaced or discarded.
            (self.created,) = self._database.fetch(self._sql(_COUNT), self._key)[0]
            if analyze := self._database.dialect.analyze:
                self._database.execute(f"{analyze} {self._table}_records")
        counts = {"created": self.created, "updated": self.updated, "ended": self.ended}
        run = self.run
        if self._before is None or any(counts.values()):
            self._execute(_FINISH, **counts, listing=self._listing)
        else:
            run = self._before.run
            if self._kind == "round":
                self._execute("DELETE FROM runs WHERE number = :run")
            else:
                self._execute(_FINISH, **counts, listing=self._listing)
                self._execute(_FORGET_IDLE)
        rows = self.rows_before + self.created - self.ended
        position = self._position._replace(run=run, checked=self.at, rows=rows)
        write_position(self._database, self._key, position, self._sequence)

    def _begin(self) -> int:
        values = self._key | {"kind": self._kind, "at": self.at}
        sql = (
            "INSERT INTO runs (tenant, collection, kind, at, created, updated, ended) "
            "VALUES (:tenant, :collection, :kind, :at, 0, 0, 0) RETURNING number"
        )
        return int(self._database.fetch(sql, values)[0][0])

    def _fill(self, rows: Sequence[tuple[str, str | None]]) -> None:
        """Write rows of ID and document into the table `batch`, for the next statement."""
        self._make_temporary("batch", _BATCH)
        self._database.execute(f"{self._database.dialect.clear} batch")
        numbers = count(1)
        self._database.insert(
            "batch", ("number", "id", "document"), [(next(numbers), *row) for row in rows]
        )

    def _make_temporary(self, name: str, statement: str) -> None:
        if name not in self._temporary:
            self._database.execute(statement.format(**self._database.dialect.words))
            self._temporary.add(name)

    def _execute(self, sql: str, **values: object) -> int:
        own = {"at": self.at, "run": self.run}
        return self._database.execute(self._sql(sql), self._key | own | values)

    def _walk(self, sql: str) -> Iterator[list[Record]]:
        walk = self._database.walk(self._sql(sql), self._key)
        self._walks.append(walk)
        return walk

    def _sql(self, sql: str) -> str:
        return sql.format(table=self._table)


def write_position(
    database: Database, key: dict[str, object], position: Position, sequence: int
) -> None:
    """
    Write how far a collection of a tenant has been followed.

    Args:
        database: The database, in a transaction.
        key: `tenant`, the number of the tenant, and `collection`.
        position: What is written.
        sequence: The number of the last change of the collection.
    """
    values = position._asdict() | {
        "selected": msgspec.json.encode(position.selected).decode(),
        "sequence": sequence,
    }
    database.execute(_SAVE, key | values)


def _take_last(rows: Sequence[_Keyed]) -> list[_Keyed]:
    """Return one row for each ID, the last."""
    return list({row.id: row for row in rows}.values())


def _write(document: bytes | None) -> str | None:
    return None if document is None else make_text(document)


def _encode(document: str | None) -> bytes | None:
    return None if document is None else document.encode()
