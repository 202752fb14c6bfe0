"""What an application asks for and what of it is granted, as the API permissions page has it."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.directory_roles import may_consent
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.model.scopes import is_restricted

# The types of `resourceAccess`: application permissions and delegated permissions.
ROLE = "Role"
SCOPE = "Scope"

_Access = tuple[str, str]


class _Names(msgspec.Struct):
    appId: str  # noqa: N815 - Graph's name


_read_names = msgspec.json.Decoder(_Names).decode


class Permission(NamedTuple):
    """
    A permission in a table.

    Args:
        api: the name of whose it is.
        resource: that API's appId.
        id: the permission's.
        kind: ROLE or SCOPE.
        value: its name; the ID where the API is not known in the tenant.
        description: in a few words.
        restricted: only an administrator may consent to it.
        granted: for the whole tenant.
    """

    api: str
    resource: str
    id: str
    kind: str
    value: str
    description: str
    restricted: bool
    granted: bool

    @property
    def key(self) -> str:
        """What forms call it."""
        return f"{self.resource}/{self.kind}/{self.id}"

    @property
    def lacking(self) -> bool:
        """Whether an administrator is waited for."""
        return self.restricted and not self.granted


class PermissionTable(NamedTuple):
    """What is asked for, and what else is granted; both by the names of APIs and permissions."""

    configured: list[Permission]
    others: list[Permission]

    def find(self, key: str) -> Permission | None:
        """The permission that a form means."""
        return next((one for one in (*self.configured, *self.others) if one.key == key), None)


class PermissionFamily(NamedTuple):
    """Permissions whose names begin alike: `User`, and all of `User.…`."""

    name: str
    permissions: list[Permission]


def read_table(directory: Directory, tenant: Tenant, record: Record) -> PermissionTable:
    """What the application asks for, and what is granted to it in this tenant."""
    held = _read_held(directory, tenant, record["appId"])
    wanted = _read_wanted(record)
    configured, others = list[Permission](), list[Permission]()
    for app_id in dict.fromkeys((*wanted, *held)):
        resource = directory.service_principal(tenant, app_id)
        asked, given = wanted.get(app_id, {}), held.get(app_id, set())
        offered = {(one.kind, one.id): one for one in _list_all(resource)} if resource else {}
        configured += [
            offered.get(one, _name_unknown(app_id, resource, one))._replace(granted=one in given)
            for one in asked
        ]
        others += [
            offered[one]._replace(granted=True) for one in given.difference(asked) if one in offered
        ]
    return PermissionTable(sorted(configured, key=_order), sorted(others, key=_order))


def list_offered(
    resource: Application, kind: str, search: str, chosen: Collection[str] = ()
) -> list[PermissionFamily]:
    """
    The permissions of this kind that an API offers and whose names or descriptions match.

    Those that are `chosen` already stay in sight, whatever is searched for.
    """
    words = search.casefold().split()
    found = [
        one
        for one in _list_all(resource, enabled=True)
        if one.kind == kind
        and (
            one.key in chosen
            or all(word in f"{one.value} {one.description}".casefold() for word in words)
        )
    ]
    found.sort(key=_order)
    return [PermissionFamily(name, list(some)) for name, some in groupby(found, key=_name_family)]


def offers_kind(resource: Application, kind: str) -> bool:
    """Whether an API offers any permission of this kind."""
    return any(one.kind == kind for one in _list_all(resource, enabled=True))


def list_requested_keys(record: Record) -> frozenset[str]:
    """The permissions that the application asks for, as forms call them."""
    wanted = _read_wanted(record).items()
    return frozenset(f"{app_id}/{kind}/{key}" for app_id, some in wanted for kind, key in some)


def include_permissions(record: Record, permissions: Iterable[Permission]) -> list[Record]:
    """The `requiredResourceAccess` with these permissions too."""
    wanted = _read_wanted(record)
    for one in permissions:
        wanted.setdefault(one.resource, {})[one.kind, one.id] = None
    return _write_wanted(wanted)


def exclude_permission(record: Record, permission: Permission) -> list[Record]:
    """The `requiredResourceAccess` without this permission; its grant stays."""
    wanted = _read_wanted(record)
    wanted.get(permission.resource, {}).pop((permission.kind, permission.id), None)
    return _write_wanted(wanted)


def requests_graph_roles(permissions: Iterable[Permission]) -> bool:
    """Whether application permissions of Microsoft Graph are among them."""
    return any(one.kind == ROLE and one.resource == GRAPH_APP_ID for one in permissions)


def may_grant_consent(roles: Collection[str], table: PermissionTable) -> bool:
    """Whether somebody with these directory roles may consent to what is asked for."""
    return may_consent(roles, graph_roles=requests_graph_roles(table.configured))


def _list_all(resource: Application, *, enabled: bool = False) -> Iterator[Permission]:
    """Every permission of an API; app roles for users and groups alone are none."""
    record = resource.record
    for role in record["appRoles"]:
        if "Application" in role["allowedMemberTypes"] and (role["isEnabled"] or not enabled):
            text = role["displayName"] or role["description"] or ""
            yield _draft(resource, ROLE, role, text, restricted=True)
    for scope in record["oauth2PermissionScopes"]:
        if scope["isEnabled"] or not enabled:
            text = scope["adminConsentDisplayName"] or scope["userConsentDisplayName"] or ""
            yield _draft(resource, SCOPE, scope, text, restricted=is_restricted(scope))


def _draft(
    resource: Application, kind: str, offered: Record, text: str, *, restricted: bool
) -> Permission:
    value = offered["value"] or offered["id"]
    name = resource.display_name
    return Permission(
        name, resource.app_id, offered["id"], kind, value, text, restricted, granted=False
    )


def _name_unknown(app_id: str, resource: Application | None, access: _Access) -> Permission:
    """A permission that its API has not, or whose API is not in the tenant."""
    name = resource.display_name if resource else app_id
    kind, key = access
    return Permission(name, app_id, key, kind, key, "", restricted=kind == ROLE, granted=False)


def _read_held(directory: Directory, tenant: Tenant, app_id: str) -> dict[str, set[_Access]]:
    """What is granted to the application for the whole tenant, by the appIds of the APIs."""
    principal = directory.service_principal(tenant, app_id)
    if principal is None:
        return {}
    found: dict[str, set[_Access]] = {}
    for one in directory.assignments(tenant, principal=principal.id):
        resource = _find_resource(directory, tenant, one["resourceId"])
        found.setdefault(resource.app_id, set()).add((ROLE, one["appRoleId"]))
    for one in directory.scope_grants(tenant):
        if one["clientId"] != principal.id or one["consentType"] != "AllPrincipals":
            continue
        resource = _find_resource(directory, tenant, one["resourceId"])
        names = set(one["scope"].split())
        found.setdefault(resource.app_id, set()).update(
            (SCOPE, scope["id"])
            for scope in resource.record["oauth2PermissionScopes"]
            if scope["value"] in names
        )
    return found


def _find_resource(directory: Directory, tenant: Tenant, object_id: str) -> Application:
    found = directory.find(tenant, object_id)
    assert found is not None, "what is granted is of an API that is here"
    resource = directory.service_principal(tenant, _read_names(found.doc).appId)
    assert resource is not None, "it was found by its ID"
    return resource


def _read_wanted(record: Record) -> dict[str, dict[_Access, None]]:
    """The permissions asked for by API, in their order."""
    return {
        entry["resourceAppId"]: {(one["type"], one["id"]): None for one in entry["resourceAccess"]}
        for entry in record["requiredResourceAccess"]
    }


def _write_wanted(wanted: dict[str, dict[_Access, None]]) -> list[Record]:
    return [
        {
            "resourceAppId": app_id,
            "resourceAccess": [{"id": key, "type": kind} for kind, key in accesses],
        }
        for app_id, accesses in wanted.items()
        if accesses
    ]


def _order(permission: Permission) -> tuple[str, str, str, str]:
    return (
        permission.api.casefold(),
        permission.resource,
        permission.value.casefold(),
        permission.kind,
    )


def _name_family(permission: Permission) -> str:
    return permission.value.partition(".")[0]
