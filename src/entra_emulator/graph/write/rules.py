"""
What may be written into each type: who sets a property, how long it is, what it can be.

Sources: the API pages and resource pages of Microsoft Graph v1.0. Types are in the CSDL; what is
not said here is whatever its type allows.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Rule(NamedTuple):
    """
    What may be written into a type.

    Args:
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

    fixed: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    lengths: Mapping[str, int] = {}
    counts: Mapping[str, int] = {}
    choices: Mapping[str, frozenset[str]] = {}
    guids: frozenset[str] = frozenset()
    filled: bool = False


def _name(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERYWHERE = "id deletedDateTime createdDateTime"
_SYNCED = (
    "onPremisesDomainName onPremisesLastSyncDateTime onPremisesProvisioningErrors "
    "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled "
    "serviceProvisioningErrors"
)

_USER = Rule(
    fixed=_name(
        f"{_EVERYWHERE} {_SYNCED} assignedLicenses assignedPlans creationType "
        "externalUserStateChangeDateTime identityParentId imAddresses isManagementRestricted "
        "lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates "
        "onPremisesDistinguishedName onPremisesUserPrincipalName provisionedPlans "
        "proxyAddresses securityIdentifier signInActivity signInSessionsValidFromDateTime"
    ),
    elsewhere=_name(
        "aboutMe birthday deviceEnrollmentLimit hireDate interests mailboxSettings mySite "
        "pastProjects preferredName print responsibilities schools skills"
    ),
    required=(
        "accountEnabled",
        "displayName",
        "mailNickname",
        "passwordProfile",
        "userPrincipalName",
    ),
    lengths={
        "businessPhones": 64,
        "city": 128,
        "companyName": 64,
        "country": 128,
        "department": 64,
        "displayName": 256,
        "employeeId": 16,
        "faxNumber": 64,
        "givenName": 64,
        "jobTitle": 128,
        "mail": 256,
        "mailNickname": 64,
        "mobilePhone": 64,
        "officeLocation": 128,
        "otherMails": 250,
        "postalCode": 40,
        "state": 128,
        "streetAddress": 1024,
        "surname": 64,
        "usageLocation": 2,
        "userPrincipalName": 113,
    },
    counts={"businessPhones": 1, "otherMails": 250},
    choices={
        "ageGroup": _name("Minor NotAdult Adult"),
        "consentProvidedForMinor": _name("Granted Denied NotRequired"),
        "userType": _name("Member Guest"),
    },
    filled=True,
)

_GROUP = Rule(
    fixed=_name(
        f"{_EVERYWHERE} {_SYNCED} assignedLicenses expirationDateTime hasMembersWithLicenseErrors "
        "isArchived isManagementRestricted licenseProcessingState mail onPremisesNetBiosName "
        "organizationId proxyAddresses renewedDateTime securityIdentifier"
    ),
    once=_name(
        "creationOptions isAssignableToRole resourceBehaviorOptions resourceProvisioningOptions "
        "uniqueName"
    ),
    elsewhere=_name(
        "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists "
        "hideFromOutlookClients infoCatalogs isFavorite isSubscribedByMail "
        "unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled"
    ),
    required=("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
    lengths={"description": 1024, "displayName": 256, "mailNickname": 64, "membershipRule": 3072},
    choices={
        "groupTypes": _name("DynamicMembership Unified"),
        "membershipRuleProcessingState": _name("On Paused"),
        "theme": _name("Teal Purple Green Blue Pink Orange Red"),
        "visibility": _name("HiddenMembership Private Public"),
    },
    filled=True,
)

_DEVICE = Rule(
    fixed=_name(
        "id deletedDateTime complianceExpirationDateTime deviceCategory deviceOwnership "
        "enrollmentProfileName enrollmentType isManagementRestricted isRooted managementType "
        "manufacturer mdmAppId model onPremisesLastSyncDateTime onPremisesSecurityIdentifier "
        "onPremisesSyncEnabled registrationDateTime trustType"
    ),
    once=_name("alternativeSecurityIds deviceId"),
    required=(
        "accountEnabled",
        "alternativeSecurityIds",
        "deviceId",
        "displayName",
        "operatingSystem",
        "operatingSystemVersion",
    ),
    lengths={"displayName": 256},
    guids=_name("deviceId"),
    filled=True,
)

_UNIT = Rule(
    fixed=_name("id deletedDateTime"),
    once=_name("isMemberManagementRestricted visibility"),
    required=("displayName",),
    lengths={"description": 1024, "displayName": 256},
    choices={
        "membershipRuleProcessingState": _name("On Paused"),
        "membershipType": _name("Assigned Dynamic"),
        "visibility": _name("HiddenMembership Public"),
    },
    filled=True,
)

_AUDIENCES = _name(
    "AzureADMyOrg AzureADMultipleOrgs AzureADandPersonalMicrosoftAccount PersonalMicrosoftAccount"
)

_APPLICATION = Rule(
    fixed=_name(
        f"{_EVERYWHERE} appId applicationTemplateId certification createdByAppId "
        "disabledByMicrosoftStatus managerApplications publisherDomain verifiedPublisher"
    ),
    once=_name("passwordCredentials uniqueName"),
    elsewhere=_name("logo"),
    required=("displayName",),
    lengths={"description": 1024, "displayName": 256, "notes": 1024, "uniqueName": 256},
    choices={"signInAudience": _AUDIENCES},
)

_PRINCIPAL = Rule(
    fixed=_name(
        f"{_EVERYWHERE} appDescription appDisplayName appOwnerOrganizationId "
        "applicationTemplateId createdByAppId disabledByMicrosoftStatus passwordCredentials "
        "resourceSpecificApplicationPermissions servicePrincipalType signInAudience "
        "verifiedPublisher"
    ),
    once=_name("appId"),
    required=("appId",),
    guids=_name("appId"),
    lengths={"description": 1024, "displayName": 256, "notes": 1024},
)

_KEY_TYPES = _name("AsymmetricX509Cert X509CertAndPassword Symmetric")

RULES: dict[str, Rule] = {
    "user": _USER,
    "group": _GROUP,
    "device": _DEVICE,
    "administrativeUnit": _UNIT,
    "application": _APPLICATION,
    "servicePrincipal": _PRINCIPAL,
    "federatedIdentityCredential": Rule(
        fixed=_name("id"),
        required=("name", "issuer", "subject", "audiences"),
        counts={"audiences": 1},
    ),
    "oAuth2PermissionGrant": Rule(
        fixed=_name("id"),
        once=_name("clientId consentType principalId resourceId"),
        required=("clientId", "consentType", "resourceId"),
        lengths={"scope": 3850},
        choices={"consentType": _name("AllPrincipals Principal")},
        guids=_name("clientId principalId resourceId"),
    ),
    "appRoleAssignment": Rule(
        fixed=_name(f"{_EVERYWHERE} principalDisplayName principalType resourceDisplayName"),
        required=("principalId", "resourceId", "appRoleId"),
    ),
    "directoryRole": Rule(
        fixed=_name("id deletedDateTime description displayName"),
        required=("roleTemplateId",),
        guids=_name("roleTemplateId"),
    ),
    "domain": Rule(
        fixed=_name(
            "availabilityStatus isAdminManaged isDefault isInitial isRoot isVerified state "
            "supportedServices passwordNotificationWindowInDays passwordValidityPeriodInDays "
            "authenticationType"
        ),
        required=("id",),
        lengths={"id": 255},
    ),
    # Parts of others
    "appRole": Rule(
        fixed=_name("origin"),
        required=("id", "displayName", "allowedMemberTypes"),
        lengths={"description": 1024, "displayName": 100, "value": 120},
        choices={"allowedMemberTypes": _name("Application User")},
    ),
    "permissionScope": Rule(
        fixed=_name("origin"),
        required=("id", "value"),
        lengths={
            "adminConsentDescription": 850,
            "adminConsentDisplayName": 100,
            "userConsentDescription": 850,
            "userConsentDisplayName": 100,
            "value": 120,
        },
        choices={"type": _name("Admin User")},
    ),
    "requiredResourceAccess": Rule(
        required=("resourceAppId", "resourceAccess"), guids=_name("resourceAppId")
    ),
    "resourceAccess": Rule(required=("id", "type"), choices={"type": _name("Role Scope")}),
    "preAuthorizedApplication": Rule(
        required=("appId",), guids=_name("appId delegatedPermissionIds")
    ),
    "optionalClaim": Rule(required=("name",)),
    "keyCredential": Rule(
        choices={"type": _KEY_TYPES, "usage": _name("Sign Verify")}, lengths={"displayName": 90}
    ),
    "passwordCredential": Rule(fixed=_name("hint secretText"), lengths={"displayName": 120}),
    "passwordProfile": Rule(lengths={"password": 256}),
    "objectIdentity": Rule(
        required=("signInType",),
        lengths={"issuer": 512, "issuerAssignedId": 64, "signInType": 64},
    ),
    "webApplication": Rule(
        lengths={"homePageUrl": 255, "logoutUrl": 255}, counts={"redirectUris": 256}
    ),
    "spaApplication": Rule(counts={"redirectUris": 256}),
    "publicClientApplication": Rule(counts={"redirectUris": 256}),
    "verifiedPublisher": Rule(fixed=_name("addedDateTime displayName verifiedPublisherId")),
}


def find_rule(kind: str) -> Rule:
    """The rule of a type; without one of its own everything of its type goes."""
    return RULES.get(kind) or Rule()
