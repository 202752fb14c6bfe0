"""Directory objects of every type: made, changed, counted and read in order."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from entra_emulator.clock import Clock
from entra_emulator.directory import object_rows
from entra_emulator.directory.object_rows import (
    Documents,
    Joined,
    ObjectRow,
    Position,
    Span,
    StoredObject,
)
from entra_emulator.directory.representation import render
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class Objects:
    """
    The objects that are not deleted, whatever their type.

    An object is found by its ID, its key (see `KINDS`), or the number that the
    store gave it, which is what links and page positions hold.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def fill(self, tenant: Tenant, kind: str, records: Iterable[Record]) -> range:
        """
        Fill the directory with objects, in the order they are to be listed; their numbers.

        IDs and unique keys must be new. Delta queries are told of no change.
        """
        rows = (render(kind, record) for record in records)
        return self.fill_rows(tenant, kind, rows)

    def fill_rows(self, tenant: Tenant, kind: str, rows: Iterable[ObjectRow]) -> range:
        """Fill the directory with objects that are rendered already; their numbers."""
        return object_rows.insert(self._store, tenant.number, kind, rows)

    def next_number(self) -> int:
        """The number that the next object gets."""
        return object_rows.read_last(self._store) + 1

    def create(self, tenant: Tenant, kind: str, record: Record) -> StoredObject:
        """
        A new object.

        Raises:
            ValueError: another one of the tenant has its ID or unique key.
        """
        row = render(kind, record)
        with self._store.writing():
            if self.find(tenant, row.id) or (
                KINDS[kind].unique and self.find(tenant, row.key, kind=kind)
            ):
                raise ValueError(f"there is a {kind} {row.key!r} already")
            now = self._clock.now()
            (seq,) = object_rows.insert(self._store, tenant.number, kind, [row], moment=now)
        return StoredObject(kind, seq, row.doc)

    def find(self, tenant: Tenant, key: str, *, kind: str | None = None) -> StoredObject | None:
        """The object with this ID, or of one type by its key, in any case of letters."""
        objects = object_rows.find(self._store, tenant.number, kind, "id", key.lower())
        if not objects and kind is not None:
            objects = object_rows.find(self._store, tenant.number, kind, "key", key.casefold())
        return objects[0] if objects else None

    def update(self, tenant: Tenant, kind: str, object_id: str, changes: Record) -> None:
        """
        Set properties of an object; None clears one.

        Raises:
            LookupError: no such object.
            ValueError: another one has its unique key.
        """
        with self._store.writing():
            item = self.find(tenant, object_id, kind=kind)
            if item is None:
                raise LookupError(f"no {kind} {object_id!r} in tenant {tenant.display_name!r}")
            row = render(kind, _decode(item.doc) | changes)
            holder = self.find(tenant, row.key, kind=kind) if KINDS[kind].unique else None
            if holder is not None and holder.seq != item.seq:
                raise ValueError(f"there is a {kind} {row.key!r} already")
            object_rows.replace(self._store, tenant.number, kind, row, moment=self._clock.now())

    def count(self, tenant: Tenant, kind: str) -> int:
        """How many objects of this type the tenant has."""
        statement = "SELECT number FROM tally WHERE tenant = ? AND kind = ?"
        rows = self._store.read(statement, (tenant.number, KINDS[kind].number))
        return int(rows[0][0]) if rows else 0

    def read_rows(
        self,
        tenant: Tenant,
        kind: str,
        what: str = "face",
        span: Span = object_rows.EVERYTHING,
        *,
        after: Position | None = None,
        limit: int,
    ) -> list[tuple[str | None, int, bytes]]:
        """Up to `limit` (value, number, face or document) in the span's order, behind `after`."""
        return object_rows.read_rows(
            self._store, tenant.number, kind, what, span, after=after, limit=limit
        )

    def read_joined(
        self,
        tenant: Tenant,
        kind: str,
        what: str,
        span: Span = object_rows.EVERYTHING,
        *,
        after: Position | None = None,
        limit: int,
    ) -> Joined:
        """Up to `limit` contents in the span's order behind `after`, joined by commas."""
        return object_rows.read_joined(
            self._store, tenant.number, kind, what, span, after=after, limit=limit
        )

    def list_matching(
        self,
        tenant: Tenant,
        kind: str,
        match: Callable[[bytes], bool] | None,
        *,
        what: str = "doc",
        span: Span = object_rows.EVERYTHING,
        after: Position | None = None,
        limit: int,
    ) -> Documents:
        """
        The first `limit` documents that match, in the span's order behind `after`.

        `what` is "doc" or "brief"; None matches all.
        """
        return object_rows.list_matching(
            self._store, tenant.number, kind, match, what=what, span=span, after=after, limit=limit
        )

    def count_matching(
        self,
        tenant: Tenant,
        kind: str,
        match: Callable[[bytes], bool] | None,
        *,
        what: str = "doc",
        span: Span = object_rows.EVERYTHING,
    ) -> int:
        """How many objects of the span match by their documents, "doc" or "brief"."""
        number = tenant.number
        return object_rows.count_matching(self._store, number, kind, match, what=what, span=span)

    def scan(
        self,
        tenant: Tenant,
        kind: str,
        span: Span = object_rows.EVERYTHING,
        *,
        what: str = "doc",
        after: Position | None = None,
        chunk: int = 1000,
    ) -> Iterator[tuple[Position, bytes]]:
        """Every (position, document or face) in the span's order, behind `after`."""
        return object_rows.scan(
            self._store, tenant.number, kind, span, what=what, after=after, chunk=chunk
        )

    def read_document(self, seq: int) -> bytes | None:
        """The document of the object of this number, in the recycle bin or not."""
        return object_rows.read_document(self._store, seq)

    def rewrite(self, tenant: Tenant, kind: str, record: Record) -> None:
        """Put the record in the place of the one with its ID."""
        row = render(kind, record)
        object_rows.replace(self._store, tenant.number, kind, row, moment=self._clock.now())
