"""
Which properties each type has: declared, shown by default, selectable.

Types come from Microsoft's published CSDL (data/schema.json, written by
tools/generate_schema.py); what only beta declares can be selected, and is empty.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from entra_emulator.model.report_schema import REPORT_TYPES

# The types of a directoryObject; where two declare a property, the first one's type counts.
DIRECTORY_TYPES = (
    "user",
    "group",
    "device",
    "application",
    "servicePrincipal",
    "administrativeUnit",
    "directoryRole",
    "orgContact",
)

# Recorded 2022-2024 (Azure CLI), except appRoleAssignment, whose order is documented.
_DEFAULTS = {
    # Lists and single users, 130 of 130; a POST's answer has id first.
    "user": "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id",
    "group": "id deletedDateTime classification createdDateTime creationOptions description "
    "displayName expirationDateTime groupTypes isAssignableToRole mail mailEnabled mailNickname "
    "membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime "
    "onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier "
    "onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses renewedDateTime "
    "resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
    "visibility onPremisesProvisioningErrors serviceProvisioningErrors",
    "application": "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus "
    "createdDateTime displayName description groupMembershipClaims identifierUris "
    "isDeviceOnlyAuthSupported isFallbackPublicClient nativeAuthenticationApisEnabled notes "
    "publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId "
    "uniqueName samlMetadataUrl defaultRedirectUri certification optionalClaims "
    "servicePrincipalLockConfiguration requestSignatureVerification addIns api appRoles info "
    "keyCredentials parentalControlSettings passwordCredentials publicClient "
    "requiredResourceAccess verifiedPublisher web spa",
    "servicePrincipal": "id deletedDateTime accountEnabled alternativeNames appDisplayName "
    "appDescription appId applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired "
    "createdDateTime description disabledByMicrosoftStatus displayName homepage loginUrl "
    "logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode "
    "preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType "
    "signInAudience tags tokenEncryptionKeyId info samlSingleSignOnSettings addIns appRoles "
    "keyCredentials oauth2PermissionScopes passwordCredentials "
    "resourceSpecificApplicationPermissions verifiedPublisher",
    "appRoleAssignment": "id deletedDateTime appRoleId createdDateTime principalDisplayName "
    "principalId principalType resourceDisplayName resourceId",
    "domain": "authenticationType availabilityStatus id isAdminManaged isDefault isInitial isRoot "
    "isVerified supportedServices passwordValidityPeriodInDays "
    "passwordNotificationWindowInDays state",
    "federatedIdentityCredential": "id name issuer subject description audiences",
    "oAuth2PermissionGrant": "clientId consentType id principalId resourceId scope",
    "licenseDetails": "id skuId skuPartNumber servicePlans",
}

_CREDENTIAL_RESTRICTIONS = {
    "keyCredentials": "Collection(microsoft.graph.keyCredentialConfiguration)",
    "passwordCredentials": "Collection(microsoft.graph.passwordCredentialConfiguration)",
}
_RESTRICTION = {
    "state": "Edm.String",
    "restrictForAppsCreatedAfterDateTime": "Edm.DateTimeOffset",
    "excludeActors": "microsoft.graph.appManagementPolicyActorExemptions",
}

# Properties that answers or API pages show though the CSDL does not declare them.
_UNDECLARED: Mapping[str, Mapping[str, str]] = {
    **REPORT_TYPES,
    "group": {"creationOptions": "Collection(Edm.String)"},  # recorded
    "servicePrincipal": {"createdDateTime": "Edm.DateTimeOffset"},  # recorded
    "device": {"extensionAttributes": "microsoft.graph.onPremisesExtensionAttributes"},
    # A type that is not in the metadata used here ("licenseDetails resource type").
    "licenseDetails": {
        "id": "Edm.String",
        "skuId": "Edm.Guid",
        "skuPartNumber": "Edm.String",
        "servicePlans": "Collection(microsoft.graph.servicePlanInfo)",
    },
    # Likewise, from the API pages of these types.
    "tenantAppManagementPolicy": {
        "id": "Edm.String",
        "description": "Edm.String",
        "displayName": "Edm.String",
        "isEnabled": "Edm.Boolean",
        "applicationRestrictions": "microsoft.graph.appManagementApplicationConfiguration",
        "servicePrincipalRestrictions": (
            "microsoft.graph.appManagementServicePrincipalConfiguration"
        ),
    },
    "appManagementPolicy": {
        "id": "Edm.String",
        "description": "Edm.String",
        "displayName": "Edm.String",
        "isEnabled": "Edm.Boolean",
        "restrictions": "microsoft.graph.customAppManagementConfiguration",
    },
    "appManagementApplicationConfiguration": _CREDENTIAL_RESTRICTIONS
    | {"identifierUris": "microsoft.graph.identifierUriConfiguration"},
    "appManagementServicePrincipalConfiguration": _CREDENTIAL_RESTRICTIONS,
    "customAppManagementConfiguration": _CREDENTIAL_RESTRICTIONS
    | {
        "applicationRestrictions": "microsoft.graph.customAppManagementApplicationConfiguration",
    },
    "customAppManagementApplicationConfiguration": {
        "identifierUris": "microsoft.graph.identifierUriConfiguration",
    },
    "passwordCredentialConfiguration": _RESTRICTION
    | {"restrictionType": "Edm.String", "maxLifetime": "Edm.Duration"},
    "keyCredentialConfiguration": _RESTRICTION
    | {"restrictionType": "Edm.String", "maxLifetime": "Edm.Duration"},
    "identifierUriConfiguration": {
        "nonDefaultUriAddition": "microsoft.graph.identifierUriRestriction",
        "uriAdditionWithoutUniqueTenantIdentifier": "microsoft.graph.identifierUriRestriction",
    },
    "identifierUriRestriction": _RESTRICTION
    | {"excludeAppsReceivingV2Tokens": "Edm.Boolean", "excludeSaml": "Edm.Boolean"},
    "appManagementPolicyActorExemptions": {
        "customSecurityAttributes": "Collection(microsoft.graph.customSecurityAttributeExemption)",
    },
    "customSecurityAttributeExemption": {
        "id": "Edm.String",
        "operator": "Edm.String",
        "value": "Edm.String",
    },
    # Likewise, from the CSDL of the same day.
    "unifiedRoleAssignment": {
        "id": "Edm.String",
        "appScopeId": "Edm.String",
        "condition": "Edm.String",
        "directoryScopeId": "Edm.String",
        "principalId": "Edm.String",
        "principalOrganizationId": "Edm.String",
        "roleDefinitionId": "Edm.String",
    },
    "unifiedRoleDefinition": {
        "id": "Edm.String",
        "description": "Edm.String",
        "displayName": "Edm.String",
        "isBuiltIn": "Edm.Boolean",
        "isEnabled": "Edm.Boolean",
        "resourceScopes": "Collection(Edm.String)",
        "rolePermissions": "Collection(microsoft.graph.unifiedRolePermission)",
        "templateId": "Edm.String",
        "version": "Edm.String",
    },
    "invitation": {
        "id": "Edm.String",
        "invitedUserDisplayName": "Edm.String",
        "invitedUserEmailAddress": "Edm.String",
        "invitedUserMessageInfo": "microsoft.graph.invitedUserMessageInfo",
        "invitedUserType": "Edm.String",
        "inviteRedeemUrl": "Edm.String",
        "inviteRedirectUrl": "Edm.String",
        "resetRedemption": "Edm.Boolean",
        "sendInvitationMessage": "Edm.Boolean",
        "status": "Edm.String",
    },
    "invitedUserMessageInfo": {
        "messageLanguage": "Edm.String",
        "customizedMessageBody": "Edm.String",
        "ccRecipients": "Collection(microsoft.graph.recipient)",
    },
    "recipient": {"emailAddress": "microsoft.graph.emailAddress"},
    "emailAddress": {"name": "Edm.String", "address": "Edm.String"},
    "scopedRoleMembership": {
        "id": "Edm.String",
        "administrativeUnitId": "Edm.String",
        "roleId": "Edm.String",
        "roleMemberInfo": "microsoft.graph.identity",
    },
    "identity": {
        "id": "Edm.String",
        "displayName": "Edm.String",
        "userPrincipalName": "Edm.String",
    },
    "unifiedRolePermission": {
        "allowedResourceActions": "Collection(Edm.String)",
        "condition": "Edm.String",
        "excludedResourceActions": "Collection(Edm.String)",
    },
}

# The navigation properties of those types.
_UNDECLARED_NAVIGATION = {
    "appManagementPolicy": {"appliesTo": "Collection(microsoft.graph.directoryObject)"},
    "unifiedRoleAssignment": {
        "directoryScope": "microsoft.graph.directoryObject",
        "principal": "microsoft.graph.directoryObject",
        "roleDefinition": "microsoft.graph.unifiedRoleDefinition",
    },
    "unifiedRoleDefinition": {
        "inheritsPermissionsFrom": "Collection(microsoft.graph.unifiedRoleDefinition)",
    },
}

# What User.ReadBasic.All shows (permissions reference); everything else reads as null.
BASIC_USER = frozenset(
    {"displayName", "givenName", "id", "mail", "securityIdentifier", "surname", "userPrincipalName"}
)

# Complex types with nothing but what is navigated to, and so without a value of their own: the CSDL
# declares a `recentPrinterShares` below `/users/{id}/print`, and no property.
VALUELESS = frozenset({"microsoft.graph.userPrint"})

# Selecting these on the collection is answered 501 (microsoft-graph-docs#7555, #3878).
SINGLE_USER_ONLY = frozenset(
    {
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mailboxSettings",
        "mySite",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "skills",
    }
)


class AppRole(NamedTuple):
    """An application permission of Microsoft Graph."""

    id: str
    value: str
    display_name: str


class Scope(NamedTuple):
    """
    A delegated permission of Microsoft Graph; restricted ones need an administrator's consent.

    `admin_text` and `user_text` are what consent pages call it.
    """

    id: str
    value: str
    admin_text: str
    user_text: str
    restricted: bool


@cache
def declared(kind: str) -> Mapping[str, str]:
    """
    The properties of a type with their EDM types, e.g. `Edm.Boolean`.

    Complex types are known too; "directoryObject" has what any directory type has.
    """
    tables = _schema()
    # The CSDL gives the base type itself nothing but `deletedDateTime`, yet `$select` on a list of
    # directory objects takes what its members have.
    if kind == "directoryObject":
        merged: dict[str, str] = {}
        for one in reversed(DIRECTORY_TYPES):
            merged |= declared(one)
        return merged
    own: dict[str, str] = tables["types"].get(kind) or tables["complex"].get(kind, {})
    return {**own, **_UNDECLARED.get(kind, {})}


@cache
def default(kind: str) -> tuple[str, ...]:
    """
    What objects of a type show when nothing is selected, in this order.

    Where nothing is recorded it is everything declared, in the CSDL's order.
    """
    names = _DEFAULTS.get(kind)
    return tuple(names.split()) if names else tuple(_schema()["types"][kind])


@cache
def navigation(kind: str) -> Mapping[str, str]:
    """
    The navigation properties of a type with what they lead to.

    E.g. `Collection(microsoft.graph.directoryObject)`; complex types have none.
    """
    properties: dict[str, str] = _schema()["navigation"].get(kind, {})
    return properties or _UNDECLARED_NAVIGATION.get(kind, {})


def knows(name: str) -> bool:
    """Whether there is an entity or complex type of this name."""
    tables = _schema()
    return name in tables["types"] or name in tables["complex"] or name in _UNDECLARED


@cache
def declared_in_beta(kind: str) -> Mapping[str, str]:
    """
    The properties that only beta declares for a type, with their EDM types; none is stored here.

    They come from Microsoft's SDK for beta (data/beta.json, written by
    tools/generate_beta_properties.py); "directoryObject" has those of every directory type.
    """
    tables: dict[str, dict[str, str]] = _load("beta.json")["properties"]
    if kind != "directoryObject":
        return tables.get(kind, {})
    merged: dict[str, str] = {}
    for one in reversed(DIRECTORY_TYPES):
        merged |= tables.get(one, {})
    return merged


def canonical_in_beta(kind: str, name: str) -> str | None:
    """The name, as the service writes it, of a property that only beta declares; else None."""
    folded = name.casefold()
    return next((own for own in declared_in_beta(kind) if own.casefold() == folded), None)


def published(table: str) -> Mapping[str, Any]:
    """A whole table of the published CSDL: "types", "complex", "enumerations", "navigation"."""
    rows: dict[str, Any] = _schema()[table]
    return rows


def enumerated(name: str) -> tuple[str, ...]:
    """The members of an enumeration; empty when there is none of this name."""
    return tuple(_schema()["enumerations"].get(name, ()))


def canonical(kind: str, name: str) -> str | None:
    """
    The property's name as the service writes it, or None when it has none.

    Names match without regard to case; `extension_{appId}_{name}` is a
    directory extension and counts as declared.
    """
    declared_name = _folded(kind).get(name.casefold())
    # Extensions are declared by each application for itself, not in the metadata.
    if declared_name is None and name.startswith("extension_") and name.isidentifier():
        return name
    return declared_name


def blank(kind: str, name: str) -> list[Any] | None:
    """How an unset property reads: an empty collection, otherwise null."""
    edm = declared(kind).get(name) or declared_in_beta(kind).get(name, "")
    return [] if edm.startswith("Collection(") else None


@cache
def app_roles() -> tuple[AppRole, ...]:
    """Microsoft Graph's application permissions, ordered by value."""
    return tuple(AppRole(*row) for row in _load("roles.json")["roles"])


@cache
def scopes() -> tuple[Scope, ...]:
    """Microsoft Graph's delegated permissions, ordered by value."""
    return tuple(Scope(*row) for row in _load("scopes.json")["scopes"])


@cache
def explain_absence(name: str, *, delegated: bool) -> str | None:
    """
    Why a permission of Microsoft Graph's cannot be asked for here; None if it can, or is none.

    Args:
        name: e.g. "User.Read.All".
        delegated: whether it would be a scope, and not an app role.
    """
    table = _load("scopes.json" if delegated else "roles.json")
    if any(name == row[1] for row in table.get("specific", ())):
        # "Resource-specific consent for Microsoft Teams".
        return f"{name} is granted to an app for a single team, chat or user, and is no app role"
    if name in table["without_id"]:
        return f"Microsoft publishes no ID for {name}, so that no application can ask for it here"
    return None


@cache
def _folded(kind: str) -> dict[str, str]:
    return {name.casefold(): name for name in declared(kind)}


@cache
def _schema() -> Any:
    return _load("schema.json")


def _load(name: str) -> Any:
    return msgspec.json.decode(files(__package__).joinpath("data", name).read_bytes())
