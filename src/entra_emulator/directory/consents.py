"""Who holds which permission: app role assignments and consent to scopes, one by one."""

import base64
import binascii
from uuid import UUID

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.object_rows import Found
from entra_emulator.directory.role_members import People
from entra_emulator.model.applications import draft_assignment
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record, Tenant

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode

# Of deleted principals and resources the rows stay, so that they come back with them.
_LIVE = (
    "EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.{0} AND o.tenant = a.tenant) "
    "AND EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.{1} AND o.tenant = a.tenant)"
)


class Grants(People):
    """What `Directory` knows of permissions that users, groups and applications hold."""

    def assignments(
        self, tenant: Tenant, *, principal: str | None = None, resource: str | None = None
    ) -> list[Record]:
        """The app role assignments of a principal, or of a resource, by object ID."""
        column, key = ("principal", principal) if resource is None else ("resource", resource)
        rows = self._store.read(
            f"SELECT a.doc FROM assignment AS a WHERE a.tenant = ? AND a.{column} = ? "  # noqa: S608 - names of ours
            f"AND {_LIVE.format('principal', 'resource')}",
            (tenant.number, key),
        )
        return [_decode(doc) for (doc,) in rows]

    def find_assignment(self, tenant: Tenant, assignment_id: str) -> Record | None:
        """
        The app role assignment of this ID, which begins with its principal's.

        Raises:
            ValueError: it cannot be such an ID.
        """
        principal, *_ = _split(assignment_id, 2)
        held = self.assignments(tenant, principal=principal)
        return next((one for one in held if one["id"] == assignment_id), None)

    def assign(self, tenant: Tenant, principal: Found, resource: Record, role: Record) -> Record:
        """
        Give an app role of the resource to a user, a group or a service principal.

        Raises:
            ValueError: it has the role already.
        """
        doc = draft_assignment(
            _decode(principal.doc),
            resource,
            role["id"],
            created=format_iso(self.clock.now(), 7),
            kind=KINDS[principal.kind].resource,
        )
        key = (tenant.number, doc["principalId"], doc["resourceId"], doc["appRoleId"])
        with self._store.writing() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO assignment (tenant, principal, resource, role, value, doc) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*key, role["value"] or "", _encode(doc)),
            )
            if not made.rowcount:
                raise ValueError(f"{doc['principalDisplayName']} has that app role already")
        return doc

    def unassign(self, tenant: Tenant, assignment: Record) -> None:
        """Take an app role away."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM assignment "
                "WHERE tenant = ? AND principal = ? AND resource = ? AND role = ?",
                (
                    tenant.number,
                    assignment["principalId"],
                    assignment["resourceId"],
                    assignment["appRoleId"],
                ),
            )

    def find_grant(self, tenant: Tenant, grant_id: str) -> Record | None:
        """The consent to scopes of this ID, which is made of the IDs that it connects."""
        return next((one for one in self.scope_grants(tenant) if one["id"] == grant_id), None)

    def add_grant(
        self, tenant: Tenant, client: str, resource: str, user: str | None, scope: str
    ) -> Record:
        """
        Let a service principal act for a user at a resource, or for everybody.

        Raises:
            ValueError: there is such a grant already.
        """
        with self._store.writing() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO delegation (tenant, client, resource, user, scope) "
                "VALUES (?, ?, ?, ?, ?)",
                (tenant.number, client, resource, user or "", scope),
            )
            if not made.rowcount:
                raise ValueError(f"{client} has a grant for {resource} already")
            grants = self.scope_grants(tenant)
        key = (client, resource, user)
        return next(
            one for one in grants if (one["clientId"], one["resourceId"], one["principalId"]) == key
        )

    def set_grant(self, tenant: Tenant, grant: Record, scope: str | None) -> None:
        """Give a consent other scopes; None takes it back."""
        key = (tenant.number, grant["clientId"], grant["resourceId"], grant["principalId"] or "")
        where = "WHERE tenant = ? AND client = ? AND resource = ? AND user = ?"
        with self._store.writing() as connection:
            if scope is None:
                connection.execute(f"DELETE FROM delegation {where}", key)  # noqa: S608 - names of ours
            else:
                connection.execute(
                    f"UPDATE delegation SET scope = ? {where}",  # noqa: S608 - names of ours
                    (scope, *key),
                )

    def _forget(self, tenant: Tenant, found: Found) -> None:
        """Remove the permissions of an object that is gone for ever, and those to use it."""
        object_id = str(_decode(found.doc)["id"])
        with self._store.writing() as connection:
            for table, columns in (
                ("assignment", ("principal", "resource")),
                ("delegation", ("client", "resource", "user")),
            ):
                for column in columns:
                    connection.execute(
                        f"DELETE FROM {table} WHERE tenant = ? AND {column} = ?",  # noqa: S608 - names of ours
                        (tenant.number, object_id),
                    )
            super()._forget(tenant, found)


def _split(text: str, parts: int) -> list[str]:
    """The GUIDs in an unpadded base64url ID."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{text!r} is no ID of an assignment") from error
    if len(raw) != 16 * parts:
        raise ValueError(f"{text!r} is no ID of an assignment")
    return [str(UUID(bytes_le=raw[at : at + 16])) for at in range(0, len(raw), 16)]
