"""Check new credentials and identifier URIs against the app management policies."""

from collections.abc import Iterable

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.model.app_management import (
    draft_default_policy,
    exceeds_lifetime,
    find_in_force,
    find_restrictions,
    holds_for,
    is_default_uri,
    is_exempt,
    is_unique_uri,
)
from entra_emulator.model.records import Record

_URI_RULES = {
    "nonDefaultUriAddition": ("uri_not_default", is_default_uri),
    "uriAdditionWithoutUniqueTenantIdentifier": ("uri_not_unique", is_unique_uri),
}


def read_default_policy(call: Call) -> Record:
    """The tenant's default policy, which is there from the start."""
    stored = call.directory.app_management_policies.find_default(call.tenant)
    return stored or draft_default_policy(call.context.rules)


def check_policies(call: Call, kind: str, record: Record, before: Record | None) -> None:
    """
    Refuse new credentials and identifier URIs that the policy of the object does not allow.

    Existing ones may stay ("neither … block token issuance for existing applications").

    Args:
        call: who writes, and in which tenant.
        kind: "application" or "servicePrincipal".
        record: as it is to be.
        before: as it is; None for a new one.

    Raises:
        GraphRefusal: 400.
    """
    policy = _find_policy(call, record)
    if not policy["isEnabled"]:
        return
    restrictions = find_restrictions(policy, kind)
    passwords = restrictions["passwordCredentials"]
    for entry in _list_new("passwordCredentials", record, before):
        if find_in_force(passwords, "passwordAddition", record):
            raise deny("credential_type_refused", policy=policy["id"])
        if exceeds_lifetime(find_in_force(passwords, "passwordLifetime", record), entry):
            raise deny("credential_lifetime_refused", policy=policy["id"])
    keys = restrictions["keyCredentials"]
    for entry in _list_new("keyCredentials", record, before):
        if exceeds_lifetime(find_in_force(keys, "asymmetricKeyLifetime", record), entry):
            raise deny("credential_lifetime_refused", policy=policy["id"])
    if kind == "application":
        _check_uris(call, restrictions["identifierUris"], record, before)


def check_symmetric(call: Call, kind: str, record: Record, sent: Iterable[Record]) -> None:
    """Refuse, with 400, symmetric keys that the policy does not allow."""
    policy = _find_policy(call, record)
    symmetric = any(item.get("type") == "Symmetric" for item in sent)
    if not symmetric or not policy["isEnabled"]:
        return
    passwords = find_restrictions(policy, kind)["passwordCredentials"]
    if find_in_force(passwords, "symmetricKeyAddition", record):
        raise deny("credential_type_refused", policy=policy["id"])


def _find_policy(call: Call, record: Record) -> Record:
    """
    The policy that counts for an object.

    "The assigned application or service principal doesn't inherit from the tenant default policy";
    that one that is not enabled leaves the default one in force is chosen.
    """
    own = call.directory.app_management_policies.find_assigned(call.tenant, record["id"])
    return own if own is not None and own["isEnabled"] else read_default_policy(call)


def _list_new(name: str, record: Record, before: Record | None) -> list[Record]:
    present = {entry["keyId"] for entry in before[name]} if before else set()
    return [entry for entry in record[name] if entry["keyId"] not in present]


def _check_uris(call: Call, rules: Record, record: Record, before: Record | None) -> None:
    present = set(before["identifierUris"]) if before else set()
    # An application with tokens of version 2.0 may have any, and so cannot go back ("it won't be
    # able to switch back to v1.0 tokens if it has noncompliant identifier URIs").
    if before and _receives_v2(before) and not _receives_v2(record):
        present = set()
    principal = call.directory.service_principals.find(call.tenant, record["appId"])
    for name, (word, complies) in _URI_RULES.items():
        rule = rules.get(name)
        if rule is None or not holds_for(rule, record):
            continue
        if is_exempt(rule, record, principal.record if principal else None):
            continue
        for uri in record["identifierUris"]:
            if uri not in present and not complies(uri, call.tenant, record["appId"]):
                raise deny(word, uri=uri)


def _receives_v2(record: Record) -> bool:
    return bool(record["api"]["requestedAccessTokenVersion"] == 2)
