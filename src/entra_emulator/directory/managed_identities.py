"""The managed identities of the pretend machine."""

from entra_emulator.clock import format_iso
from entra_emulator.directory.objects import Objects
from entra_emulator.directory.store import Store
from entra_emulator.directory.tenants import Tenants
from entra_emulator.model.applications import draft_managed_identity
from entra_emulator.model.records import Application, ManagedIdentity, Tenant


class ManagedIdentities:
    """Service principals without an application, whose tokens the machine gets by itself."""

    def __init__(self, store: Store, tenants: Tenants, objects: Objects) -> None:
        self._store = store
        self._tenants, self._objects = tenants, objects

    def add(self, tenant: Tenant, name: str, resource_id: str | None = None) -> Application:
        """
        The service principal of a new managed identity.

        A user-assigned one has an Azure resource ID. Without that it is the machine's own,
        system-assigned, of which there is one.

        Raises:
            ValueError: there is such an identity already.
        """
        record = draft_managed_identity(
            self._store.new_id(),
            self._store.new_id(),
            name,
            created=format_iso(self._store.clock.now()),
            owner=tenant.id,
            resource_id=resource_id,
        )
        # Azure compares resource IDs without regard to case.
        taken = {one.resource_id and one.resource_id.lower() for one in self.list_all()}
        if (resource_id and resource_id.lower()) in taken:
            raise ValueError(f"the machine has {resource_id or 'its own identity'} already")
        with self._store.writing() as connection:
            self._objects.create(tenant, "servicePrincipal", record)
            connection.execute(
                "INSERT INTO machine (app_id, object_id, tenant, resource_id) VALUES (?, ?, ?, ?)",
                (record["appId"], record["id"], tenant.number, resource_id),
            )
        return Application(record)

    def list_all(self) -> list[ManagedIdentity]:
        """Every managed identity, in no order."""
        tenants = {tenant.number: tenant for tenant in self._tenants.list_all()}
        rows = self._store.read("SELECT app_id, object_id, tenant, resource_id FROM machine")
        return [
            ManagedIdentity(app_id, object_id, tenants[number], resource_id)
            for app_id, object_id, number, resource_id in rows
        ]
