"""The permissions that an application requests, and those granted, for the API permissions page."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.directory_roles import may_consent
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.model.scopes import is_restricted
from entra_emulator.web.pages.request import PageRequest

# The types of `resourceAccess`: application permissions and delegated permissions.
ROLE = "Role"
SCOPE = "Scope"

# A permission of one API: its type and its ID.
_Access = tuple[str, str]


# Decoding the rest is slow: Microsoft Graph's service principal has many hundred permissions.
class _AppId(msgspec.Struct):
    appId: str  # noqa: N815 - Graph's name


_decode_app_id = msgspec.json.Decoder(_AppId).decode


class PermissionRow(NamedTuple):
    """
    A line of a table: a permission of the API called `api`, whose appId is `resource`.

    Args:
        kind: ROLE or SCOPE.
        value: its name, e.g. `User.Read.All`; its ID if the tenant does not know the API.
        restricted: only an administrator may consent to it.
        granted: it is granted for the whole tenant.
    """

    api: str
    resource: str
    id: str
    kind: str
    value: str
    description: str
    restricted: bool
    granted: bool = False

    @property
    def key(self) -> str:
        """Its name in forms."""
        return f"{self.resource}/{self.kind}/{self.id}"

    @property
    def lacking(self) -> bool:
        """Whether an administrator still has to consent."""
        return self.restricted and not self.granted


class PermissionTable(NamedTuple):
    """The requested permissions, and other granted ones; both in the order of their names."""

    configured: list[PermissionRow]
    others: list[PermissionRow]

    @property
    def requests_graph_roles(self) -> bool:
        """Whether application permissions of Microsoft Graph are requested."""
        return any(one.kind == ROLE and one.resource == GRAPH_APP_ID for one in self.configured)

    def find(self, key: str) -> PermissionRow | None:
        """The permission that a form means by this key."""
        permissions = (*self.configured, *self.others)
        return next((permission for permission in permissions if permission.key == key), None)


def read_table(directory: Directory, tenant: Tenant, record: Record) -> PermissionTable:
    """The permissions that the application requests, and those granted to it in this tenant."""
    granted_by_api = _read_granted(directory, tenant, record["appId"])
    requested_by_api = _read_requested(record)
    configured, others = list[PermissionRow](), list[PermissionRow]()
    for app_id in dict.fromkeys((*requested_by_api, *granted_by_api)):
        resource = directory.service_principals.find(tenant, app_id)
        requested = requested_by_api.get(app_id, {})
        granted = granted_by_api.get(app_id, set())
        offered = {(one.kind, one.id): one for one in _list_all(resource)} if resource else {}
        # The registration may request a permission that the API has removed.
        configured += [
            offered.get(access, _name_unknown(app_id, resource, access))._replace(
                granted=access in granted
            )
            for access in requested
        ]
        others += [
            offered[access]._replace(granted=True)
            for access in granted.difference(requested)
            if access in offered
        ]
    return PermissionTable(sorted(configured, key=_order), sorted(others, key=_order))


def list_offered(
    resource: Application, kind: str, search: str, chosen: Collection[str] = ()
) -> dict[str, list[PermissionRow]]:
    """
    The permissions of this kind that an API offers and whose names or descriptions match.

    Permissions that are `chosen` already are always listed. The permissions are grouped by the
    first part of their names, e.g. `User` for `User.Read.All`. The permission with exactly the
    searched name comes first, then those whose names begin with it, then those that contain it.
    """
    words = search.casefold().split()
    matching = []
    for permission in _list_all(resource, enabled=True):
        text = f"{permission.value} {permission.description}".casefold()
        matches = permission.key in chosen or all(word in text for word in words)
        if permission.kind == kind and matches:
            matching.append(permission)
    families: dict[str, list[PermissionRow]] = {}
    searched = " ".join(words)
    for permission in sorted(matching, key=lambda one: (_distance(one, searched), _order(one))):
        families.setdefault(permission.value.partition(".")[0], []).append(permission)
    return families


def offers_kind(resource: Application, kind: str) -> bool:
    """Whether an API offers any permission of this kind."""
    return any(permission.kind == kind for permission in _list_all(resource, enabled=True))


def list_requested_keys(record: Record) -> frozenset[str]:
    """The permissions that the application requests, by their names in forms."""
    return frozenset(
        f"{app_id}/{kind}/{permission_id}"
        for app_id, accesses in _read_requested(record).items()
        for kind, permission_id in accesses
    )


def include_permissions(record: Record, permissions: Iterable[PermissionRow]) -> list[Record]:
    """The `requiredResourceAccess` with these permissions too."""
    requested = _read_requested(record)
    for permission in permissions:
        requested.setdefault(permission.resource, {})[permission.kind, permission.id] = None
    return _write_requested(requested)


def exclude_permission(record: Record, permission: PermissionRow) -> list[Record]:
    """The `requiredResourceAccess` without this permission; its grant stays."""
    requested = _read_requested(record)
    requested.get(permission.resource, {}).pop((permission.kind, permission.id), None)
    return _write_requested(requested)


def may_grant_consent(request: PageRequest, table: PermissionTable) -> bool:
    """Whether the signed-in user may consent to the requested permissions, by directory role."""
    user_id = request.signed_in.user_id
    roles = request.directory.role_members.list_roles(request.tenant, user_id)
    return may_consent(roles, graph_roles=table.requests_graph_roles)


def grant_requested(directory: Directory, tenant: Tenant, record: Record) -> None:
    """Grant all permissions that the application requests, for the whole tenant."""
    app_id = record["appId"]
    with directory.transaction():
        directory.service_principals.find_or_create(tenant, Application(record))
        directory.consents.grant_admin_consent(tenant, app_id)
        requested = directory.applications.list_requested_scopes(tenant, app_id)
        for resource, scopes in requested.items():
            values = [scope["value"] for scope in scopes]
            directory.consents.grant_scopes(tenant, app_id, values, resource_app_id=resource)


def revoke_grant(
    directory: Directory, tenant: Tenant, app_id: str, permission: PermissionRow
) -> None:
    """Revoke a grant for the whole tenant; the application still requests the permission."""
    client = directory.service_principals.find(tenant, app_id)
    resource = directory.service_principals.find(tenant, permission.resource)
    if client is None or resource is None:
        return
    with directory.transaction():
        if permission.kind == ROLE:
            for assignment in directory.consents.list_assignments(tenant, principal=client.id):
                role = (assignment["resourceId"], assignment["appRoleId"])
                if role == (resource.id, permission.id):
                    directory.consents.unassign(tenant, assignment)
            return
        # Consents of single users stay; only these users can revoke them.
        for grant in directory.consents.list_grants(tenant):
            ends = (grant["clientId"], grant["resourceId"], grant["consentType"])
            if ends == (client.id, resource.id, "AllPrincipals"):
                scopes = [name for name in grant["scope"].split() if name != permission.value]
                directory.consents.change_grant(tenant, grant, " ".join(scopes) or None)


def _list_all(resource: Application, *, enabled: bool = False) -> Iterator[PermissionRow]:
    """
    Every permission of an API, or those that are enabled.

    An app role that only users and groups can have is no permission.
    """
    record = resource.record
    for role in record["appRoles"]:
        if "Application" in role["allowedMemberTypes"] and (role["isEnabled"] or not enabled):
            text = role["displayName"] or role["description"] or ""
            # No API can let users consent to an app role.
            yield _describe(resource, ROLE, role, text, restricted=True)
    for scope in record["oauth2PermissionScopes"]:
        if scope["isEnabled"] or not enabled:
            text = scope["adminConsentDisplayName"] or scope["userConsentDisplayName"] or ""
            yield _describe(resource, SCOPE, scope, text, restricted=is_restricted(scope))


def _describe(
    resource: Application, kind: str, entitlement: Record, text: str, *, restricted: bool
) -> PermissionRow:
    own_id = entitlement["id"]
    value, api = entitlement["value"] or own_id, resource.display_name
    return PermissionRow(api, resource.app_id, own_id, kind, value, text, restricted)


def _name_unknown(app_id: str, resource: Application | None, access: _Access) -> PermissionRow:
    """A permission that its API does not offer, or whose API is not in the tenant."""
    name = resource.display_name if resource else app_id
    kind, own_id = access
    return PermissionRow(name, app_id, own_id, kind, own_id, "", restricted=kind == ROLE)


def _read_granted(directory: Directory, tenant: Tenant, app_id: str) -> dict[str, set[_Access]]:
    """The permissions granted to the application for the whole tenant, by the APIs' appIds."""
    principal = directory.service_principals.find(tenant, app_id)
    if principal is None:
        return {}
    granted: dict[str, set[_Access]] = {}
    for assignment in directory.consents.list_assignments(tenant, principal=principal.id):
        resource = _find_resource(directory, tenant, assignment["resourceId"])
        granted.setdefault(resource.app_id, set()).add((ROLE, assignment["appRoleId"]))
    for grant in directory.consents.list_grants(tenant):
        if grant["clientId"] != principal.id or grant["consentType"] != "AllPrincipals":
            continue
        resource = _find_resource(directory, tenant, grant["resourceId"])
        names = set(grant["scope"].split())
        granted.setdefault(resource.app_id, set()).update(
            (SCOPE, scope["id"])
            for scope in resource.record["oauth2PermissionScopes"]
            if scope["value"] in names
        )
    return granted


def _find_resource(directory: Directory, tenant: Tenant, object_id: str) -> Application:
    row = directory.objects.find(tenant, object_id)
    assert row is not None, "a grant goes with the API that it is of"
    resource = directory.service_principals.find(tenant, _decode_app_id(row.doc).appId)
    assert resource is not None, "its service principal was just found by its ID"
    return resource


def _read_requested(record: Record) -> dict[str, dict[_Access, None]]:
    """The requested permissions by API, in their order."""
    # The inner one is a dict, as a set would not keep the order.
    return {
        entry["resourceAppId"]: {(one["type"], one["id"]): None for one in entry["resourceAccess"]}
        for entry in record["requiredResourceAccess"]
    }


def _write_requested(requested: dict[str, dict[_Access, None]]) -> list[Record]:
    return [
        {
            "resourceAppId": app_id,
            "resourceAccess": [{"id": own_id, "type": kind} for kind, own_id in accesses],
        }
        for app_id, accesses in requested.items()
        if accesses
    ]


def _distance(permission: PermissionRow, searched: str) -> int:
    """How far a permission's name is from the searched text; the order of a list."""
    name = permission.value.casefold()
    if not searched or name == searched:
        return 0
    return 1 if name.startswith(searched) else 2 if searched in name else 3


def _order(permission: PermissionRow) -> tuple[str, str, str, str]:
    name = permission.value.casefold()
    return permission.api.casefold(), permission.resource, name, permission.kind
