"""
App management policies: what a tenant allows of credentials and identifier URIs. Pure.

Sources: "tenantAppManagementPolicy", "appManagementPolicy" and what they consist of (Microsoft
Graph), "Restrictions on identifier URIs of Microsoft Entra applications", "Configure restrictions
on how applications can be configured".
"""

import re
from typing import Any
from urllib.parse import urlsplit

from entra_emulator.clock import parse_iso
from entra_emulator.model.records import Record, Tenant

# "Get tenantAppManagementPolicy" shows this ID.
DEFAULT_POLICY = "00000000-0000-0000-0000-000000000000"

# "Service principals with a createdDateTime null are treated as having being created on
# 01/01/2019" ("Update tenantAppManagementPolicy").
_UNDATED = "2019-01-01T00:00:00Z"

_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6}(?:\.\d{1,7})?)S)?)?"
)
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0)


def draft_default_policy(rules: int) -> Record:
    """
    The default policy of a tenant that has not changed it.

    In June and July 2025 Microsoft has switched on that identifier URIs must be unique to the
    tenant; the exceptions are those of its guide to the setting.
    """
    restriction: Record = {
        "state": "enabled",
        "restrictForAppsCreatedAfterDateTime": None,
        "excludeAppsReceivingV2Tokens": True,
        "excludeSaml": True,
        "excludeActors": None,
    }
    unique = {"uriAdditionWithoutUniqueTenantIdentifier": restriction}
    blank: Record = {"passwordCredentials": [], "keyCredentials": []}
    return {
        "id": DEFAULT_POLICY,
        "displayName": "Default app management tenant policy",
        "description": (
            "Default tenant policy that enforces app management restrictions on applications and "
            "service principals. To apply policy to targeted resources, create a new policy under "
            "appManagementPolicies collection."
        ),
        "isEnabled": rules >= 2026,
        "applicationRestrictions": blank
        | {"identifierUris": {"nonDefaultUriAddition": None} | unique if rules >= 2026 else None},
        "servicePrincipalRestrictions": blank,
    }


def draft_policy(policy_id: str, properties: Record) -> Record:
    """A policy for some applications; it is enabled unless it says otherwise, as guides have it."""
    return {
        "id": policy_id,
        "displayName": None,
        "description": None,
        "isEnabled": True,
        "restrictions": None,
    } | properties


def parse_duration(text: str) -> float:
    """
    The seconds of an ISO 8601 duration in days, hours, minutes and seconds, e.g. `P4DT12H30M5S`.

    Raises:
        ValueError: it is none.
    """
    parts = _DURATION.fullmatch(text)
    if not parts:
        raise ValueError(f"{text!r} is no duration such as P90D")
    return sum(float(part or 0) * unit for part, unit in zip(parts.groups(), _UNITS, strict=True))


def find_restrictions(policy: Record, kind: str) -> Record:
    """What a policy says of objects of this type: passwords, keys and identifier URIs."""
    if "restrictions" in policy:
        restrictions = policy["restrictions"] or {}
        of_applications = restrictions.get("applicationRestrictions") or {}
        identifiers = of_applications.get("identifierUris")
    else:
        restrictions = policy[f"{kind}Restrictions"] or {}
        identifiers = restrictions.get("identifierUris")
    return {
        "passwordCredentials": restrictions.get("passwordCredentials") or [],
        "keyCredentials": restrictions.get("keyCredentials") or [],
        "identifierUris": (identifiers or {}) if kind == "application" else {},
    }


def find_in_force(restrictions: list[Record], word: str, record: Record) -> Record | None:
    """The restriction of this type if it holds for this application or service principal."""
    for restriction in restrictions:
        if restriction["restrictionType"] == word and holds_for(restriction, record):
            return restriction
    return None


def holds_for(restriction: Record, record: Record) -> bool:
    """Whether a restriction is on, and for applications as old as this one."""
    if restriction.get("state") == "disabled":
        return False
    since = restriction.get("restrictForAppsCreatedAfterDateTime")
    created = record.get("createdDateTime") or _UNDATED
    return since is None or parse_iso(created) >= parse_iso(since)


def exceeds_lifetime(restriction: Record | None, entry: Record) -> bool:
    """Whether a credential lives longer than a restriction allows."""
    if restriction is None or restriction.get("maxLifetime") is None:
        return False
    lifetime = parse_iso(entry["endDateTime"]) - parse_iso(entry["startDateTime"])
    return lifetime > parse_duration(restriction["maxLifetime"])


def is_default_uri(uri: str, tenant: Tenant, app_id: str) -> bool:
    """Whether an identifier URI is `api://{appId}` or `api://{tenantId}/{appId}`."""
    return uri.lower() in {f"api://{app_id}", f"api://{tenant.id}/{app_id}"}


def is_unique_uri(uri: str, tenant: Tenant, app_id: str) -> bool:
    """Whether an identifier URI contains tenant ID, appId or a verified domain in its place."""
    parts = urlsplit(uri.lower())
    host = parts.hostname or ""
    if {tenant.id, app_id} & {host, *parts.path.split("/")}:
        return True
    return f".{host}".endswith(tuple(f".{domain}" for domain in tenant.domains))


def is_exempt(restriction: Record, application: Record, principal: Record | None) -> bool:
    """Whether an application may have any identifier URI: by its tokens, or as a SAML client."""
    version = application["api"]["requestedAccessTokenVersion"]
    if restriction.get("excludeAppsReceivingV2Tokens") and version == 2:
        return True
    mode: Any = principal.get("preferredSingleSignOnMode") if principal else None
    return bool(restriction.get("excludeSaml")) and str(mode).lower() == "saml"
