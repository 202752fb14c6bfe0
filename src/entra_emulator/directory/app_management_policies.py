"""App management policies: those of the tenant, and their assignments to applications."""

import msgspec

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.store import Store
from entra_emulator.model.app_management import DEFAULT_POLICY, draft_policy
from entra_emulator.model.records import Record, Tenant

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class AppManagementPolicies:
    """The default policy once it was changed, and those that are assigned to single objects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find_default(self, tenant: Tenant) -> Record | None:
        """The default policy; None while nobody has changed it."""
        return self._find(tenant, DEFAULT_POLICY)

    def list_all(self, tenant: Tenant) -> list[Record]:
        """Every policy but the default one, by ID."""
        rows = self._store.read(
            "SELECT doc FROM app_policy WHERE tenant = ? AND id <> ? ORDER BY id",
            (tenant.number, DEFAULT_POLICY),
        )
        return [_decode(doc) for (doc,) in rows]

    def find(self, tenant: Tenant, policy: str) -> Record | None:
        """The policy of this ID, in any case of letters; never the default one."""
        key = policy.lower()
        return None if key == DEFAULT_POLICY else self._find(tenant, key)

    def add(self, tenant: Tenant, properties: Record) -> Record:
        """A new policy, which applies to nothing yet."""
        policy = draft_policy(self._store.new_id(), properties)
        self.keep(tenant, policy)
        return policy

    def keep(self, tenant: Tenant, policy: Record) -> None:
        """Replace the policy with the same ID."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO app_policy (tenant, id, doc) VALUES (?, ?, ?)",
                (tenant.number, policy["id"], _encode(policy)),
            )

    def remove(self, tenant: Tenant, policy: Record) -> None:
        """Remove a policy; the default policy applies again to the objects that had it."""
        with self._store.writing() as connection:
            key = (tenant.number, policy["id"])
            connection.execute("DELETE FROM app_policy WHERE tenant = ? AND id = ?", key)
            connection.execute("DELETE FROM app_policy_holder WHERE tenant = ? AND policy = ?", key)

    def find_assigned(self, tenant: Tenant, object_id: str) -> Record | None:
        """The policy of an application or service principal, by object ID."""
        rows = self._store.read(
            "SELECT policy FROM app_policy_holder WHERE tenant = ? AND object = ?",
            (tenant.number, object_id),
        )
        return self._find(tenant, rows[0][0]) if rows else None

    def list_holders(self, tenant: Tenant, policy: Record) -> list[str]:
        """The object IDs of the applications and service principals that have the policy."""
        rows = self._store.read(
            "SELECT object FROM app_policy_holder WHERE tenant = ? AND policy = ? ORDER BY object",
            (tenant.number, policy["id"]),
        )
        return [object_id for (object_id,) in rows]

    def assign(self, tenant: Tenant, object_id: str, policy: Record) -> None:
        """
        Give an application or service principal a policy.

        Raises:
            ValueError: it has one, and only one can be assigned.
        """
        with self._store.writing() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO app_policy_holder (tenant, object, policy) VALUES (?, ?, ?)",
                (tenant.number, object_id, policy["id"]),
            )
            if not made.rowcount:
                raise ValueError(f"{object_id} has a policy already")

    def unassign(self, tenant: Tenant, object_id: str, policy: str) -> bool:
        """Take a policy from an object; False when it did not have it."""
        with self._store.writing() as connection:
            gone = connection.execute(
                "DELETE FROM app_policy_holder WHERE tenant = ? AND object = ? AND policy = ?",
                (tenant.number, object_id, policy.lower()),
            )
        return bool(gone.rowcount)

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Forget the policy of an object that was deleted for good."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM app_policy_holder WHERE tenant = ? AND object = ?",
                (tenant.number, read_id(gone.doc)),
            )

    def _find(self, tenant: Tenant, key: str) -> Record | None:
        rows = self._store.read(
            "SELECT doc FROM app_policy WHERE tenant = ? AND id = ?", (tenant.number, key)
        )
        return _decode(rows[0][0]) if rows else None
