"""Directory objects of every type: made, changed, deleted, linked, looked for."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from entra_emulator.directory import change_rows, link_rows, object_rows
from entra_emulator.directory.change_rows import Change
from entra_emulator.directory.changes import History
from entra_emulator.directory.link_rows import Links, Neighbour
from entra_emulator.directory.object_rows import Documents, Found, Joined, Position, Span
from entra_emulator.directory.representation import read_id, render, render_reference
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

# "Deleted items remain available to restore for up to 30 days" (directory resource type).
RETENTION = 30 * 86_400.0


class Deleted(NamedTuple):
    """An object in the recycle bin, and when it went there (seconds since 1970)."""

    kind: str
    seq: int
    doc: bytes
    moment: float


class Objects(History):
    """
    What `Directory` knows of objects whatever their type.

    An object is found by its ID, its key (see `KINDS`), or the number that the
    store gave it, which is what links and page positions hold.
    """

    def add_objects(self, tenant: Tenant, kind: str, records: Iterable[Record]) -> range:
        """
        Fill the directory with objects, in the order they are to be listed; their numbers.

        IDs and unique keys must be new. Delta queries are told of no change.
        """
        rows = (render(kind, record) for record in records)
        return object_rows.insert(self._store, tenant.number, kind, rows)

    def add_links(
        self, relation: str, source_kind: str, target_kind: str, pairs: Iterable[tuple[int, int]]
    ) -> None:
        """Fill the directory with links between objects given by number."""
        link_rows.add_links(self._store, relation, source_kind, target_kind, pairs)

    def create(self, tenant: Tenant, kind: str, record: Record) -> Found:
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
            now = self.clock.now()
            (seq,) = object_rows.insert(self._store, tenant.number, kind, [row], moment=now)
        return Found(kind, seq, row.doc)

    def find(self, tenant: Tenant, key: str, *, kind: str | None = None) -> Found | None:
        """The object with this ID, or of one type by its key, in any case of letters."""
        found = object_rows.find(self._store, tenant.number, kind, "id", key.lower())
        if not found and kind is not None:
            found = object_rows.find(self._store, tenant.number, kind, "key", key.casefold())
        return found[0] if found else None

    def update(self, tenant: Tenant, kind: str, object_id: str, changes: Record) -> None:
        """
        Set properties of an object; None clears one.

        Raises:
            LookupError: no such object.
            ValueError: another one has its unique key.
        """
        with self._store.writing():
            found = self.find(tenant, object_id, kind=kind)
            if found is None:
                raise LookupError(f"no {kind} {object_id!r} in tenant {tenant.display_name!r}")
            row = render(kind, _decode(found.doc) | changes)
            holder = self.find(tenant, row.key, kind=kind) if KINDS[kind].unique else None
            if holder is not None and holder.seq != found.seq:
                raise ValueError(f"there is a {kind} {row.key!r} already")
            object_rows.replace(self._store, tenant.number, kind, row, moment=self.clock.now())

    def delete(self, tenant: Tenant, found: Found, *, forever: bool = False) -> None:
        """Move an object to the recycle bin, or remove it with its links."""
        object_id = read_id(found.doc)
        with self._store.writing() as connection:
            now = self.clock.now()
            object_rows.remove(self._store, tenant.number, found.kind, found.seq)
            self._note(tenant, found, object_id, "purged" if forever else "deleted")
            if forever:
                self._forget(tenant, found)
                return
            connection.execute(
                "INSERT INTO deleted (tenant, kind, seq, id, moment) VALUES (?, ?, ?, ?, ?)",
                (tenant.number, KINDS[found.kind].number, found.seq, object_id, now),
            )

    def restore_deleted(
        self, tenant: Tenant, item: Deleted, changes: Record | None = None
    ) -> Found:
        """
        Bring an object back from the recycle bin, with its number and its links.

        Args:
            tenant: whose it is.
            item: what to bring back.
            changes: properties that it is to have then.

        Raises:
            ValueError: another one has taken its unique key meanwhile.
        """
        row = render(item.kind, _decode(item.doc) | (changes or {}))
        with self._store.writing() as connection:
            if KINDS[item.kind].unique and self.find(tenant, row.key, kind=item.kind):
                raise ValueError(f"there is a {item.kind} {row.key!r} already")
            number = KINDS[item.kind].number
            connection.execute(
                "INSERT INTO object (tenant, kind, seq, id, key, name, face) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (tenant.number, number, item.seq, *row[:4]),
            )
            connection.execute("DELETE FROM deleted WHERE seq = ?", (item.seq,))
            connection.execute("UPDATE document SET doc = ? WHERE seq = ?", (row.doc, item.seq))
            found = Found(item.kind, item.seq, row.doc)
            self._note(tenant, found, row.id, "restored")
        return found

    def purge_deleted(self, tenant: Tenant, item: Deleted) -> None:
        """Remove an object from the recycle bin for ever, with its links."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM deleted WHERE seq = ?", (item.seq,))
            found = Found(item.kind, item.seq, item.doc)
            self._note(tenant, found, read_id(item.doc), "purged", shown=False)
            self._forget(tenant, found)

    def expire_deleted(self, tenant: Tenant) -> None:
        """Remove from the recycle bin what has been there for too long."""
        since = self.clock.now() - RETENTION
        rows = self._store.read(
            "SELECT x.kind, x.seq, d.doc, x.moment FROM deleted AS x CROSS JOIN document AS d "
            "ON d.seq = x.seq WHERE x.tenant = ? AND x.moment <= ? ORDER BY x.seq",
            (tenant.number, since),
        )
        for kind, seq, doc, moment in rows:
            self.purge_deleted(tenant, Deleted(BY_NUMBER[kind].name, seq, doc, moment))

    def find_deleted(self, tenant: Tenant, object_id: str) -> Deleted | None:
        """The object of this ID in the recycle bin."""
        rows = self._store.read(
            "SELECT x.kind, x.seq, d.doc, x.moment FROM deleted AS x JOIN document AS d "
            "USING (seq) WHERE x.id = ? AND x.tenant = ?",
            (object_id.lower(), tenant.number),
        )
        return Deleted(BY_NUMBER[rows[0][0]].name, *rows[0][1:]) if rows else None

    def list_deleted(
        self, tenant: Tenant, kind: str, *, after: int = 0, limit: int = -1
    ) -> list[Deleted]:
        """Up to `limit` objects of a type in the recycle bin, numbered above `after`."""
        rows = self._store.read(
            "SELECT x.seq, d.doc, x.moment FROM deleted AS x CROSS JOIN document AS d "
            "ON d.seq = x.seq WHERE x.tenant = ? AND x.kind = ? AND x.seq > ? "
            "ORDER BY x.seq LIMIT ?",
            (tenant.number, KINDS[kind].number, after, limit),
        )
        return [Deleted(kind, *row) for row in rows]

    def link(self, tenant: Tenant, relation: str, source: Found, target: Found) -> bool:
        """Link two objects; False when they were linked already."""
        with self._store.writing():
            pair = [(source.seq, target.seq)]
            if not link_rows.add_links(self._store, relation, source.kind, target.kind, pair):
                return False
            self._note_link(tenant, relation, source, target, "linked")
        return True

    def unlink(self, tenant: Tenant, relation: str, source: Found, target: Found) -> bool:
        """Unlink two objects; False when they were not linked."""
        with self._store.writing():
            ends = {"source": source.seq, "target": target.seq}
            if not link_rows.drop_links(self._store, relation=relation, **ends):
                return False
            self._note_link(tenant, relation, source, target, "unlinked")
        return True

    def neighbours(
        self,
        tenant: Tenant,
        links: Links,
        *,
        what: str = "doc",
        after: int = 0,
        limit: int = -1,
        back: bool = False,
    ) -> list[Neighbour]:
        """Up to `limit` linked objects numbered above `after`, or `back` below it."""
        return link_rows.list_linked(
            self._store, tenant.number, links, what=what, after=after, limit=limit, back=back
        )

    def count_neighbours(self, tenant: Tenant, links: Links, *, most: int = -1) -> int:
        """How many linked objects there are; nobody counts beyond `most`."""
        return link_rows.count_linked(self._store, tenant.number, links, most=most)

    def count(self, tenant: Tenant, kind: str) -> int:
        """How many objects of this type the tenant has."""
        statement = "SELECT number FROM tally WHERE tenant = ? AND kind = ?"
        rows = self._store.read(statement, (tenant.number, KINDS[kind].number))
        return int(rows[0][0]) if rows else 0

    def rows(
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

    def joined(
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

    def search(
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
        return object_rows.search(
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

    def document(self, seq: int) -> bytes | None:
        """The document of the object of this number, in the recycle bin or not."""
        rows = self._store.read("SELECT doc FROM document WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def _rewrite(self, tenant: Tenant, kind: str, record: Record) -> None:
        """Put the record in the place of the one with its ID."""
        row = render(kind, record)
        object_rows.replace(self._store, tenant.number, kind, row, moment=self.clock.now())

    def _note(
        self, tenant: Tenant, found: Found, object_id: str, what: str, *, shown: bool = True
    ) -> None:
        now, before = self.clock.now(), found.doc if shown else None
        change = Change(found.kind, found.seq, object_id, now, what, before=before)
        change_rows.note_change(self._store, tenant.number, change)

    def _note_link(
        self, tenant: Tenant, relation: str, source: Found, target: Found, what: str
    ) -> None:
        change = Change(
            source.kind,
            source.seq,
            read_id(source.doc),
            self.clock.now(),
            what,
            (relation,),
            target.seq,
            render_reference(target.kind, read_id(target.doc)),
        )
        change_rows.note_change(self._store, tenant.number, change)

    def _forget(self, tenant: Tenant, found: Found) -> None:
        """Remove what is left of an object; its tombstone is in the journal."""
        with self._store.writing() as connection:
            for relation, kind, seq in link_rows.list_sources(self._store, found.seq):
                doc = self.document(seq)
                assert doc is not None, "who has a link is there"
                self._note_link(tenant, relation, Found(kind, seq, doc), found, "unlinked")
            link_rows.drop_links(self._store, source=found.seq)
            link_rows.drop_links(self._store, target=found.seq)
            connection.execute("DELETE FROM document WHERE seq = ?", (found.seq,))
            object_rows.drop_aliases(self._store, found.seq)
