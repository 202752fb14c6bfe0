"""Consents: the app roles that applications have, and the scopes that users delegate to them."""

import base64
from collections.abc import Collection
from uuid import UUID

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.directory.applications import Applications
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.directory.service_principals import ServicePrincipals
from entra_emulator.directory.store import Store
from entra_emulator.directory.users import Users
from entra_emulator.model.app_roles import DEFAULT_ACCESS, find_role
from entra_emulator.model.applications import GRAPH_APP_ID, draft_assignment
from entra_emulator.model.first_party_apps import list_preauthorized
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Application, Record, Tenant

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode

# Stands for the ID of a user. NULL cannot: in SQLite's keys all NULLs are different, so that the
# same grant for everybody could be stored twice.
EVERYBODY = ""

# The rows of deleted principals and resources are kept, so that a restored one has its permissions
# again; until then they are not shown.
_LIVE = (
    "EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.{0} AND o.tenant = a.tenant) "
    "AND EXISTS (SELECT 1 FROM object AS o WHERE o.id = a.{1} AND o.tenant = a.tenant)"
)


class Consents:
    """
    App role assignments and scope grants (Graph's `oauth2PermissionGrant`).

    Without a user an application acts by the app roles assigned to it; for a user it acts by the
    scopes that the user, or an administrator for everybody, has granted.
    """

    def __init__(
        self,
        store: Store,
        applications: Applications,
        service_principals: ServicePrincipals,
        users: Users,
    ) -> None:
        self._store, self._users = store, users
        self._applications, self._service_principals = applications, service_principals

    def grant_admin_consent(self, tenant: Tenant, app_id: str) -> list[str]:
        """
        Grant every app role that the application requests; return the values of all of them.

        The first consent of a foreign multi-tenant application makes its
        service principal here.

        Raises:
            LookupError: no such application, or it is for its own tenant only.
        """
        with self._store.writing():
            principal = self._service_principals.find(tenant, app_id) or self._admit(tenant, app_id)
            permissions = self._applications.list_requested_roles(tenant, app_id)
            for permission in permissions:
                resource = self._service_principals.need(tenant, permission.resource_app_id)
                self._assign(tenant, principal, resource, permission.role_id, permission.value)
        return [permission.value for permission in permissions]

    def grant_app_role(
        self,
        tenant: Tenant,
        app_id: str,
        value: str | None,
        *,
        resource_app_id: str = GRAPH_APP_ID,
    ) -> None:
        """
        Grant an app role to a service principal directly, as managed identities get theirs.

        The value None assigns it to the resource without a role ("default access").

        Raises:
            LookupError: no such service principal, resource or role.
        """
        principal = self._service_principals.need(tenant, app_id)
        resource = self._service_principals.need(tenant, resource_app_id)
        role = DEFAULT_ACCESS if value is None else find_role(resource, value)["id"]
        self._assign(tenant, principal, resource, role, value or "")

    def is_assigned(self, tenant: Tenant, app_id: str, resource_app_id: str) -> bool:
        """Whether the application has any role of that resource, or only default access."""
        return bool(self._read_assignments(tenant, app_id, resource_app_id))

    def revoke(self, tenant: Tenant, app_id: str) -> None:
        """Take every app role away from the application in this tenant."""
        values = (tenant.number, self._service_principals.need(tenant, app_id).id)
        with self._store.writing() as connection:
            connection.execute("DELETE FROM assignment WHERE tenant = ? AND principal = ?", values)

    def list_granted_roles(
        self, tenant: Tenant, app_id: str, resource: str = GRAPH_APP_ID
    ) -> list[str]:
        """The values of the app roles of a resource (appId) that the application has."""
        # Default access has no value, and is not in tokens.
        return [value for value in self._read_assignments(tenant, app_id, resource) if value]

    def list_assignments(
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
        padded = assignment_id + "=" * (-len(assignment_id) % 4)
        try:
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            principal, _ = UUID(bytes_le=raw[:16]), UUID(bytes_le=raw[16:])
        except ValueError as error:
            raise ValueError(f"{assignment_id!r} is no ID of an assignment") from error
        held = self.list_assignments(tenant, principal=str(principal))
        return next((one for one in held if one["id"] == assignment_id), None)

    def assign(
        self, tenant: Tenant, principal: StoredObject, resource: Record, role: Record
    ) -> Record:
        """
        Give an app role of the resource to a user, a group or a service principal.

        Raises:
            ValueError: it has the role already.
        """
        doc = draft_assignment(
            _decode(principal.doc),
            resource,
            role["id"],
            created=format_iso(self._store.clock.now(), 7),
            kind=KINDS[principal.kind].resource,
        )
        if not self._insert(tenant, doc, role["value"]):
            raise ValueError(f"{doc['principalDisplayName']} has that app role already")
        return doc

    def unassign(self, tenant: Tenant, assignment: Record) -> None:
        """Take an app role away."""
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM assignment "
                "WHERE tenant = ? AND principal = ? AND resource = ? AND role = ?",
                (tenant.number, *_list_ends(assignment)),
            )

    def grant_scopes(
        self,
        tenant: Tenant,
        app_id: str,
        scopes: Collection[str],
        *,
        user: str | None = None,
        resource_app_id: str = GRAPH_APP_ID,
    ) -> None:
        """
        Consent to scopes for a user, or without one for everybody; earlier consents stay.

        The application's service principal is made if it is not here yet.

        Raises:
            LookupError: no such application, resource or user.
        """
        client = self._applications.find_client(app_id)
        if client is None:
            raise LookupError(f"no application {app_id!r}")
        holder = EVERYBODY if user is None else read_id(self._users.need(tenant, user).doc)
        resource = self._service_principals.need(tenant, resource_app_id)
        with self._store.writing() as connection:
            key = (
                tenant.number,
                self._service_principals.find_or_create(tenant, client).id,
                resource.id,
                holder,
            )
            held = self._read_scopes(*key)
            # As in Entra ID there is one grant for a client, a resource and a user: more scopes
            # join those that it has.
            connection.execute(
                "INSERT OR REPLACE INTO delegation (tenant, client, resource, user, scope) "
                "VALUES (?, ?, ?, ?, ?)",
                (*key, " ".join(dict.fromkeys((*held, *scopes)))),
            )

    def list_granted_scopes(
        self, tenant: Tenant, app_id: str, user_id: str, resource_app_id: str = GRAPH_APP_ID
    ) -> frozenset[str]:
        """The resource's scopes that the application has for this user, by any consent."""
        client, resource = self._find_ids(tenant, app_id, resource_app_id)
        return list_preauthorized(app_id, resource_app_id).union(
            self._list_trusted(app_id, resource_app_id),
            self._read_scopes(tenant.number, client, resource, EVERYBODY),
            self._read_scopes(tenant.number, client, resource, user_id),
        )

    def list_grants(self, tenant: Tenant) -> list[Record]:
        """Every consent to scopes, as Graph's `oauth2PermissionGrant` objects."""
        rows = self._store.read(
            "SELECT client, resource, user, scope FROM delegation AS a WHERE tenant = ? "  # noqa: S608 - names of ours
            f"AND {_LIVE.format('client', 'resource')} ORDER BY client, resource, user",
            (tenant.number,),
        )
        return [
            {
                "clientId": client,
                "consentType": "Principal" if user else "AllPrincipals",
                "id": _name_grant(client, resource, user),
                "principalId": user or None,
                "resourceId": resource,
                "scope": scope,
            }
            for client, resource, user, scope in rows
        ]

    def find_grant(self, tenant: Tenant, grant_id: str) -> Record | None:
        """The consent to scopes of this ID, which is made of the IDs that it connects."""
        return next((one for one in self.list_grants(tenant) if one["id"] == grant_id), None)

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
                (tenant.number, client, resource, user or EVERYBODY, scope),
            )
            if not made.rowcount:
                raise ValueError(f"{client} has a grant for {resource} already")
            grant = self.find_grant(tenant, _name_grant(client, resource, user or EVERYBODY))
        assert grant is not None, "it was made just now"
        return grant

    def change_grant(self, tenant: Tenant, grant: Record, scope: str | None) -> None:
        """Replace the scopes of a consent; None revokes the consent."""
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

    def forget(self, tenant: Tenant, gone: StoredObject) -> None:
        """Remove the permissions of an object that was deleted for good, and those to use it."""
        object_id = read_id(gone.doc)
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

    def _read_assignments(self, tenant: Tenant, app_id: str, resource: str) -> list[str]:
        rows = self._store.read(
            "SELECT value FROM assignment WHERE tenant = ? AND principal = ? AND resource = ? "
            "ORDER BY value",
            (tenant.number, *self._find_ids(tenant, app_id, resource)),
        )
        return [value for (value,) in rows]

    def _find_ids(self, tenant: Tenant, *app_ids: str) -> list[str]:
        """The object IDs of service principals; an empty text for one that is not here."""
        principals = (self._service_principals.find(tenant, app_id) for app_id in app_ids)
        return [principal.id if principal else "" for principal in principals]

    def _admit(self, tenant: Tenant, app_id: str) -> Application:
        """The service principal that an application of another tenant gets here."""
        application = self._applications.find_anywhere(app_id)
        if application is None or application.record["signInAudience"] == "AzureADMyOrg":
            raise LookupError(f"no application {app_id!r} that tenant {tenant.id} may use")
        return self._service_principals.find_or_create(tenant, application)

    def _assign(
        self,
        tenant: Tenant,
        principal: Application,
        resource: Application,
        role_id: str,
        value: str,
    ) -> None:
        """Give a service principal an app role that it may have already."""
        created = format_iso(self._store.clock.now())
        doc = draft_assignment(principal.record, resource.record, role_id, created=created)
        self._insert(tenant, doc, value)

    def _insert(self, tenant: Tenant, assignment: Record, value: str | None) -> bool:
        """Store an app role assignment; return False if it exists already."""
        # Consent can be given again, while Graph refuses an existing assignment. So this does not
        # raise, and the caller decides.
        with self._store.writing() as connection:
            return bool(
                connection.execute(
                    "INSERT OR IGNORE INTO assignment "
                    "(tenant, principal, resource, role, value, doc) VALUES (?, ?, ?, ?, ?, ?)",
                    (tenant.number, *_list_ends(assignment), value or "", _encode(assignment)),
                ).rowcount
            )

    def _list_trusted(self, app_id: str, resource_app_id: str) -> list[str]:
        """The scopes of an API that the client has without a consent."""
        api = self._applications.find_anywhere(resource_app_id)
        # Microsoft's own APIs have no application here; the model has a table of clients to trust.
        if api is None:
            return []
        offer = api.record["api"]
        trusted = {
            scope_id
            for client in offer["preAuthorizedApplications"]
            for scope_id in client["delegatedPermissionIds"]
            if client["appId"] == app_id.lower()
        }
        scopes = offer["oauth2PermissionScopes"]
        return [one["value"] for one in scopes if one["isEnabled"] and one["id"] in trusted]

    def _read_scopes(self, tenant: int, client: str, resource: str, user: str) -> list[str]:
        rows = self._store.read(
            "SELECT scope FROM delegation "
            "WHERE tenant = ? AND client = ? AND resource = ? AND user = ?",
            (tenant, client, resource, user),
        )
        return rows[0][0].split() if rows else []


def _list_ends(assignment: Record) -> tuple[str, str, str]:
    return assignment["principalId"], assignment["resourceId"], assignment["appRoleId"]


def _name_grant(client: str, resource: str, user: str) -> str:
    """The IDs it connects, as in every documented example of an oauth2PermissionGrant."""
    parts = b"".join(UUID(part).bytes_le for part in (client, resource, user) if part)
    return base64.urlsafe_b64encode(parts).rstrip(b"=").decode()
