"""
Who has which role, and for what: Graph's `unifiedRoleAssignment`.

Who has a built-in role for the whole tenant is a member of that directory role, so that it stands
in one place and both ways of writing it agree. All else has a table of its own.
"""

from collections.abc import Iterator

import msgspec

from entra_emulator.directory.links import LinkQuery, Links
from entra_emulator.directory.object_collections import Collections
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.role_members import RoleMembers
from entra_emulator.directory.store import Store
from entra_emulator.model.records import Record, Tenant
from entra_emulator.model.role_assignments import (
    EVERYWHERE,
    draft_role_assignment,
    find_scope_id,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode

# The rows of deleted principals and scopes stay, so that a restored one has its role again; until
# then nobody is shown them.
_LIVE = (
    "EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.principal AND o.tenant = a.tenant) AND "
    "(a.scope = '' OR EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.scope "
    "AND o.tenant = a.tenant))"
)


class RoleAssignments:
    """Reads and writes role assignments."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        collections: Collections,
        links: Links,
        role_members: RoleMembers,
    ) -> None:
        self._store, self._objects, self._collections = store, objects, collections
        self._links, self._role_members = links, role_members

    def list_all(self, tenant: Tenant) -> list[Record]:
        """Every role assignment: of the members of directory roles first, then the others by ID."""
        rows = self._store.read(
            f"SELECT a.doc FROM role_assignment AS a WHERE a.tenant = ? AND {_LIVE} ORDER BY a.id",  # noqa: S608 - constants
            (tenant.number,),
        )
        return [*self._list_members(tenant), *(_decode(doc) for (doc,) in rows)]

    def find(self, tenant: Tenant, assignment_id: str) -> Record | None:
        """The role assignment of this ID."""
        return next((one for one in self.list_all(tenant) if one["id"] == assignment_id), None)

    def add(self, tenant: Tenant, role: Record, principal: StoredObject, scope: str) -> Record:
        """
        Give somebody a role.

        Args:
            tenant: where.
            role: the role's definition.
            principal: the user, group or service principal.
            scope: `/` for the whole tenant, else `/{id}` or `/administrativeUnits/{id}`.

        Raises:
            ValueError: the principal has the role for this scope already.
        """
        assignment = draft_role_assignment(role["id"], read_id(principal.doc), scope)
        with self._store.writing() as connection:
            built_in = role["isBuiltIn"]
            directory_role = self._role_members.activate(tenant, role["id"]) if built_in else None
            if directory_role is not None and scope == EVERYWHERE:
                added = self._links.add(tenant, "members", directory_role, principal)
            else:
                added = bool(
                    connection.execute(
                        "INSERT OR IGNORE INTO role_assignment "
                        "(tenant, id, role, principal, scope, doc) VALUES (?, ?, ?, ?, ?, ?)",
                        (
                            tenant.number,
                            assignment["id"],
                            role["id"],
                            assignment["principalId"],
                            find_scope_id(scope),
                            _encode(assignment),
                        ),
                    ).rowcount
                )
        if not added:
            raise ValueError(f"{assignment['principalId']} has the role already")
        return assignment

    def remove(self, tenant: Tenant, assignment: Record) -> None:
        """Take a role away."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM role_assignment WHERE tenant = ? AND id = ?",
                (tenant.number, assignment["id"]),
            )
            role = self._objects.find(tenant, assignment["roleDefinitionId"], kind="directoryRole")
            principal = self._objects.find(tenant, assignment["principalId"])
            if role and principal and assignment["directoryScopeId"] == EVERYWHERE:
                self._links.remove(tenant, "members", role, principal)

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Remove the assignments of, and for, an object that is gone for ever."""
        object_id = read_id(gone.doc)
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM role_assignment WHERE tenant = ? AND (principal = ? OR scope = ?)",
                (tenant.number, object_id, object_id),
            )

    def _list_members(self, tenant: Tenant) -> Iterator[Record]:
        for position, doc in self._collections.scan(tenant, "directoryRole"):
            template = _decode(doc)["roleTemplateId"]
            for member in self._links.list_neighbours(tenant, LinkQuery("members", position.seq)):
                yield draft_role_assignment(template, read_id(member.doc), EVERYWHERE)
