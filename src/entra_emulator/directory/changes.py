"""What `Directory` knows of what changed in it, as delta queries ask for it."""

from collections.abc import Collection
from typing import NamedTuple

from entra_emulator.directory import change_rows, link_rows
from entra_emulator.directory.change_rows import Change, Window
from entra_emulator.directory.link_rows import Reference
from entra_emulator.directory.tenants import Tenancy
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Tenant


class State(NamedTuple):
    """
    What an object is like now.

    Args:
        doc: its document; None when it is gone for ever.
        deleted: it is in the recycle bin.
    """

    doc: bytes | None
    deleted: bool


class History(Tenancy):
    """The journal of changes, and the present state of what changed."""

    def watermark(self) -> int:
        """The number of the last change."""
        return change_rows.read_watermark(self._store)

    def watermark_at(self, tenant: Tenant, moment: float) -> int:
        """The number of the last change that a replica knows which stopped at this moment."""
        return change_rows.read_watermark_at(self._store, tenant.number, moment)

    def floor(self) -> int:
        """The number of the last change that is forgotten."""
        return change_rows.read_floor(self._store)

    def changes(self, tenant: Tenant, kind: str, after: int, until: int) -> list[Change]:
        """The changes of a type behind number `after`, up to `until`, oldest first."""
        return change_rows.list_changes(self._store, tenant.number, kind, after, until)

    def recent_changes(self, tenant: Tenant, kind: str, since: float) -> list[Change]:
        """The changes of a type after this moment, oldest first."""
        return change_rows.list_recent(self._store, tenant.number, kind, since)

    def changed_objects(
        self, tenant: Tenant, window: Window, *, position: int, limit: int
    ) -> list[tuple[int, str, int]]:
        """Up to `limit` of (first change in the window, type, number), behind `position`."""
        return change_rows.list_changed(
            self._store, tenant.number, window, position=position, limit=limit
        )

    def history(self, seq: int, until: int) -> list[Change]:
        """Every change of one object up to number `until`, oldest first."""
        return change_rows.list_history(self._store, seq, until)

    def state(self, tenant: Tenant, kind: str, seq: int) -> State:
        """What the object of this number is like now."""
        rows = self._store.read(
            "SELECT d.doc, EXISTS (SELECT 1 FROM deleted AS x WHERE x.tenant = :tenant "
            "AND x.kind = :kind AND x.seq = d.seq) FROM document AS d WHERE d.seq = :seq",
            {"tenant": tenant.number, "kind": KINDS[kind].number, "seq": seq},
        )
        return State(rows[0][0], bool(rows[0][1])) if rows else State(None, deleted=False)

    def references(
        self, tenant: Tenant, relation: str, seq: int, *, after: int, limit: int
    ) -> list[Reference]:
        """Up to `limit` objects that one is linked to, in the recycle bin or not, in order."""
        return link_rows.list_references(
            self._store, tenant.number, relation, seq, after=after, limit=limit
        )

    def linked(self, relation: str, seq: int, targets: Collection[int]) -> set[int]:
        """Those of the targets that an object is linked to."""
        return link_rows.find_linked(self._store, relation, seq, targets)
