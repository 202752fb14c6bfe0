"""Objects on their way out: deleted, restored, and gone for ever after thirty days."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from entra_emulator.directory.changes import Change, Changes
from entra_emulator.directory.licences import Licences
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.representation import read_id, render
from entra_emulator.directory.store import Store
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

# "Deleted items remain available to restore for up to 30 days" (directory resource type).
RETENTION = 30 * 86_400.0


class DeletedObject(NamedTuple):
    """An object in the recycle bin, and when it went there (seconds since 1970)."""

    kind: str
    seq: int
    doc: bytes
    moment: float


class RecycleBin:
    """
    Deletes objects and keeps them for a while, with their numbers and links.

    A deleted user frees its licences and takes them again when it is restored. Each of the
    `forgetters` removes what one part of the directory keeps about an object that is gone for ever.
    """

    def __init__(
        self,
        store: Store,
        objects: Objects,
        changes: Changes,
        licences: Licences,
        forgetters: Sequence[Callable[[Tenant, StoredObject], None]],
    ) -> None:
        self._store = store
        self._objects, self._changes = objects, changes
        self._licences, self._forgetters = licences, forgetters

    def delete(self, tenant: Tenant, item: StoredObject, *, forever: bool = False) -> None:
        """Move an object to the recycle bin, or remove it with its links; free its licences."""
        values = (tenant.number, KINDS[item.kind].number, item.seq, read_id(item.doc))
        with self._store.writing() as connection:
            self._objects.remove(tenant, item)
            self._note(tenant, item, "purged" if forever else "deleted", before=item.doc)
            if forever:
                self._forget(tenant, item)
            else:
                connection.execute(
                    "INSERT INTO deleted (tenant, kind, seq, id, moment) VALUES (?, ?, ?, ?, ?)",
                    (*values, self._store.clock.now()),
                )
            self._licences.release(tenant, item)

    def delete_application(self, tenant: Tenant, application: StoredObject) -> None:
        """Move an application to the recycle bin, and its service principal in its home too."""
        with self._store.writing():
            self.delete(tenant, application)
            # Other tenants keep theirs: "Deleting an application object also deletes its home
            # tenant service principal object" (Apps & service principals in Microsoft Entra ID).
            app_id = _decode(application.doc)["appId"]
            principal = self._objects.find(tenant, app_id, kind="servicePrincipal")
            if principal is not None:
                self.delete(tenant, principal)

    def restore(
        self, tenant: Tenant, item: DeletedObject, changes: Record | None = None
    ) -> StoredObject:
        """
        Bring an object back, with its number, its links and its licences, and with these changes.

        Raises:
            ValueError: another one has taken its unique key meanwhile.
        """
        row = render(item.kind, _decode(item.doc) | (changes or {}))
        with self._store.writing() as connection:
            # The key was free while the object was in the recycle bin.
            if KINDS[item.kind].unique and self._objects.find(tenant, row.key, kind=item.kind):
                raise ValueError(f"there is a {item.kind} {row.key!r} already")
            connection.execute("DELETE FROM deleted WHERE seq = ?", (item.seq,))
            self._objects.put_back(tenant, item.kind, item.seq, row)
            restored = StoredObject(item.kind, item.seq, row.doc)
            self._note(tenant, restored, "restored", before=row.doc)
            self._licences.reclaim(tenant, restored)
        return restored

    def purge(self, tenant: Tenant, item: DeletedObject) -> None:
        """Remove an object from the recycle bin for ever, with its links."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM deleted WHERE seq = ?", (item.seq,))
            gone = StoredObject(item.kind, item.seq, item.doc)
            self._note(tenant, gone, "purged", before=None)
            self._forget(tenant, gone)

    def has_expired(self, tenant: Tenant) -> bool:
        """Whether anything has been in the recycle bin for thirty days."""
        since = self._store.clock.now() - RETENTION
        statement = "SELECT 1 FROM deleted WHERE tenant = ? AND moment <= ? LIMIT 1"
        return bool(self._store.read(statement, (tenant.number, since)))

    def purge_expired(self, tenant: Tenant) -> None:
        """Remove for ever what has been in the recycle bin for thirty days."""
        since = self._store.clock.now() - RETENTION
        for item in self._select(tenant, "x.moment <= ? ORDER BY x.seq", since):
            self.purge(tenant, item)

    def find(self, tenant: Tenant, object_id: str) -> DeletedObject | None:
        """The object of this ID in the recycle bin."""
        return next(iter(self._select(tenant, "x.id = ?", object_id.lower())), None)

    def list_objects(
        self, tenant: Tenant, kind: str, *, after: int = 0, limit: int = -1
    ) -> list[DeletedObject]:
        """Up to `limit` objects of a type in the recycle bin, numbered above `after`."""
        condition = "x.kind = ? AND x.seq > ? ORDER BY x.seq LIMIT ?"
        return self._select(tenant, condition, KINDS[kind].number, after, limit)

    def _select(self, tenant: Tenant, condition: str, *values: object) -> list[DeletedObject]:
        """The tenant's deleted objects that meet an SQL condition."""
        rows = self._store.read(
            "SELECT x.kind, x.seq, d.doc, x.moment FROM deleted AS x CROSS JOIN document AS d "  # noqa: S608 - constants
            f"ON d.seq = x.seq WHERE x.tenant = ? AND {condition}",
            (tenant.number, *values),
        )
        return [DeletedObject(BY_NUMBER[number].name, *rest) for number, *rest in rows]

    def _note(self, tenant: Tenant, item: StoredObject, what: str, *, before: bytes | None) -> None:
        now, object_id = self._store.clock.now(), read_id(item.doc)
        change = Change(item.kind, item.seq, object_id, now, what, before=before)
        self._changes.note(tenant, change)

    def _forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Remove what is left of an object; its tombstone is in the journal."""
        with self._store.writing():
            for forget in self._forgetters:
                forget(tenant, gone)
            self._objects.forget(gone.seq)
