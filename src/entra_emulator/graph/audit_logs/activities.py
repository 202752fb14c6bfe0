"""
The names of the activities in the directory's audit log. Only computes, without any I/O.

The names are those of "Microsoft Entra audit log categories and activities", Core Directory. For
activities that are not in that list, such as those of role definitions, similar names are chosen.
"""

from collections.abc import Collection
from typing import NamedTuple

from entra_emulator.model.kinds import BY_COLLECTION

_APPLICATION = "ApplicationManagement"
_CATEGORIES = {
    "user": "UserManagement",
    "group": "GroupManagement",
    "application": _APPLICATION,
    "servicePrincipal": _APPLICATION,
    "device": "Device",
    "administrativeUnit": "AdministrativeUnit",
    "directoryRole": "RoleManagement",
}
_NOUNS = {
    "servicePrincipal": "service principal",
    "administrativeUnit": "administrative unit",
    "directoryRole": "role",
}
_VERBS = {
    "created": ("Add", "Add"),
    "updated": ("Update", "Update"),
    "deleted": ("Delete", "Delete"),
    "restored": ("Restore", "Restore"),
    "purged": ("Hard Delete", "Delete"),
}
# Activities whose names are not made of a verb and a noun.
_IRREGULAR = {
    ("servicePrincipal", "deleted"): "Remove service principal",
    ("directoryRole", "created"): "Add role from template",
    ("group", "restored"): "Restore Group",
}
_RELATIONS = {
    "members": "member",
    "owners": "owner",
    "registeredOwners": "registered owner",
    "registeredUsers": "registered users",
}

CREDENTIALS = frozenset({"keyCredentials", "passwordCredentials"})

# For the last segment of a path: the properties that its POST changes, as a PATCH would name them.
_ACTIONS = {
    "addpassword": "passwordCredentials",
    "removepassword": "passwordCredentials",
    "addkey": "keyCredentials",
    "removekey": "keyCredentials",
    "assignlicense": "assignedLicenses",
    "revokesigninsessions": "signInSessionsValidFromDateTime",
}
_ASSIGNMENTS = {
    "users": ("Add app role assignment grant to user", "Remove app role assignment from user"),
    "me": ("Add app role assignment grant to user", "Remove app role assignment from user"),
    "groups": ("Add app role assignment to group", "Remove app role assignment from group"),
    "serviceprincipals": (
        "Add app role assignment to service principal",
        "Remove app role assignment from service principal",
    ),
}
_METHODS = {"POST": "created", "PUT": "created", "PATCH": "updated", "DELETE": "deleted"}


class ActivityName(NamedTuple):
    """An `activityDisplayName` with its `category` and its `operationType`."""

    text: str
    category: str
    operation: str


def name_change(
    kind: str, what: str, names: Collection[str] = (), *, enabled: bool | None = None
) -> list[ActivityName]:
    """
    The activities that describe a change of an object of this type.

    Args:
        kind: the object's type.
        what: as in `Change`.
        names: the properties that changed, or the relation.
        enabled: whether the account is enabled after the change.
    """
    category = _CATEGORIES[kind]
    if what in {"linked", "unlinked"}:
        return [_name_link(kind, what, next(iter(names)), category)]
    verb, operation = _VERBS[what]
    text = _IRREGULAR.get((kind, what), f"{verb} {_NOUNS.get(kind, kind)}")
    activities = [ActivityName(text, category, operation)]
    if what == "updated":
        special = _name_special(kind, names, enabled=enabled)
        activities = [ActivityName(one, category, operation) for one in special] or activities
    return activities


def name_route(method: str, template: str) -> ActivityName:
    """The activity for a request with this method to this path template."""
    segments = [part.lower() for part in template.strip("/").split("/") if part != "$ref"]
    words = [part for part in segments if not part.startswith("{")]
    first, last, removed = words[0], words[-1], method == "DELETE"
    if last in {"approleassignments", "approleassignedto"}:
        return ActivityName(_ASSIGNMENTS[first][removed], _APPLICATION, _choose(removed))
    if first == "oauth2permissiongrants":
        verb = {"POST": "Add", "PATCH": "Update"}.get(method, "Remove")
        return ActivityName(f"{verb} delegated permission grant", _APPLICATION, _choose(removed))
    if first == "domains":
        text = "Remove unverified domain" if removed else "Add unverified domain"
        return ActivityName(text, "DirectoryManagement", "Delete" if removed else "Add")
    if words[:2] == ["rolemanagement", "directory"]:
        return _name_role(method, last)
    if words[:2] == ["directory", "deleteditems"]:
        kind = next((one for one in _CATEGORIES if one.lower() in last), "user")
        return name_change(kind, "purged" if removed else "restored")[0]
    collection = "users" if first == "me" else words[1] if first == "directory" else first
    kinds = {name.lower(): kind.name for name, kind in BY_COLLECTION.items()}
    if collection not in kinds:
        verb = {"POST": "Add", "PATCH": "Update"}.get(method, "Delete")
        policy = "policies" in words
        category = "Policy" if policy else "DirectoryManagement"
        return ActivityName(f"{verb} {'policy' if policy else last}", category, verb)
    return _name_below(kinds[collection], method, words)


def _name_below(kind: str, method: str, words: list[str]) -> ActivityName:
    """The activity of a request to a collection, to an object, or to something below it."""
    last = words[-1]
    if last in _ACTIONS:
        return name_change(kind, "updated", [_ACTIONS[last]])[0]
    relation = next((one for one in (*_RELATIONS, "manager") if one.lower() == last), None)
    if relation:
        return name_change(kind, "unlinked" if method == "DELETE" else "linked", [relation])[0]
    if last == "federatedidentitycredentials":
        return name_change(kind, "updated")[0]
    return name_change(kind, _METHODS[method])[0]


def _name_link(kind: str, what: str, relation: str, category: str) -> ActivityName:
    removed = what == "unlinked"
    if relation == "manager":
        text = "Remove user manager" if removed else "Set user manager"
    else:
        verb, joint = ("Remove", "from") if removed else ("Add", "to")
        text = f"{verb} {_RELATIONS[relation]} {joint} {_NOUNS.get(kind, kind)}"
    return ActivityName(text, category, _choose(removed))


def _name_role(method: str, last: str) -> ActivityName:
    removed = method == "DELETE"
    if last == "roleassignments":
        text = "Remove member from role" if removed else "Add member to role"
        return ActivityName(text, "RoleManagement", _choose(removed))
    verb = {"POST": "Add", "PATCH": "Update"}.get(method, "Delete")
    return ActivityName(f"{verb} role definition", "RoleManagement", verb)


def _name_special(kind: str, names: Collection[str], *, enabled: bool | None) -> list[str]:
    """The activities that certain properties have of their own; empty for others."""
    if CREDENTIALS.intersection(names):
        return (
            ["Add service principal credentials"]
            if kind == "servicePrincipal"
            else ["Update application – Certificates and secrets management"]  # noqa: RUF001 - as the service writes it
        )
    if kind != "user":
        return []
    activities = []
    if "assignedLicenses" in names:
        activities.append("Change user license")
    if "lastPasswordChangeDateTime" in names:
        activities.append("Reset user password")
    elif "signInSessionsValidFromDateTime" in names:
        activities.append("Update StsRefreshTokenValidFrom Timestamp")
    if "accountEnabled" in names:
        activities.append("Enable account" if enabled else "Disable account")
    return activities


def _choose(removed: bool) -> str:
    return "Unassign" if removed else "Assign"
