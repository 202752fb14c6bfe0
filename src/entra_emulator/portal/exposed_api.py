"""
What an application offers as an API: its URI, its scopes, its app roles and its trusted clients.

Forms are read into the records that Microsoft Graph stores. What is wrong with a form is returned
by field, as keys of texts. Nothing here reads or writes the directory.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid
from entra_emulator.web.pages.forms import Form

# Who can be assigned an app role: the value in forms, and the value in Graph.
MEMBERS = {
    "users": ["User"],
    "applications": ["Application"],
    "both": ["User", "Application"],
}

# The most characters of an app role's texts ("appRole resource type"); the portal wants all three.
_ROLE_TEXTS = {"displayName": 100, "value": 120, "description": 1024}

# The most characters of a scope's texts ("permissionScope resource type").
_SCOPE_TEXTS = {
    "value": 120,
    "adminConsentDisplayName": 100,
    "adminConsentDescription": 850,
    "userConsentDisplayName": 100,
    "userConsentDescription": 850,
}
_SCOPE_REQUIRED = ("value", "adminConsentDisplayName", "adminConsentDescription")

# What the forms for a new scope and a new app role begin with.
NEW_SCOPE: Record = {**dict.fromkeys(_SCOPE_TEXTS, ""), "type": "Admin", "isEnabled": True}
NEW_ROLE: Record = {**dict.fromkeys(_ROLE_TEXTS, ""), "allowedMemberTypes": [], "isEnabled": True}


def propose_uri(record: Record) -> str:
    """The Application ID URI; for an application without any, the one that Microsoft proposes."""
    uris: list[str] = record["identifierUris"]
    return uris[0] if uris else f"api://{record['appId']}"


def change_uri(record: Record, uri: str) -> Record:
    """The properties with `uri` in place of the first URI, which an empty text removes."""
    others = [other for other in record["identifierUris"][1:] if other != uri]
    return {"identifierUris": [uri, *others] if uri else others}


def read_scope(record: Record, form: Form, scope_id: str) -> tuple[Record, dict[str, str]]:
    """The scope of this ID, old or new, that a form describes, and what is wrong, by field."""
    texts = {name: form.get(name) for name in _SCOPE_TEXTS}
    scope = {name: text or None for name, text in texts.items()} | {
        "id": scope_id,
        "isEnabled": form.get("state") != "disabled",
        "type": "Admin" if form.get("type") == "Admin" else "User",
    }
    problems = _check_value(record, texts["value"], scope_id)
    return scope, problems | _check_texts(texts, _SCOPE_TEXTS, _SCOPE_REQUIRED)


def read_role(record: Record, form: Form, role_id: str) -> tuple[Record, dict[str, str]]:
    """The app role of this ID, old or new, that a form describes, and what is wrong, by field."""
    texts = {name: form.get(name) for name in _ROLE_TEXTS}
    members = MEMBERS.get(form.get("members"), [])
    role: Record = {
        **texts,
        "id": role_id,
        "allowedMemberTypes": members,
        "isEnabled": bool(form.get("enabled")),
    }
    problems = _check_value(record, texts["value"], role_id)
    problems |= _check_texts(texts, _ROLE_TEXTS, _ROLE_TEXTS)
    if not members:
        problems["members"] = "app_role.problem.members"
    return role, problems


def name_members(role: Record) -> str:
    """Who can be assigned the role, as a key of MEMBERS."""
    types = set(role["allowedMemberTypes"])
    return next((name for name, members in MEMBERS.items() if set(members) == types), "both")


def change_scopes(record: Record, scopes: list[Record]) -> Record:
    """The properties with these scopes; trusted clients lose the scopes that are gone."""
    # Graph refuses to trust a client with a scope that is not there.
    known = {scope["id"] for scope in scopes}
    trusted = [
        client | {"delegatedPermissionIds": scope_ids}
        for client in record["api"]["preAuthorizedApplications"]
        if (scope_ids := [one for one in client["delegatedPermissionIds"] if one in known])
    ]
    return {"api": {"oauth2PermissionScopes": scopes, "preAuthorizedApplications": trusted}}


def list_trusted(record: Record, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The trusted clients, which need no consent; `names` has the known names, by appId."""
    values = {scope["id"]: str(scope["value"]) for scope in record["api"]["oauth2PermissionScopes"]}
    return [
        {
            "app_id": client["appId"],
            "name": names.get(client["appId"]),
            "scopes": [values[one] for one in client["delegatedPermissionIds"] if one in values],
        }
        for client in record["api"]["preAuthorizedApplications"]
    ]


def check_client(
    record: Record, app_id: str, scope_ids: Collection[str], *, edited: bool
) -> dict[str, str]:
    """What is wrong with a client to be authorized for these scopes of an application, by field."""
    problems = {}
    present = {client["appId"] for client in record["api"]["preAuthorizedApplications"]}
    if not is_guid(app_id):
        problems["client"] = "exposure.problem.guid"
    elif app_id.lower() in present and not edited:
        problems["client"] = "exposure.problem.present"
    if not scope_ids:
        problems["scopes"] = "exposure.problem.scopes"
    return problems


def change_clients(record: Record, app_id: str, scope_ids: Iterable[str]) -> Record:
    """The properties with this client authorized for these scopes; without any, it is removed."""
    trusted = {"appId": app_id.lower(), "delegatedPermissionIds": list(scope_ids)}
    clients = {client["appId"]: client for client in record["api"]["preAuthorizedApplications"]}
    clients[trusted["appId"]] = trusted
    authorized = [client for client in clients.values() if client["delegatedPermissionIds"]]
    return {"api": {"preAuthorizedApplications": authorized}}


def put(entitlements: Iterable[Record], entitlement: Record) -> list[Record]:
    """Scopes or app roles, in which this one replaces the one with its ID, or is the last."""
    by_id = {one["id"]: one for one in entitlements}
    by_id[entitlement["id"]] = by_id.get(entitlement["id"], {}) | entitlement
    return list(by_id.values())


def _check_texts(
    texts: Mapping[str, str], longest: Mapping[str, int], required: Iterable[str]
) -> dict[str, str]:
    """Which texts are missing or too long."""
    missing = {name: "exposure.problem.required" for name in required if not texts[name]}
    long = {
        name: "exposure.problem.long" for name, most in longest.items() if len(texts[name]) > most
    }
    return missing | long


def _check_value(record: Record, value: str, own_id: str) -> dict[str, str]:
    """What is wrong with the value of a scope or an app role, which tokens contain."""
    entitlements = (*record["appRoles"], *record["api"]["oauth2PermissionScopes"])
    # A token contains its scopes as one text, separated by blanks; "permissionScope resource type"
    # forbids a full stop at the beginning.
    if any(char.isspace() for char in value) or value.startswith("."):
        return {"value": "exposure.problem.value"}
    if value and any(one["value"] == value and one["id"] != own_id for one in entitlements):
        return {"value": "exposure.problem.taken"}
    return {}
