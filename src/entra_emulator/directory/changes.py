"""
The journal of changes of the directory, for delta queries and for replicas that lag behind.

Filling a new directory is not a change. Changes older than KEEP are forgotten.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Tenant

# Seconds. Delta links of directory objects live for seven days ("Use delta query to track changes
# in Microsoft Graph data"); the rest is for tests that move the clock.
KEEP = 30 * 86_400.0

# Only one change in so many checks what is to be forgotten, so that the others are not slowed down.
SWEEP = 1000


class Change(NamedTuple):
    """
    One change of one object.

    Args:
        kind: the object's type.
        seq: the object's number.
        id: the object's ID, which is still known after the object was deleted.
        moment: seconds since 1970.
        what: "created", "updated", "deleted", "restored", "purged", "linked" or "unlinked".
        names: the properties that changed; for links the relation.
        target: the number of the object at the other end of the link.
        before: the document before the change; None if the object did not exist, or was in the
            recycle bin. For links it is the reference to the other end, which is still known after
            that was deleted.
        number: its place in the order of all changes, given when it is stored.
    """

    kind: str
    seq: int
    id: str
    moment: float
    what: str
    names: tuple[str, ...] = ()
    target: int | None = None
    before: bytes | None = None
    number: int = 0


class ChangeRange(NamedTuple):
    """
    The changes after number `after`, up to `until`.

    Args:
        after: the number of the last change before the range.
        until: the number of the last change in the range.
        kinds: the types of the changed objects.
        ids: the IDs of the only changed objects; empty for all.
    """

    after: int
    until: int
    kinds: Sequence[str]
    ids: Collection[str] = ()


class ObjectState(NamedTuple):
    """
    The present state of an object.

    Args:
        doc: its document; None if it was deleted for good.
        deleted: whether it is in the recycle bin.
    """

    doc: bytes | None
    deleted: bool


class Changes:
    """The journal of changes, and the present state of changed objects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # The changes of the transaction that is under way.
        self._noted: list[tuple[Tenant, Change]] = []
        store.after_rollback.append(self._noted.clear)
        # The changes so far of each thread that collects them.
        self._collected = threading.local()

    @contextmanager
    def collecting(self) -> Iterator[list[Change]]:
        """The changes that this thread notes in the block, including those that are rolled back."""
        changes: list[Change] = []
        self._collected.changes = changes
        try:
            yield changes
        finally:
            del self._collected.changes

    def take_noted(self) -> list[tuple[Tenant, Change]]:
        """The changes of this transaction that nobody has taken yet, without their documents."""
        noted, self._noted[:] = [*self._noted], ()
        return noted

    def note(self, tenant: Tenant, change: Change) -> None:
        """Add a change to the journal."""
        number, names = KINDS[change.kind].number, " ".join(change.names)
        self._noted.append((tenant, change._replace(before=None)))
        getattr(self._collected, "changes", []).append(change)
        with self._store.writing() as connection:
            place = connection.execute(
                "INSERT INTO change (tenant, kind, seq, id, moment, what, names, target, before) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (tenant.number, number, *change[1:5], names, change.target, change.before),
            ).lastrowid
        if place is not None and place % SWEEP == 0:
            self._forget_before(change.moment - KEEP)

    def read_watermark(self) -> int:
        """The number of the last change, 0 before the first."""
        # The sequence, not the greatest row: the last change may be forgotten already.
        rows = self._store.read("SELECT seq FROM sqlite_sequence WHERE name = 'change'")
        return int(rows[0][0]) if rows else 0

    def read_watermark_at(self, tenant: Tenant, moment: float) -> int:
        """The number of the tenant's last change up to this moment."""
        rows = self._store.read(
            "SELECT number FROM change WHERE tenant = ? AND moment > ? ORDER BY number LIMIT 1",
            (tenant.number, moment),
        )
        return int(rows[0][0]) - 1 if rows else self.read_watermark()

    def read_floor(self) -> int:
        """The number of the last change that was forgotten."""
        ((oldest,),) = self._store.read("SELECT min(number) FROM change")
        return self.read_watermark() if oldest is None else int(oldest) - 1

    def list_objects(
        self, tenant: Tenant, changes: ChangeRange, *, position: int, limit: int
    ) -> list[tuple[int, str, int]]:
        """Up to `limit` objects changed in the range: (first change there, type, number)."""
        numbers = [KINDS[kind].number for kind in changes.kinds]
        # For several types SQLite would sort what the index on the type gives; the table itself is
        # in the order of numbers.
        hint = "" if len(numbers) == 1 else "NOT INDEXED"
        chosen = f"AND c.id IN ({_mark(changes.ids)})" if changes.ids else ""
        rows = self._store.read(
            f"SELECT c.number, c.kind, c.seq FROM change AS c {hint} "  # noqa: S608 - constants
            f"WHERE c.tenant = ? AND c.kind IN ({_mark(numbers)}) "
            f"AND c.number > ? AND c.number <= ? {chosen} "
            "AND NOT EXISTS (SELECT 1 FROM change AS e WHERE e.seq = c.seq "
            "AND e.number > ? AND e.number < c.number) ORDER BY c.number LIMIT ?",
            (
                tenant.number,
                *numbers,
                max(position, changes.after),
                changes.until,
                *changes.ids,
                changes.after,
                limit,
            ),
        )
        return [(place, BY_NUMBER[number].name, seq) for place, number, seq in rows]

    def list_histories(self, seqs: Collection[int], until: int) -> dict[int, list[Change]]:
        """
        Every change of each of these objects up to number `until`, oldest first.

        `before` is read only for changes of links, because whole documents are not needed here.
        """
        histories: dict[int, list[Change]] = {seq: [] for seq in seqs}
        condition = f"seq IN ({_mark(seqs)}) AND number <= ?"
        before = "CASE WHEN target IS NOT NULL THEN before END"
        for change in self._select(condition, *seqs, until, order="seq, number", before=before):
            histories[change.seq].append(change)
        return histories

    def list_between(self, tenant: Tenant, kind: str, after: int, until: int) -> list[Change]:
        """The changes of a type behind number `after`, up to `until`, oldest first."""
        condition = "tenant = ? AND kind = ? AND number > ? AND number <= ?"
        return self._select(condition, tenant.number, KINDS[kind].number, after, until)

    def list_since(self, tenant: Tenant, kind: str, since: float) -> list[Change]:
        """The changes of a type after this moment, oldest first."""
        condition = "tenant = ? AND kind = ? AND moment > ?"
        return self._select(condition, tenant.number, KINDS[kind].number, since)

    def read_state(self, tenant: Tenant, kind: str, seq: int) -> ObjectState:
        """The present state of the object with this number."""
        return self.read_states(tenant, [kind], [seq])[seq]

    def read_states(
        self, tenant: Tenant, kinds: Collection[str], seqs: Collection[int]
    ) -> dict[int, ObjectState]:
        """The present state of each of these objects, which have these types."""
        numbers = [KINDS[kind].number for kind in kinds]
        rows = self._store.read(
            "SELECT d.seq, d.doc, EXISTS (SELECT 1 FROM deleted AS x WHERE x.tenant = ? "  # noqa: S608 - question marks
            f"AND x.kind IN ({_mark(numbers)}) AND x.seq = d.seq) "
            f"FROM document AS d WHERE d.seq IN ({_mark(seqs)})",
            (tenant.number, *numbers, *seqs),
        )
        states = {seq: ObjectState(doc, bool(deleted)) for seq, doc, deleted in rows}
        return dict.fromkeys(seqs, ObjectState(None, deleted=False)) | states

    def _select(
        self, condition: str, *values: object, order: str = "number", before: str = "before"
    ) -> list[Change]:
        """The changes that meet an SQL condition, oldest first unless in another `order`."""
        rows = self._store.read(
            f"SELECT kind, seq, id, moment, what, names, target, {before}, number FROM change "  # noqa: S608 - constants
            f"WHERE {condition} ORDER BY {order}",
            values,
        )
        return [
            Change(BY_NUMBER[kind].name, seq, object_id, moment, what, tuple(names.split()), *rest)
            for kind, seq, object_id, moment, what, names, *rest in rows
        ]

    def _forget_before(self, moment: float) -> None:
        """Forget every change before the oldest one since this moment."""
        # By number, not by moment: the clock can be moved back, and what is forgotten must be the
        # journal's beginning, or `read_floor` would not tell where it starts.
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM change WHERE number < "
                "(SELECT number FROM change WHERE moment >= ? ORDER BY number LIMIT 1)",
                (moment,),
            )


def _mark(values: Collection[object]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" * len(values))
