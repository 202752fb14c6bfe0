"""
What may be written into a type: who sets a property, how long it is, what it can be.

Each collection states the rule of its own type; here are those of the complex types that objects
are made of. Types are in the CSDL; what is not said is whatever its type allows.

Sources: the API pages and resource pages of Microsoft Graph v1.0.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

# "ASCII character set 0 - 127 except @ () \ [] \" ; : <> , SPACE" (group resource type).
NICKNAME = re.compile(r"[!#-\'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}")

# What only the service sets, of nearly every type, and of what can come from an Active Directory.
EVERYWHERE = "id deletedDateTime createdDateTime"
SYNCED = (
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesProvisioningErrors "
    "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled "
    "serviceProvisioningErrors"
)


class Rule(NamedTuple):
    """
    What may be written into a type.

    Args:
        kind: the type's name.
        fixed: properties that only the service sets.
        once: properties that are set on creation, and never again.
        elsewhere: properties that other services keep, which are not emulated.
        required: what a new one must have.
        lengths: the most characters of texts.
        counts: the most items of collections.
        choices: the only values of properties.
        guids: texts that are GUIDs, though the CSDL does not say so.
        filled: no text may be empty.
    """

    kind: str
    fixed: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    lengths: Mapping[str, int] = {}
    counts: Mapping[str, int] = {}
    choices: Mapping[str, frozenset[str]] = {}
    guids: frozenset[str] = frozenset()
    filled: bool = False


def split(names: str) -> frozenset[str]:
    """The names in a text, which stand one blank apart."""
    return frozenset(names.split())


_PARTS = (
    Rule(
        "appRole",
        fixed=split("origin"),
        required=("id", "displayName", "allowedMemberTypes"),
        lengths={"description": 1024, "displayName": 100, "value": 120},
        choices={"allowedMemberTypes": split("Application User")},
    ),
    Rule(
        "permissionScope",
        fixed=split("origin"),
        required=("id", "value"),
        lengths={
            "adminConsentDescription": 850,
            "adminConsentDisplayName": 100,
            "userConsentDescription": 850,
            "userConsentDisplayName": 100,
            "value": 120,
        },
        choices={"type": split("Admin User")},
    ),
    Rule(
        "requiredResourceAccess",
        required=("resourceAppId", "resourceAccess"),
        guids=split("resourceAppId"),
    ),
    Rule("resourceAccess", required=("id", "type"), choices={"type": split("Role Scope")}),
    Rule(
        "preAuthorizedApplication", required=("appId",), guids=split("appId delegatedPermissionIds")
    ),
    Rule("optionalClaim", required=("name",)),
    Rule(
        "keyCredential",
        choices={
            "type": split("AsymmetricX509Cert X509CertAndPassword Symmetric"),
            "usage": split("Sign Verify"),
        },
        lengths={"displayName": 90},
    ),
    Rule("passwordCredential", fixed=split("hint secretText"), lengths={"displayName": 120}),
    Rule("passwordProfile", lengths={"password": 256}),
    Rule(
        "objectIdentity",
        required=("signInType",),
        lengths={"issuer": 512, "issuerAssignedId": 64, "signInType": 64},
    ),
    Rule(
        "webApplication",
        lengths={"homePageUrl": 255, "logoutUrl": 255},
        counts={"redirectUris": 256},
    ),
    Rule("spaApplication", counts={"redirectUris": 256}),
    Rule("publicClientApplication", counts={"redirectUris": 256}),
    Rule("verifiedPublisher", fixed=split("addedDateTime displayName verifiedPublisherId")),
)

_RULES = {rule.kind: rule for rule in _PARTS}


def find_rule(kind: str) -> Rule:
    """The rule of a complex type; without one of its own everything of its type goes."""
    return _RULES.get(kind) or Rule(kind)
