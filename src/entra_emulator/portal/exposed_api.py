"""
What an application offers to others: its name as an API, its scopes and who is trusted. Pure.

Forms come in, bodies for Microsoft Graph go out. Where a form cannot become a body, its problems
are keys of texts by the fields they are about.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid
from entra_emulator.web.pages.forms import Form

# The most characters of a scope's texts ("permissionScope resource type").
_LONGEST = {
    "value": 120,
    "adminConsentDisplayName": 100,
    "adminConsentDescription": 850,
    "userConsentDisplayName": 100,
    "userConsentDescription": 850,
}
_NEEDED = ("value", "adminConsentDisplayName", "adminConsentDescription")


class CheckedForm(NamedTuple):
    """What a form would make, and what is wrong with it by field."""

    record: Record
    problems: dict[str, str]


class TrustedClient(NamedTuple):
    """A client that users are not asked for, its name if it is known here, and its scopes."""

    app_id: str
    name: str | None
    scopes: list[str]


def propose_uri(record: Record) -> str:
    """The Application ID URI, or the one that an application without any is offered."""
    uris: list[str] = record["identifierUris"]
    return uris[0] if uris else f"api://{record['appId']}"


def change_uri(record: Record, uri: str) -> Record:
    """The body that gives the application this URI in the place of its first, or none for it."""
    others = [one for one in record["identifierUris"][1:] if one != uri]
    return {"identifierUris": [uri, *others] if uri else others}


def read_scope(record: Record, form: Form, scope_id: str) -> CheckedForm:
    """The scope that a form describes, which has the ID already or is to have it."""
    texts = {name: form.get(name) for name in _LONGEST}
    scope = {name: text or None for name, text in texts.items()} | {
        "id": scope_id,
        "isEnabled": form.get("state") != "disabled",
        "type": "Admin" if form.get("type") == "Admin" else "User",
    }
    problems = check_name(record, texts["value"], scope_id)
    return CheckedForm(scope, problems | check_texts(texts, _LONGEST, _NEEDED))


def change_scopes(record: Record, scopes: list[Record]) -> Record:
    """The body that gives the application these scopes; trust in others goes with them."""
    known = {scope["id"] for scope in scopes}
    trusted = [
        client | {"delegatedPermissionIds": kept}
        for client in record["api"]["preAuthorizedApplications"]
        if (kept := [one for one in client["delegatedPermissionIds"] if one in known])
    ]
    return {"api": {"oauth2PermissionScopes": scopes, "preAuthorizedApplications": trusted}}


def list_trusted(record: Record, names: Mapping[str, str]) -> list[TrustedClient]:
    """The authorized client applications with their `names`, and with those of their scopes."""
    values = {one["id"]: str(one["value"]) for one in record["api"]["oauth2PermissionScopes"]}
    return [
        TrustedClient(
            client["appId"],
            names.get(client["appId"]),
            [values[one] for one in client["delegatedPermissionIds"] if one in values],
        )
        for client in record["api"]["preAuthorizedApplications"]
    ]


def check_client(
    record: Record, app_id: str, scope_ids: Collection[str], *, edited: bool
) -> dict[str, str]:
    """What is wrong with a client that is to be authorized for these scopes, by field."""
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
    """The body that authorizes a client for these scopes; without any, for none."""
    trusted = {"appId": app_id.lower(), "delegatedPermissionIds": list(scope_ids)}
    clients = {client["appId"]: client for client in record["api"]["preAuthorizedApplications"]}
    clients[trusted["appId"]] = trusted
    wanted = [client for client in clients.values() if client["delegatedPermissionIds"]]
    return {"api": {"preAuthorizedApplications": wanted}}


def check_texts(
    texts: Mapping[str, str], longest: Mapping[str, int], needed: Collection[str]
) -> dict[str, str]:
    """Which texts are missing or too long."""
    missing = {name: "exposure.problem.required" for name in needed if not texts[name]}
    long = {n: "exposure.problem.long" for n, most in longest.items() if len(texts[n]) > most}
    return missing | long


def check_name(record: Record, value: str, own_id: str) -> dict[str, str]:
    """What is wrong with the name of a scope or an app role, as tokens will carry it."""
    offered = (*record["appRoles"], *record["api"]["oauth2PermissionScopes"])
    if any(char.isspace() for char in value) or value.startswith("."):
        return {"value": "exposure.problem.value"}
    if value and any(one["value"] == value and one["id"] != own_id for one in offered):
        return {"value": "exposure.problem.taken"}
    return {}


def put(present: Iterable[Record], entitlement: Record) -> list[Record]:
    """Scopes or app roles with this one in the place of that with its ID, or as the last."""
    found = {one["id"]: one for one in present}
    found[entitlement["id"]] = found.get(entitlement["id"], {}) | entitlement
    return list(found.values())


def without(present: Iterable[Record], entitlement_id: str) -> list[Record]:
    """Scopes or app roles but for the one with this ID."""
    return [one for one in present if one["id"] != entitlement_id]
