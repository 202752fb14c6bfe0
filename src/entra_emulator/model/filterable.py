"""
Which properties can be filtered and sorted by, of each type, and how.

From the generated tables in Microsoft's Graph documentation, of 25 October 2024
(microsoft-graph-docs-contrib, concepts/includes/directory-objects-filter.md and
directory-objects-orderby.md); of the small types, from their resource pages.
"""

from collections.abc import Mapping
from typing import NamedTuple

from entra_emulator.model.schema import DIRECTORY_TYPES, declared


class Support(NamedTuple):
    """
    Where a property can be filtered.

    Each is "D" (always), "A" (advanced queries only), "O" (all but advanced
    queries) or "" (never); the columns are `eq`, `startswith`, `ge`/`le` and
    `eq null`.
    """

    eq: str
    startswith: str
    range: str
    null: str


_ATTRIBUTES = " ".join(f"{{}}/extensionAttribute{number}" for number in range(1, 16))

# Four letters, "." for never, then the properties. `x/any` is the condition on an item of a
# collection, `x/any/y` on a property of an item, `x/$count` on whether there are items.
_USER = f"""
D... accountEnabled ageGroup consentProvidedForMinor creationType externalUserState id
D... isResourceAccount onPremisesImmutableId assignedLicenses/any/skuId
D... onPremisesProvisioningErrors/any/category onPremisesProvisioningErrors/any/propertyCausingError
DD.A city country department displayName givenName jobTitle mail mailNickname surname usageLocation
DD.. userPrincipalName imAddresses/any otherMails/any proxyAddresses/any
D..A employeeId onPremisesSecurityIdentifier onPremisesSyncEnabled state userType
AA.A companyName faxNumber mobilePhone officeLocation onPremisesDistinguishedName postalCode
AA.A streetAddress {_ATTRIBUTES.replace("{}", "onPremisesExtensionAttributes")}
A..A preferredLanguage passwordProfile/forceChangePasswordNextSignIn
A..A passwordProfile/forceChangePasswordNextSignInWithMfa
A... employeeType assignedPlans/any/capabilityStatus assignedPlans/any/servicePlanId
A... authorizationInfo/certificateUserIds/any provisionedPlans/any/provisioningStatus
A... assignedLicenses/$count onPremisesProvisioningErrors/$count otherMails/$count
A... proxyAddresses/$count ownedObjects/$count
AA.. businessPhones/any assignedPlans/any/service employeeOrgData/costCenter
AA.. employeeOrgData/division onPremisesSamAccountName provisionedPlans/any/service
...A passwordPolicies
..DA createdDateTime
..D. onPremisesLastSyncDateTime
..A. employeeHireDate
O..O identities/any/issuer
O... identities/any/issuerAssignedId
"""
_GROUP = """
D... assignedLicenses/any/skuId groupTypes/any id isAssignableToRole mailEnabled
D... membershipRuleProcessingState resourceBehaviorOptions/any resourceProvisioningOptions/any
D... onPremisesProvisioningErrors/any/category onPremisesProvisioningErrors/any/propertyCausingError
D... securityEnabled
DD.. classification infoCatalogs/any membershipRule proxyAddresses/any uniqueName
DD.A displayName mail mailNickname
D..A onPremisesSecurityIdentifier onPremisesSyncEnabled
AA.A description
AA.. onPremisesSamAccountName
A..A preferredLanguage
A... assignedLicenses/$count onPremisesProvisioningErrors/$count proxyAddresses/$count
A... owners/$count
..AA createdDateTime
..A. expirationDateTime
..D. onPremisesLastSyncDateTime renewedDateTime
O..O hasMembersWithLicenseErrors
"""
_DEVICE = f"""
D... accountEnabled alternativeSecurityIds/any/type deviceId id isCompliant isManaged
D... physicalIds/any profileType trustType
DD.A displayName operatingSystem operatingSystemVersion
D..A mdmAppId onPremisesSecurityIdentifier onPremisesSyncEnabled
AA.. alternativeSecurityIds/any/identityProvider
AA.A deviceCategory enrollmentProfileName manufacturer model
AA.A {_ATTRIBUTES.replace("{}", "extensionAttributes")}
A..A deviceOwnership isRooted managementType
A... physicalIds/$count systemLabels/$count
..DA approximateLastSignInDateTime
..D. onPremisesLastSyncDateTime
..AA registrationDateTime
"""
_APPLICATION = """
D... appId disabledByMicrosoftStatus id signInAudience
DD.. identifierUris/any publisherDomain tags/any uniqueName
DD.A displayName
AA.A description notes serviceManagementReference verifiedPublisher/displayName web/homePageUrl
AA.. info/termsOfServiceUrl publicClient/redirectUris/any spa/redirectUris/any web/redirectUris/any
A... requiredResourceAccess/any/resourceAppId
A... federatedIdentityCredentials/$count owners/$count
AA.. federatedIdentityCredentials/any/issuer federatedIdentityCredentials/any/name
AA.. federatedIdentityCredentials/any/subject
...A info/logoUrl
..DA createdDateTime
"""
_PRINCIPAL = """
D... accountEnabled appId applicationTemplateId id preferredSingleSignOnMode servicePrincipalType
DD.. alternativeNames/any servicePrincipalNames/any tags/any
DD.A displayName
AA.A description homepage notes verifiedPublisher/displayName
AA.. info/termsOfServiceUrl
A... appOwnerOrganizationId appRoleAssignmentRequired ownedObjects/$count owners/$count
...A info/logoUrl
"""
_UNIT = """
D... id isMemberManagementRestricted membershipRuleProcessingState
DD.. membershipRule
DD.A displayName
AA.A description
"""
_ROLE = """
D... id roleTemplateId
DA.A displayName
AA.A description
"""
_TABLES = {
    "user": _USER,
    "group": _GROUP,
    "device": _DEVICE,
    "application": _APPLICATION,
    "servicePrincipal": _PRINCIPAL,
    "administrativeUnit": _UNIT,
    "directoryRole": _ROLE,
    "oAuth2PermissionGrant": "D... clientId consentType principalId resourceId",
    "appRoleAssignment": "D... resourceId\nDD.. principalDisplayName",
    "federatedIdentityCredential": "D... issuer name subject",
    # The examples of their pages filter by these.
    "servicePrincipalSignInActivity": "D... appId",
    "appCredentialSignInActivity": "D... appId keyId",
    "unifiedRoleAssignment": "D... directoryScopeId id principalId roleDefinitionId",
    "unifiedRoleDefinition": "D... displayName id isBuiltIn templateId",
}


# Conditions on these are documented too; the emulator has nothing that they are about.
UNKEPT = {
    "application": frozenset({"extensionProperties"}),
    "servicePrincipal": frozenset({"createdObjects", "federatedIdentityCredentials"}),
    "user": frozenset({"createdObjects"}),
}

# Of these a filter can tell one from more. For `ownedObjects` the table says so, for `owners` the
# tutorial "Manage applications": `owners/$count eq 0 or owners/$count eq 1`. Groups are not in it;
# public programs ask for groups without owners in the same way.
COUNTED_TO_ONE = frozenset({"ownedObjects/$count", "owners/$count"})

# endsWith is for these alone.
ENDS_WITH = frozenset({"mail", "otherMails/any", "proxyAddresses/any", "userPrincipalName"})

# Directory extensions, `extension_{appId}_{name}`; documented for users, the others by analogy.
EXTENSION = Support("D", "A", "", "A")

# Public programs split listings by these with ge and le, long before and after the
# documentation's table dropped them (piotrci/Microsoft-Graph-Efficient-Operations).
RANGED = {
    "user": frozenset({"displayName", "userPrincipalName"}),
    "group": frozenset({"displayName", "mailNickname"}),
    "device": frozenset({"displayName"}),
    "application": frozenset({"displayName"}),
    "servicePrincipal": frozenset({"displayName"}),
}

SORTS: Mapping[str, Mapping[str, str]] = {
    "user": {
        "createdDateTime": "A",
        "deletedDateTime": "A",
        "displayName": "D",
        "userPrincipalName": "D",
    },
    "group": {"deletedDateTime": "A", "displayName": "D"},
    "device": {
        "approximateLastSignInDateTime": "A",
        "createdDateTime": "A",
        "deletedDateTime": "A",
        "displayName": "A",
    },
    "application": {"createdDateTime": "A", "deletedDateTime": "A", "displayName": "A"},
    "servicePrincipal": {"createdDateTime": "A", "deletedDateTime": "A", "displayName": "A"},
    "administrativeUnit": {"createdDateTime": "A", "deletedDateTime": "A", "displayName": "A"},
    "directoryObject": {"displayName": "A"},
}


def _read_table(text: str) -> dict[str, Support]:
    table: dict[str, Support] = {}
    for line in text.strip().split("\n"):
        grades, *names = line.split()
        table |= dict.fromkeys(names, Support(*(grade.strip(".") for grade in grades)))
    return table


def _merge_tables(tables: Mapping[str, Mapping[str, Support]]) -> dict[str, Support]:
    """What can be asked of any directory object; where types differ, the first one's row."""
    merged: dict[str, Support] = {}
    for kind in reversed(DIRECTORY_TYPES):
        # What is linked to an object is known by its own type alone.
        own = declared(kind)
        rows = tables.get(kind, {}).items()
        merged |= {path: row for path, row in rows if path.partition("/")[0] in own}
    return merged


_BY_KIND = {kind: _read_table(text) for kind, text in _TABLES.items()}

FILTERS: Mapping[str, Mapping[str, Support]] = {
    **_BY_KIND,
    "directoryObject": _merge_tables(_BY_KIND),
}
