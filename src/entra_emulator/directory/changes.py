"""What changed in the directory, as delta queries and lagging replicas ask for it."""

from typing import NamedTuple

from entra_emulator.directory import change_rows
from entra_emulator.directory.change_rows import Change, ChangeRange
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Tenant


class ObjectState(NamedTuple):
    """
    What an object is like now.

    Args:
        doc: its document; None when it is gone for ever.
        deleted: it is in the recycle bin.
    """

    doc: bytes | None
    deleted: bool


class Changes:
    """The journal of changes, and the present state of what changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read_watermark(self) -> int:
        """The number of the last change."""
        return change_rows.read_watermark(self._store)

    def read_watermark_at(self, tenant: Tenant, moment: float) -> int:
        """The number of the last change known to a replica that stopped at this moment."""
        return change_rows.read_watermark_at(self._store, tenant.number, moment)

    def read_floor(self) -> int:
        """The number of the last change that is forgotten."""
        return change_rows.read_floor(self._store)

    def list_between(self, tenant: Tenant, kind: str, after: int, until: int) -> list[Change]:
        """The changes of a type behind number `after`, up to `until`, oldest first."""
        return change_rows.list_changes(self._store, tenant.number, kind, after, until)

    def list_since(self, tenant: Tenant, kind: str, since: float) -> list[Change]:
        """The changes of a type after this moment, oldest first."""
        return change_rows.list_recent(self._store, tenant.number, kind, since)

    def list_objects(
        self, tenant: Tenant, changes: ChangeRange, *, position: int, limit: int
    ) -> list[tuple[int, str, int]]:
        """Up to `limit` of (first change in the range, type, number), behind `position`."""
        return change_rows.list_changed(
            self._store, tenant.number, changes, position=position, limit=limit
        )

    def list_history(self, seq: int, until: int) -> list[Change]:
        """Every change of one object up to number `until`, oldest first."""
        return change_rows.list_history(self._store, seq, until)

    def read_state(self, tenant: Tenant, kind: str, seq: int) -> ObjectState:
        """What the object of this number is like now."""
        rows = self._store.read(
            "SELECT d.doc, EXISTS (SELECT 1 FROM deleted AS x WHERE x.tenant = :tenant "
            "AND x.kind = :kind AND x.seq = d.seq) FROM document AS d WHERE d.seq = :seq",
            {"tenant": tenant.number, "kind": KINDS[kind].number, "seq": seq},
        )
        if not rows:
            return ObjectState(None, deleted=False)
        return ObjectState(rows[0][0], bool(rows[0][1]))
