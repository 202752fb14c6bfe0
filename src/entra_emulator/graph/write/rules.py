"""
Rules for writing to a type: who sets a property, its length, and its possible values.

Each collection states the rule of its own type; the rules of complex types are here. The CSDL has
the type of each property; a property that no rule names can be whatever its type allows.

Sources: the API pages and resource pages of Microsoft Graph v1.0.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

# "ASCII character set 0 - 127 except @ () \ [] \" ; : <> , SPACE" (group resource type).
NICKNAME = re.compile(r"[!#-\'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}")

# Properties that only the service sets: of nearly every type, and of types whose objects can come
# from an Active Directory.
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
        elsewhere: properties that other services than the directory keep; not emulated.
        required: properties that a new object must have.
        lengths: the most characters of texts.
        counts: the most items of collections.
        choices: the only values that properties can have.
        guids: texts that must be GUIDs, although the CSDL does not say so.
        filled: whether texts must not be empty.
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


def split_names(names: str) -> frozenset[str]:
    """The names in a text that separates them by blanks."""
    return frozenset(names.split())


_STATES = split_names("enabled disabled")  # appManagementRestrictionState

_PARTS = (
    Rule(
        "appRole",
        fixed=split_names("origin"),
        required=("id", "displayName", "allowedMemberTypes"),
        lengths={"description": 1024, "displayName": 100, "value": 120},
        choices={"allowedMemberTypes": split_names("Application User")},
    ),
    Rule(
        "permissionScope",
        fixed=split_names("origin"),
        required=("id", "value"),
        lengths={
            "adminConsentDescription": 850,
            "adminConsentDisplayName": 100,
            "userConsentDescription": 850,
            "userConsentDisplayName": 100,
            "value": 120,
        },
        choices={"type": split_names("Admin User")},
    ),
    Rule(
        "requiredResourceAccess",
        required=("resourceAppId", "resourceAccess"),
        guids=split_names("resourceAppId"),
    ),
    Rule("resourceAccess", required=("id", "type"), choices={"type": split_names("Role Scope")}),
    Rule(
        "preAuthorizedApplication",
        required=("appId",),
        guids=split_names("appId delegatedPermissionIds"),
    ),
    Rule("optionalClaim", required=("name",)),
    Rule(
        "keyCredential",
        choices={
            "type": split_names("AsymmetricX509Cert X509CertAndPassword Symmetric"),
            "usage": split_names("Sign Verify"),
        },
        lengths={"displayName": 90},
    ),
    Rule(
        "passwordCredentialConfiguration",
        required=("restrictionType",),
        choices={
            "restrictionType": split_names(
                "passwordAddition passwordLifetime symmetricKeyAddition symmetricKeyLifetime "
                "customPasswordAddition"
            ),
            "state": _STATES,
        },
    ),
    Rule(
        "keyCredentialConfiguration",
        required=("restrictionType",),
        choices={"restrictionType": split_names("asymmetricKeyLifetime"), "state": _STATES},
    ),
    Rule("identifierUriRestriction", choices={"state": _STATES}),
    # The service draws secrets itself, so that none is weak or used elsewhere.
    Rule("passwordCredential", fixed=split_names("hint secretText"), lengths={"displayName": 120}),
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
    Rule("verifiedPublisher", fixed=split_names("addedDateTime displayName verifiedPublisherId")),
)

_RULES = {rule.kind: rule for rule in _PARTS}


def find_rule(kind: str) -> Rule:
    """The rule of a complex type; one that is not listed accepts all that its types allow."""
    return _RULES.get(kind) or Rule(kind)
