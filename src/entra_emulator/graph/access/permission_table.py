"""
The permissions that each route needs: Microsoft's published table, with its gaps filled.

The table is data/access.json, written by tools/generate_access.py. Rows that it lacks are derived
here from its other rows; a comment gives the reason for each.
"""

from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from entra_emulator.model.kinds import DELETABLE, KINDS

# These need no permission: the metadata are public, and each request of a batch is checked by
# itself ("Combine multiple HTTP requests using JSON batching").
FREE = frozenset({"/$metadata", "/$batch"})

# Functions that are called by POST and change nothing.
_READS = frozenset(
    "checkmembergroups checkmemberobjects getbyids getmembergroups getmemberobjects "
    "getuserownedobjects validateproperties".split()
)

# Routes that are missing from the table, or whose row lacks permissions, and the row they get.
_LIKE = {
    # Only Device.Read.All stands there; every other type's delta has the list's permissions.
    "GET /devices/delta": "GET /devices",
    # Only User.Read.All stands there; the API page repeats the list's permissions.
    "GET /organization/{id}": "GET /organization",
    # Application.Read.All is missing from one credential, not from their list.
    "GET /applications/{id}/federatedidentitycredentials/{id}": (
        "GET /applications/{id}/federatedidentitycredentials"
    ),
    # Missing: it tells what its object's own address tells.
    "GET /directoryobjects/delta": "GET /directoryobjects/{id}",
    # Only User.Read.All stands there, with which nobody lists memberships: one needs what all need.
    "GET /me/memberof/{id}": "GET /me/memberof",
    "GET /users/{id}/memberof/{id}": "GET /users/{id}/memberof",
    # Missing, as every property is: it tells what its object tells.
    "GET /me/{id}": "GET /me",
    # The older place has it, the newer does not.
    "GET /directory/administrativeunits/delta": "GET /administrativeunits/delta",
    # Missing, though the removal of a member is there.
    "POST /groups/{id}/members": "DELETE /groups/{id}/members/{id}",
    # Directory.Read.All is asked for besides, which the directory does not insist on: Terraform's
    # azuread provider documents Application.ReadWrite.OwnedBy alone for owners.
    "POST /applications/{id}/owners": "PATCH /applications/{id}",
    "POST /serviceprincipals/{id}/owners": "PATCH /serviceprincipals/{id}",
    # Missing: it tells what the policies' own address tells.
    "GET /applications/{id}/appmanagementpolicies": "GET /policies/appmanagementpolicies",
    "GET /serviceprincipals/{id}/appmanagementpolicies": "GET /policies/appmanagementpolicies",
    # Only applications stand there; the API page has both.
    "POST /serviceprincipals/{id}/appmanagementpolicies": (
        "POST /applications/{id}/appmanagementpolicies"
    ),
    "DELETE /serviceprincipals/{id}/appmanagementpolicies/{id}": (
        "DELETE /applications/{id}/appmanagementpolicies"
    ),
    "DELETE /applications/{id}/appmanagementpolicies/{id}": (
        "DELETE /applications/{id}/appmanagementpolicies"
    ),
}

# The table has each of two permissions alone, and the API page ("Assign appliesTo") both together.
_TOGETHER = {
    f"{method} /applications/{{id}}/appmanagementpolicies": (
        "Policy.ReadWrite.ApplicationConfiguration",
        frozenset({"Application.Read.All", "Application.ReadWrite.All"}),
    )
    for method in ("DELETE", "POST")
}

# Of beta alone, and so not in the table: "List servicePrincipalSignInActivities" and "List
# appCredentialSignInActivities" name both, of applications and of users.
_ACTIVITY_REPORTS = frozenset(
    {"/reports/appcredentialsigninactivities", "/reports/serviceprincipalsigninactivities"}
)
_ACTIVITY_READERS = frozenset({"AuditLog.Read.All", "Directory.Read.All"})

# The sets of directory objects, and by their types those whose objects can be deleted.
_SETS = tuple(kind.collection.lower() for kind in KINDS.values())
_DELETABLE = {name.lower(): KINDS[name].collection.lower() for name in DELETABLE}


class Access(NamedTuple):
    """
    The permissions that let a caller use a route.

    Args:
        application: application permissions, one of which is enough.
        delegated: delegated permissions, one of which is enough.
        least: the permissions of either kind that are marked as least privileged.
        also: for a permission that counts only together with another, these others.
    """

    application: frozenset[str]
    delegated: frozenset[str]
    least: frozenset[str]
    also: dict[str, frozenset[str]]


@cache
def find_access(method: str, template: str) -> Access:
    """
    The permissions that let a caller use the route of this method and path template.

    Args:
        method: e.g. "GET".
        template: e.g. "/users/{id}/memberOf", in any case of letters and with any name of the key.

    Raises:
        LookupError: the route is not known.
    """
    access = _find(method, fold(template))
    if access is None:
        raise LookupError(f"nobody knows which permission {method} {template} needs")
    return access if writes(method, template) else _widen(access)


@cache
def writes(method: str, template: str) -> bool:
    """Whether the route changes anything."""
    return method != "GET" and template != "/$batch" and fold(template).split("/")[-1] not in _READS


def fold(template: str) -> str:
    """
    The template as the table spells it: in small letters, with `{id}` for every key.

    `/$count`, `/$ref` and casts are left out, since they need what the collection needs; only among
    deleted objects a cast makes a difference.
    """
    segments: list[str] = []
    for segment in template.lower().strip("/").split("/"):
        name = segment.removeprefix("microsoft.graph.")
        if segment.startswith("{"):
            segments.append("{id}")
        elif name == segment and segment not in {"$count", "$ref", "$value"}:
            segments.append(segment)
        elif name in _READS or (segments[-1:] == ["deleteditems"] and name in _DELETABLE):
            segments.append(name)
    return "/" + "/".join(segments)


def _find(method: str, path: str) -> Access | None:
    route = f"{method} {path}"
    if route in _LIKE:
        return _find(*_LIKE[route].split(" "))
    if path.startswith("/directory/deleteditems/"):
        return _find_deleted(method, path.split("/")[3:])
    if route == "POST /directoryobjects/getbyids":
        # The table has only Directory.Read.All; callers who may read a type get its objects
        # (microsoft-graph-docs-contrib#8798: User.Read.All is enough for users).
        return _unite([_find("GET", f"/{name}/{{id}}") for name in _SETS])
    if method == "GET" and path in _ACTIVITY_REPORTS:
        least = frozenset({"AuditLog.Read.All"})
        return Access(_ACTIVITY_READERS, _ACTIVITY_READERS, least, {})
    row = _rows().get(route)
    if row is not None and route in _TOGETHER:
        name, others = _TOGETHER[route]
        return Access(frozenset({name}), frozenset({name}), frozenset({name}), {name: others})
    if row is not None:
        return row
    if path.startswith("/me"):
        # A path below /me needs the permissions of the same path below a user.
        return _find(method, "/users/{id}" + path.removeprefix("/me"))
    if method == "DELETE" and not path.endswith("/{id}"):
        # A link that is named in the query needs the permissions of one that is named in the path.
        return _find(method, f"{path}/{{id}}")
    if method == "GET" and path.endswith("/{id}"):
        # Reading an object needs the permissions for reading its collection.
        return _find(method, path.removesuffix("/{id}"))
    return None


def _find_deleted(method: str, rest: list[str]) -> Access | None:
    """
    Deleted objects need the permissions of the other objects of their type ("Get deleted item").

    If the path names no type, the permissions for any type are enough; the endpoint must check
    again once it knows the object's type.
    """
    if rest[0] == "{id}":
        parts = [_find_deleted(method, [kind, *rest]) for kind in _DELETABLE]
        return _unite(parts)
    collection = _DELETABLE.get(rest[0], "")
    if method == "GET":
        return _find("GET", f"/{collection}")
    # For users the table has a row for restoring: with the permissions for deleting.
    return _find("DELETE", f"/{collection}/{{id}}") if collection else None


def _unite(parts: list[Access | None]) -> Access:
    known = [part for part in parts if part is not None]
    return Access(
        frozenset[str]().union(*(part.application for part in known)),
        frozenset[str]().union(*(part.delegated for part in known)),
        frozenset[str]().union(*(part.least for part in known)),
        {},
    )


def _widen(access: Access) -> Access:
    """Accept ReadWrite permissions where Read is enough, as their descriptions say."""
    return access._replace(
        application=access.application | {_widen_one(name) for name in access.application},
        delegated=access.delegated | {_widen_one(name) for name in access.delegated},
    )


def _widen_one(name: str) -> str:
    return name.replace(".Read.", ".ReadWrite.")


@cache
def _rows() -> dict[str, Access]:
    content = files(__package__).joinpath("data", "access.json").read_bytes()
    table: dict[str, Any] = msgspec.json.decode(content)
    sets = [_read_set(line) for line in table["sets"]]
    return {
        route: Access(
            sets[application].application,
            sets[delegated].application,
            sets[application].least | sets[delegated].least,
            sets[application].also | sets[delegated].also,
        )
        for route, (application, delegated) in table["routes"].items()
    }


def _read_set(line: str) -> Access:
    """One line of the table; its permissions are returned in the field `application`."""
    names, least, also = set(), set(), {}
    for word in line.split():
        name, _, others = word.partition("+")
        name, marked = name.removesuffix("*"), name.endswith("*")
        names.add(name)
        if marked:
            least.add(name)
        if others:
            also[name] = frozenset(others.split("|"))
    return Access(frozenset(names), frozenset(), frozenset(least), also)
