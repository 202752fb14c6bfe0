"""
Directory objects of every type: made, found and changed, one by one.

An object has one row, with the summary that lists show, and one whole document.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from entra_emulator.directory.changes import Change, Changes
from entra_emulator.directory.representation import ObjectRow, render
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

# The summary of an object `o`, in SQL; the column is called `face`.
SUMMARY = "coalesce(o.face, (SELECT doc FROM document AS f WHERE f.seq = o.seq))"

# An alias's place is the object's number times this, plus its own: more would run into the next
# object's, and another factor would misread the databases that there are.
ALIASES = 1024


class StoredObject(NamedTuple):
    """
    An object as the store has it.

    Args:
        kind: its type, a key of `KINDS`.
        seq: its number.
        doc: its document, in JSON.
    """

    kind: str
    seq: int
    doc: bytes


class Objects:
    """
    The objects that are not deleted, whatever their type.

    An object is found by its ID, its key (see `KINDS`), or the number that the
    store gave it, which is what links and page positions hold.
    """

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store, self._changes = store, changes

    def fill(self, tenant: Tenant, kind: str, records: Iterable[Record]) -> range:
        """
        Fill the directory with objects, in the order they are to be listed; their numbers.

        IDs and unique keys must be new. Delta queries are told of no change.
        """
        return self.fill_rows(tenant, kind, (render(kind, record) for record in records))

    def fill_rows(self, tenant: Tenant, kind: str, rows: Iterable[ObjectRow]) -> range:
        """Fill the directory with objects that are rendered already; their numbers."""
        number = KINDS[kind].number
        with self._store.writing() as connection:
            first = last = self.next_number() - 1
            for batch in _batch(rows):
                numbered = list(enumerate(batch, last + 1))
                last += len(numbered)
                connection.executemany(
                    "INSERT INTO object (tenant, kind, seq, id, key, name, face, core, brief) "  # noqa: S608 - names of ours
                    f"VALUES ({tenant.number}, {number}, ?, ?, ?, ?, ?, ?, ?)",
                    [(seq, *row[:4], row.core, row.brief) for seq, row in numbered],
                )
                connection.executemany(
                    "INSERT INTO document (seq, doc) VALUES (?, ?)",
                    [(seq, row.doc) for seq, row in numbered],
                )
                self._add_aliases(tenant, kind, numbered)
        return range(first + 1, last + 1)

    def next_number(self) -> int:
        """The number that the next object gets."""
        # The sequence, not the greatest row: a purged object's number is not given again.
        rows = self._store.read("SELECT seq FROM sqlite_sequence WHERE name = 'document'")
        return int(rows[0][0]) + 1 if rows else 1

    def create(self, tenant: Tenant, kind: str, record: Record) -> StoredObject:
        """
        A new object.

        Raises:
            ValueError: another one of the tenant has its ID or unique key.
        """
        row = render(kind, record)
        with self._store.writing():
            # No index says this: of some types several objects may have one key.
            if self.find(tenant, row.id) or (
                KINDS[kind].unique and self.find(tenant, row.key, kind=kind)
            ):
                raise ValueError(f"there is a {kind} {row.key!r} already")
            (seq,) = self.fill_rows(tenant, kind, [row])
            change = Change(kind, seq, row.id, self._store.clock.now(), "created")
            self._changes.note(tenant, change)
        return StoredObject(kind, seq, row.doc)

    def find(self, tenant: Tenant, key: str, *, kind: str | None = None) -> StoredObject | None:
        """The object with this ID, or of one type by its key, in any case of letters."""
        objects = self._select(tenant, kind, "id", key.lower())
        if not objects and kind is not None:
            objects = self.find_each(tenant, kind, key)
        return objects[0] if objects else None

    def find_all(self, tenant: Tenant, kind: str, ids: Collection[str]) -> dict[str, StoredObject]:
        """Those of a type with these IDs, by ID; all of them in one reading."""
        marks = ", ".join("?" * len(ids))
        # The plus keeps SQLite from walking over every object of the type.
        rows = self._store.read(
            "SELECT o.id, o.seq, d.doc FROM object AS o CROSS JOIN document AS d ON d.seq = o.seq "  # noqa: S608 - question marks
            f"WHERE o.id IN ({marks}) AND o.tenant = ? AND +o.kind = ?",
            (*ids, tenant.number, KINDS[kind].number),
        )
        return {object_id: StoredObject(kind, seq, doc) for object_id, seq, doc in rows}

    def find_each(self, tenant: Tenant | None, kind: str, key: str) -> list[StoredObject]:
        """Every object of a type with this key, e.g. groups of one `mailNickname`."""
        return self._select(tenant, kind, "key", key.casefold())

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
            self._replace(tenant, kind, row)

    def rewrite(self, tenant: Tenant, kind: str, record: Record) -> None:
        """Put the record in the place of the one with its ID, and note what changed."""
        self._replace(tenant, kind, render(kind, record))

    def remove(self, tenant: Tenant, item: StoredObject) -> None:
        """Take an object out of its collection; its document stays for the recycle bin."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM object WHERE tenant = ? AND kind = ? AND seq = ?",
                (tenant.number, KINDS[item.kind].number, item.seq),
            )

    def put_back(self, tenant: Tenant, kind: str, seq: int, row: ObjectRow) -> None:
        """Put an object from the recycle bin into its collection, as it is rendered now."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO object (tenant, kind, seq, id, key, name, face, core, brief) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (tenant.number, KINDS[kind].number, seq, *row[:4], row.core, row.brief),
            )
            connection.execute("UPDATE document SET doc = ? WHERE seq = ?", (row.doc, seq))
            self._drop_aliases(seq)
            self._add_aliases(tenant, kind, [(seq, row)])

    def read_document(self, seq: int) -> bytes | None:
        """The document of the object of this number, in the recycle bin or not."""
        rows = self._store.read("SELECT doc FROM document WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def forget(self, seq: int) -> None:
        """Forget an object that is in no collection any more."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM document WHERE seq = ?", (seq,))
            self._drop_aliases(seq)

    def _select(
        self, tenant: Tenant | None, kind: str | None, column: str, value: str
    ) -> list[StoredObject]:
        """The objects whose `id` or `key` is `value`; None is any tenant, any type by ID."""
        place = "o.kind = :kind" if kind else "TRUE"
        tenants = ":tenant" if tenant is not None else "SELECT number FROM tenant"
        rows = self._store.read(
            "SELECT o.kind, o.seq, d.doc FROM object AS o "  # noqa: S608 - constants
            f"CROSS JOIN document AS d ON d.seq = o.seq WHERE o.{column} = :value "
            f"AND {place} AND o.tenant IN ({tenants})",
            {
                "value": value,
                "kind": KINDS[kind].number if kind else None,
                "tenant": tenant.number if tenant else None,
            },
        )
        return [StoredObject(BY_NUMBER[number].name, seq, doc) for number, seq, doc in rows]

    def _replace(self, tenant: Tenant, kind: str, row: ObjectRow) -> None:
        with self._store.writing() as connection:
            objects = self._select(tenant, kind, "id", row.id)
            # Writing the same again is no change, so that delta queries do not tell of it.
            if not objects or objects[0].doc == row.doc:
                return
            (before,) = objects
            connection.execute("UPDATE document SET doc = ? WHERE seq = ?", (row.doc, before.seq))
            connection.execute(
                "UPDATE object SET key = ?, name = ?, face = ?, core = ?, brief = ? "
                "WHERE tenant = ? AND kind = ? AND seq = ?",
                (*row[1:4], row.core, row.brief, tenant.number, KINDS[kind].number, before.seq),
            )
            self._drop_aliases(before.seq)
            self._add_aliases(tenant, kind, [(before.seq, row)])
            names, now = tuple(_compare(before.doc, row.doc)), self._store.clock.now()
            change = Change(kind, before.seq, row.id, now, "updated", names, before=before.doc)
            self._changes.note(tenant, change)

    def _add_aliases(
        self, tenant: Tenant, kind: str, numbered: Iterable[tuple[int, ObjectRow]]
    ) -> None:
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT INTO alias (place, tenant, kind, word) "  # noqa: S608 - numbers of ours
                f"VALUES (?, {tenant.number}, {KINDS[kind].number}, ?)",
                [
                    pair
                    for seq, row in numbered
                    for pair in enumerate(row.aliases[:ALIASES], seq * ALIASES)
                ],
            )

    def _drop_aliases(self, seq: int) -> None:
        """Forget what else an object is called."""
        with self._store.writing() as connection:
            span = (seq * ALIASES, seq * ALIASES + ALIASES - 1)
            connection.execute("DELETE FROM alias WHERE place BETWEEN ? AND ?", span)


def _compare(before: bytes, after: bytes) -> list[str]:
    """The properties in which two documents differ."""
    old, new = _split(before), _split(after)
    names = dict.fromkeys((*old, *new))
    return [name for name in names if bytes(old.get(name, b"")) != bytes(new.get(name, b""))]


def _batch(rows: Iterable[ObjectRow]) -> Iterator[list[ObjectRow]]:
    # A million rows drawn one by one must not stand in memory all at once.
    rest = iter(rows)
    while batch := list(islice(rest, 5000)):
        yield batch
