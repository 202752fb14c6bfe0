"""
What a caller may do on a route, by the permissions in its token and the rights of its user.

Sources: "Microsoft Graph permissions reference" for what a permission covers, "Microsoft Entra
built-in roles" and "Default user permissions" for what signed-in users may change.
"""

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import NamedTuple

from entra_emulator.errors import deny
from entra_emulator.graph.access.permission_table import FREE, find_access, fold, writes
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.caller import Caller

READ_BASIC = "User.ReadBasic.All"
OWNED_BY = "Application.ReadWrite.OwnedBy"
ASSIGN = "AppRoleAssignment.ReadWrite.All"
# "The same access to information in the directory as the signed-in user": Azure CLI's tokens hold
# little else, and it makes applications and groups with them (recorded 2021-2024).
AS_USER = "Directory.AccessAsUser.All"

# Permissions for the signed-in user's own object only.
_ITSELF = frozenset({"User.Read", "User.ReadWrite"})

# Paths at which signed-in users read their own object, whatever they may see of others.
_OWN_OBJECT = frozenset({"/me", "/me/{property}", "/me/{property}/$value"})

# Permissions to write certain properties only, as their descriptions say.
PROPERTY_PERMISSIONS = {
    "Group-NestingSupport.ReadWrite.All": frozenset({"disableNesting"}),
    "Group-PreferredDataLocation.ReadWrite.All": frozenset({"preferredDataLocation"}),
    "Group.ManageProtection.All": frozenset({"assignedLabels"}),
    "User-Mail.ReadWrite.All": frozenset({"otherMails"}),
    "User-PasswordProfile.ReadWrite.All": frozenset({"passwordProfile"}),
    "User-Phone.ReadWrite.All": frozenset({"businessPhones", "mobilePhone"}),
    "User.EnableDisableAccount.All": frozenset({"accountEnabled"}),
    "User.ManageIdentities.All": frozenset({"identities"}),
}

_GLOBAL = ROLES["Global Administrator"]
_ASSIGNERS = frozenset({_GLOBAL, ROLES["Privileged Role Administrator"]})
_APPLICATIONS = frozenset(
    {_GLOBAL, ROLES["Application Administrator"], ROLES["Cloud Application Administrator"]}
)
_USERS = frozenset({_GLOBAL, ROLES["User Administrator"]})
_GROUPS = _USERS | {ROLES["Groups Administrator"]}

# The directory roles whose holders may write the objects of a collection.
_ADMINISTRATORS = {
    "administrativeunits": _ASSIGNERS,
    "applications": _APPLICATIONS,
    "directoryroles": _ASSIGNERS,
    "groups": _GROUPS,
    "invitations": _USERS,
    "oauth2permissiongrants": _APPLICATIONS | _ASSIGNERS,
    "policies": _APPLICATIONS,
    "rolemanagement": _ASSIGNERS,
    "serviceprincipals": _APPLICATIONS,
    "users": _USERS,
}
# The same for parts of an object, by the path segment below it.
_PARTS = {
    "appmanagementpolicies": _APPLICATIONS,
    "approleassignedto": _APPLICATIONS | _ASSIGNERS,
    "approleassignments": _APPLICATIONS | _ASSIGNERS,
    "assignlicense": _USERS | {ROLES["License Administrator"]},
    "reprocesslicenseassignment": _USERS | {ROLES["License Administrator"]},
    "revokesigninsessions": _USERS | {ROLES["Helpdesk Administrator"]},
}
# Every user may create these, and write those that the user owns. Unless the tenant has decided
# otherwise, everybody may invite, guests too ("Configure external collaboration settings").
_OWNABLE = frozenset({"applications", "groups", "invitations", "serviceprincipals"})

# "An application does not need any specific permission to roll its own keys" (addKey).
_ROLLING = ("/addKey", "/removeKey")


class Permit(NamedTuple):
    """
    What a caller may do on a route that it may use.

    Args:
        basic: whether it sees only the basic properties of users.
        owned: whether it may write only objects that it owns.
        hidden: whether it sees the members of groups with hidden membership.
        itself: whether it may use only the signed-in user's own object.
        own_keys: whether it is an application that may only roll its own keys.
        graph_roles: whether it may assign application permissions of Microsoft Graph.
        properties: the only properties that it may write; None for all.
    """

    basic: bool = False
    owned: bool = False
    hidden: bool = False
    itself: bool = False
    own_keys: bool = False
    graph_roles: bool = True
    properties: frozenset[str] | None = None


def authorize(
    caller: Caller, method: str, template: str, roles: Callable[[], Collection[str]] = tuple
) -> Permit:
    """
    What the caller may do with this method on this path template.

    Args:
        caller: who sent the request.
        method: e.g. "GET".
        template: e.g. "/users/{key}/memberOf".
        roles: returns the template IDs of the signed-in user's directory roles.

    Raises:
        GraphRefusal: 403, the caller has none of the permissions that the route needs; 400, the
            route is about the signed-in user, and nobody is signed in.
    """
    if not caller.delegated and _is_me(template):
        raise deny("me_without_user")
    permit = _judge(caller.permissions, caller.delegated, method, template)
    if permit is None and not caller.delegated and template.endswith(_ROLLING):
        return Permit(own_keys=True)
    if permit is None:
        # The reporting service has texts of its own for refusals.
        reports = template.startswith(("/auditLogs/", "/reports/"))
        raise deny("audit_permission_missing" if reports else "forbidden")
    if caller.delegated and writes(method, template):
        return _judge_user(permit, method, template, roles())
    return permit


def readable_types(caller: Caller) -> frozenset[str]:
    """
    The types of objects of which the caller sees more than type and ID.

    A caller that sees only the basic properties of users has `user.basic` instead of `user`.
    Source: "Limited information returned for inaccessible member objects", in the permissions
    reference.
    """
    return _list_readable(caller.permissions, caller.delegated)


@lru_cache(maxsize=1024)
def _list_readable(permissions: frozenset[str], delegated: bool) -> frozenset[str]:
    types = frozenset(
        kind.name
        for kind in KINDS.values()
        if _hold(permissions, delegated, "GET", f"/{kind.collection}/{{id}}") - _ITSELF
    )
    if _sees_basics(permissions, delegated):
        return types - {"user"} | {"user.basic"}
    return types


@lru_cache(maxsize=4096)
def _judge(
    permissions: frozenset[str], delegated: bool, method: str, template: str
) -> Permit | None:
    """What the permissions of a token allow, whoever the user is; None if they allow nothing."""
    if template in FREE:
        return Permit()
    held = _hold(permissions, delegated, method, template)
    if not held:
        return None
    writing = writes(method, template)
    full = held - PROPERTY_PERMISSIONS.keys()
    return Permit(
        basic=template not in _OWN_OBJECT and _sees_basics(permissions, delegated),
        owned=writing and held == {OWNED_BY},
        hidden="Member.Read.Hidden" in permissions,
        itself=delegated and template.startswith("/users/") and held <= _ITSELF,
        graph_roles=ASSIGN in permissions,
        properties=None if full or not writing else _properties(held),
    )


def _hold(
    permissions: frozenset[str], delegated: bool, method: str, template: str
) -> frozenset[str]:
    """Those of `permissions` that allow a caller to use the route."""
    access = find_access(method, template)
    accepted = access.delegated | {AS_USER} if delegated else access.application
    return frozenset(
        name
        for name in accepted & permissions
        if name not in access.also or not access.also[name].isdisjoint(permissions)
    )


def _sees_basics(permissions: frozenset[str], delegated: bool) -> bool:
    """Whether the permissions show only the basic properties of users."""
    if READ_BASIC not in permissions:
        return False
    return _hold(permissions, delegated, "GET", "/users") <= {READ_BASIC}


def _properties(held: Collection[str]) -> frozenset[str]:
    return frozenset[str]().union(*(PROPERTY_PERMISSIONS[name] for name in held))


def _is_me(template: str) -> bool:
    return template == "/me" or template.startswith("/me/")


def _judge_user(permit: Permit, method: str, template: str, roles: Collection[str]) -> Permit:
    """
    The permit as the signed-in user's own rights limit it.

    Raises:
        GraphRefusal: 403, the user may not write this.
    """
    segments = fold(template).strip("/").split("/")
    graph_roles = permit.graph_roles and not _ASSIGNERS.isdisjoint(roles)
    if not _find_administrators(segments).isdisjoint(roles):
        return permit._replace(graph_roles=graph_roles)
    if _is_me(template) or _is_own(method, segments):
        return permit._replace(itself=not _is_me(template), graph_roles=False)
    if segments[0] in _OWNABLE and _PARTS.keys().isdisjoint(segments):
        return permit._replace(owned=True, graph_roles=False)
    raise deny("forbidden")


def _find_administrators(segments: list[str]) -> frozenset[str]:
    """The directory roles whose holders may write at this path."""
    for segment in segments:
        if segment in _PARTS:
            return _PARTS[segment]
    if segments[:2] == ["directory", "deleteditems"]:
        sets = [_ADMINISTRATORS.get(f"{kind}s", frozenset({_GLOBAL})) for kind in segments[2:3]]
        known = [*sets] if segments[2] != "{id}" else [*_ADMINISTRATORS.values()]
        return frozenset[str]().union(*known)
    subject = segments[1] if segments[0] == "directory" else segments[0]
    return _ADMINISTRATORS.get(subject, frozenset({_GLOBAL}))


def _is_own(method: str, segments: list[str]) -> bool:
    """Whether every user may do this with the own object."""
    route = (method, *segments)
    return route in {
        ("PATCH", "users", "{id}"),
        ("POST", "users", "{id}", "revokesigninsessions"),
    }
