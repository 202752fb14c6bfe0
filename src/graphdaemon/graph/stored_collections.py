"""
The collections that can be kept in a database: their tables, columns and default properties.

The types of the properties come from Microsoft's published metadata (data/properties.json, written
by tools/generate_properties.py). The file is read at the first use.
"""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

ColumnKind = Literal["text", "integer", "boolean", "real", "json"]
# A property that is a list has a column of the kind `json`.
PropertyKind = Literal[ColumnKind, "list"]


class Column(NamedTuple):
    """
    A typed column of a view.

    Attributes:
        name: The property; in the view of an edge, one of `parent`, `child` and `kind`.
        kind: The type of the values; `json` stands for an object or a list.
    """

    name: str
    kind: ColumnKind


class StoredCollection(NamedTuple):
    """
    A collection as a database keeps it.

    It is a collection of objects, or an edge: a relation between objects, such as
    `groups/members`, each row of which says that a parent has a child.

    Attributes:
        name: Its name on the command line, such as `users` or `groups/members`.
        table: The name of its view; the names of its tables begin with it.
        type: The type of its objects in Graph; empty for an edge, whose children may have any.
        role: The least application permission with which all of it can be read.
        select: The properties that a list and a delta ask for by default; `id` comes first.
        parent: The collection for each of whose objects it is read; empty if it has a path of its
            own.
        relation: The navigation property of the parent that is read; empty without a parent.
        delta: Whether a delta query tells its changes.
    """

    name: str
    table: str
    type: str
    role: str
    select: tuple[str, ...]
    parent: str = ""
    relation: str = ""
    delta: bool = True

    @property
    def is_edge(self) -> bool:
        """Whether a row is not an object, but says that a parent has a child."""
        return bool(self.parent) and not self.type

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its view except `id`; for an edge `parent`, `child` and `kind`."""
        if self.is_edge:
            return tuple(Column(name, "text") for name in ("parent", "child", "kind"))
        kinds = _read_properties()[self.type]
        selected = ((name, kinds[name]) for name in self.select if name != "id")
        return tuple(Column(name, "json" if kind == "list" else kind) for name, kind in selected)

    @property
    def lists(self) -> frozenset[str]:
        """The properties of its type that are lists; one that is not set is `[]`, and not null."""
        kinds = _read_properties().get(self.type, {})
        return frozenset(name for name, kind in kinds.items() if kind == "list")

    def spell(self, name: str) -> str:
        """
        Return the name of a property as Graph spells it; `name` may have any case.

        Graph takes `displayname`, and answers with `displayName`. A name that is not published,
        such as that of an extension, is returned unchanged.
        """
        return _read_spellings().get(self.type, {}).get(name.casefold(), name)

    def is_relation(self, name: str) -> bool:
        """Return whether `name`, in any case, is a relation to other objects, not a property."""
        return name.casefold() in _read_relations().get(self.type, ())


# The properties that Graph returns by default ("user resource type"), and the others that the
# directory itself keeps. Left out are those that another service keeps and a delta refuses
# (aboutMe, signInActivity, mailboxSettings), those that need a permission of their own
# (employeeLeaveDateTime, customSecurityAttributes), and those that change without anybody having
# changed them (assignedPlans, provisionedPlans, licenseAssignmentStates).
_USER = (
    "id accountEnabled ageGroup assignedLicenses businessPhones city companyName "
    "consentProvidedForMinor country createdDateTime creationType department displayName "
    "employeeHireDate employeeId employeeOrgData employeeType externalUserState "
    "externalUserStateChangeDateTime faxNumber givenName identities jobTitle "
    "lastPasswordChangeDateTime legalAgeGroupClassification mail mailNickname mobilePhone "
    "officeLocation onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes "
    "onPremisesImmutableId onPremisesLastSyncDateTime onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails "
    "passwordPolicies postalCode preferredDataLocation preferredLanguage proxyAddresses "
    "securityIdentifier signInSessionsValidFromDateTime state streetAddress surname usageLocation "
    "userPrincipalName userType"
)
# Left out are properties of the group's mailbox (unseenCount, hideFromAddressLists): lists refuse
# them.
_GROUP = (
    "id assignedLicenses classification createdDateTime description displayName expirationDateTime "
    "groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule "
    "membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime "
    "onPremisesNetBiosName onPremisesProvisioningErrors onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage "
    "proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions "
    "securityEnabled securityIdentifier serviceProvisioningErrors theme uniqueName visibility"
)
_DEVICE = (
    "id accountEnabled alternativeSecurityIds approximateLastSignInDateTime "
    "complianceExpirationDateTime deviceCategory deviceId deviceMetadata deviceOwnership "
    "deviceVersion displayName enrollmentProfileName enrollmentType isCompliant isManaged isRooted "
    "managementType manufacturer mdmAppId model onPremisesLastSyncDateTime "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled operatingSystem operatingSystemVersion "
    "physicalIds profileType registrationDateTime systemLabels trustType"
)
# Left out is the logo, which is a file.
_APPLICATION = (
    "id addIns api appId appRoles applicationTemplateId certification createdDateTime "
    "defaultRedirectUri description disabledByMicrosoftStatus displayName groupMembershipClaims "
    "identifierUris info isDeviceOnlyAuthSupported isFallbackPublicClient keyCredentials "
    "nativeAuthenticationApisEnabled notes optionalClaims parentalControlSettings "
    "passwordCredentials publicClient publisherDomain requestSignatureVerification "
    "requiredResourceAccess samlMetadataUrl serviceManagementReference "
    "servicePrincipalLockConfiguration signInAudience spa tags tokenEncryptionKeyId uniqueName "
    "verifiedPublisher web"
)
_SERVICE_PRINCIPAL = (
    "id accountEnabled addIns alternativeNames appDescription appDisplayName appId "
    "appOwnerOrganizationId appRoleAssignmentRequired appRoles applicationTemplateId description "
    "disabledByMicrosoftStatus displayName homepage info keyCredentials loginUrl logoutUrl notes "
    "notificationEmailAddresses oauth2PermissionScopes passwordCredentials "
    "preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls "
    "resourceSpecificApplicationPermissions samlSingleSignOnSettings servicePrincipalNames "
    "servicePrincipalType signInAudience tags tokenEncryptionKeyId verifiedPublisher"
)
_ADMINISTRATIVE_UNIT = (
    "id description displayName isMemberManagementRestricted membershipRule "
    "membershipRuleProcessingState membershipType visibility"
)
_DIRECTORY_ROLE = "id description displayName roleTemplateId"
_PERMISSION_GRANT = "id clientId consentType principalId resourceId scope"
_APP_ROLE_ASSIGNMENT = (
    "id appRoleId createdDateTime principalDisplayName principalId principalType "
    "resourceDisplayName resourceId"
)


def _row(name: str, table: str, kind: str, role: str, select: str = "id") -> StoredCollection:
    parent, _, relation = name.rpartition("/")
    row = StoredCollection(name, table, kind, role, tuple(select.split()), parent)
    return row._replace(relation=relation) if parent else row


_ROWS = (
    _row("users", "users", "user", "User.Read.All", _USER),
    _row("groups", "groups", "group", "GroupMember.Read.All", _GROUP),
    _row("devices", "devices", "device", "Device.Read.All", _DEVICE),
    _row("applications", "applications", "application", "Application.Read.All", _APPLICATION),
    _row(
        "servicePrincipals",
        "service_principals",
        "servicePrincipal",
        "Application.Read.All",
        _SERVICE_PRINCIPAL,
    ),
    _row("groups/members", "group_members", "", "GroupMember.Read.All"),
    _row("groups/owners", "group_owners", "", "GroupMember.Read.All"),
    _row("users/manager", "user_managers", "", "User.Read.All"),
    # Graph has no published delta query for them.
    _row(
        "servicePrincipals/appRoleAssignedTo",
        "app_role_assignments",
        "appRoleAssignment",
        "Application.Read.All",
        _APP_ROLE_ASSIGNMENT,
    )._replace(delta=False),
    # The segment `directory` of its path is not a collection, so it has no parent.
    _row(
        "directory/administrativeUnits",
        "administrative_units",
        "administrativeUnit",
        "AdministrativeUnit.Read.All",
        _ADMINISTRATIVE_UNIT,
    )._replace(parent="", relation=""),
    _row(
        "directory/administrativeUnits/members",
        "administrative_unit_members",
        "",
        "AdministrativeUnit.Read.All",
    ),
    _row(
        "directoryRoles",
        "directory_roles",
        "directoryRole",
        "RoleManagement.Read.Directory",
        _DIRECTORY_ROLE,
    ),
    _row("directoryRoles/members", "directory_role_members", "", "RoleManagement.Read.Directory"),
    _row(
        "oauth2PermissionGrants",
        "oauth2_permission_grants",
        "oAuth2PermissionGrant",
        "Directory.Read.All",
        _PERMISSION_GRANT,
    ),
)

STORED_COLLECTIONS = {row.name: row for row in _ROWS}
"""Every stored collection by its name; a parent comes before the collections read below it."""


class _Table(msgspec.Struct):
    types: dict[str, dict[str, PropertyKind]]
    relations: dict[str, list[str]]


@cache
def _read_table() -> _Table:
    # importlib.resources would import tempfile, bz2 and lzma.
    content = (Path(__file__).parent / "data/properties.json").read_bytes()
    return msgspec.json.decode(content, type=_Table)


def _read_properties() -> dict[str, dict[str, PropertyKind]]:
    return _read_table().types


@cache
def _read_spellings() -> dict[str, dict[str, str]]:
    types = _read_table().types
    return {kind: {name.casefold(): name for name in names} for kind, names in types.items()}


@cache
def _read_relations() -> dict[str, frozenset[str]]:
    relations = _read_table().relations
    return {kind: frozenset(map(str.casefold, names)) for kind, names in relations.items()}
