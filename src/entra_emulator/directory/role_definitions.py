"""The roles that there are: Microsoft's, the same in every tenant, and each tenant's own."""

import msgspec

from entra_emulator.directory.store import Store
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.records import Record, Tenant
from entra_emulator.model.role_assignments import draft_built_in, draft_custom

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class RoleDefinitions:
    """Reads all role definitions, and writes the tenant's own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_all(self, tenant: Tenant) -> list[Record]:
        """Every role definition: the built-in ones first, then the tenant's own, by ID."""
        rows = self._store.read(
            "SELECT doc FROM role_definition WHERE tenant = ? ORDER BY id", (tenant.number,)
        )
        own = [_decode(doc) for (doc,) in rows]
        return [draft_built_in(*role) for role in ROLES.items()] + own

    def find(self, tenant: Tenant, role: str) -> Record | None:
        """The role definition of this ID, in any case of letters."""
        return next((one for one in self.list_all(tenant) if one["id"] == role.lower()), None)

    def add(self, tenant: Tenant, properties: Record) -> Record:
        """A new role definition of the tenant's own."""
        definition = draft_custom(self._store.new_id(), properties)
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO role_definition (tenant, id, doc) VALUES (?, ?, ?)",
                (tenant.number, definition["id"], _encode(definition)),
            )
        return definition

    def change(self, tenant: Tenant, definition: Record, changes: Record) -> None:
        """Give a role definition of the tenant's own other properties."""
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE role_definition SET doc = ? WHERE tenant = ? AND id = ?",
                (_encode(definition | changes), tenant.number, definition["id"]),
            )

    def remove(self, tenant: Tenant, definition: Record) -> None:
        """Remove a role definition of the tenant's own, and whoever has it has it no longer."""
        with self._store.writing() as connection:
            key = (tenant.number, definition["id"])
            connection.execute("DELETE FROM role_definition WHERE tenant = ? AND id = ?", key)
            connection.execute("DELETE FROM role_assignment WHERE tenant = ? AND role = ?", key)
