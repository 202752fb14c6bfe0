"""
The properties that Graph returns of an object by default, that is, without `$select`.

They are known for the four collections of which Graph leaves out some properties by default.
Sources: recorded answers of the real service (Azure CLI's recordings, 2022 to 2024), and the
resource types "user", "group", "application" and "servicePrincipal" of Microsoft Graph v1.0. The
beta version leaves nothing out of an answer.
"""

_DEFAULTS = {
    "users": "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id",
    "groups": "id deletedDateTime classification createdDateTime creationOptions description "
    "displayName expirationDateTime groupTypes isAssignableToRole mail mailEnabled mailNickname "
    "membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime "
    "onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier "
    "onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses renewedDateTime "
    "resourceBehaviorOptions resourceProvisioningOptions securityEnabled securityIdentifier theme "
    "visibility onPremisesProvisioningErrors serviceProvisioningErrors",
    "applications": "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus "
    "createdDateTime displayName description groupMembershipClaims identifierUris "
    "isDeviceOnlyAuthSupported isFallbackPublicClient nativeAuthenticationApisEnabled notes "
    "publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId "
    "uniqueName samlMetadataUrl defaultRedirectUri certification optionalClaims "
    "servicePrincipalLockConfiguration requestSignatureVerification addIns api appRoles info "
    "keyCredentials parentalControlSettings passwordCredentials publicClient "
    "requiredResourceAccess verifiedPublisher web spa",
    "servicePrincipals": "id deletedDateTime accountEnabled alternativeNames appDisplayName "
    "appDescription appId applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired "
    "createdDateTime description disabledByMicrosoftStatus displayName homepage loginUrl "
    "logoutUrl notes notificationEmailAddresses preferredSingleSignOnMode "
    "preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames servicePrincipalType "
    "signInAudience tags tokenEncryptionKeyId info samlSingleSignOnSettings addIns appRoles "
    "keyCredentials oauth2PermissionScopes passwordCredentials "
    "resourceSpecificApplicationPermissions verifiedPublisher",
}


def default_properties(collection: str) -> tuple[str, ...] | None:
    """
    Return the properties that Graph returns of an object of `collection` by default, in its order.

    None means that Graph returns every property, or that its defaults are not known.
    """
    names = _DEFAULTS.get(collection)
    return tuple(names.split()) if names else None
