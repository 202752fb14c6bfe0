import pytest

from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant

APPLICATION_KEYS = (
    "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime "
    "displayName description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported "
    "isFallbackPublicClient nativeAuthenticationApisEnabled notes publisherDomain "
    "serviceManagementReference signInAudience tags tokenEncryptionKeyId uniqueName "
    "samlMetadataUrl defaultRedirectUri certification optionalClaims "
    "servicePrincipalLockConfiguration requestSignatureVerification addIns api appRoles info "
    "keyCredentials parentalControlSettings passwordCredentials publicClient "
    "requiredResourceAccess verifiedPublisher web spa"
).split()
PRINCIPAL_KEYS = (
    "id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId "
    "applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired createdDateTime "
    "description disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes "
    "notificationEmailAddresses preferredSingleSignOnMode preferredTokenSigningKeyThumbprint "
    "replyUrls servicePrincipalNames servicePrincipalType signInAudience tags "
    "tokenEncryptionKeyId samlSingleSignOnSettings addIns appRoles info keyCredentials "
    "oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions "
    "verifiedPublisher"
).split()


def test_application(directory: Directory, seeded: Tenant) -> None:
    """A registration comes with its service principal, both in the recorded shape."""
    redirect = "https://app.example/back"
    made = directory.applications.register(seeded, "Nightly sync", redirect_uris=[redirect])

    application = directory.applications.find(seeded, made.app_id.upper())
    principal = directory.service_principals.find(seeded, made.app_id)

    assert application == made
    assert list(application.record) == APPLICATION_KEYS
    assert application.record["web"]["redirectUris"] == [redirect]
    assert application.record["publisherDomain"] == "contoso.onmicrosoft.com"
    assert principal is not None
    assert list(principal.record) == PRINCIPAL_KEYS
    assert principal.record["servicePrincipalNames"] == [made.app_id]
    assert principal.record["appOwnerOrganizationId"] == seeded.id
    assert principal.id != application.id


def test_unknown_permission(directory: Directory, seeded: Tenant) -> None:
    """A permission that Graph does not have is a clear error, and so are unknown applications."""
    app_id = directory.applications.register(seeded, "x").app_id

    with pytest.raises(LookupError, match="Microsoft Graph has no application permission 'x'"):
        directory.applications.add_application_permission(seeded, app_id, "x")
    with pytest.raises(LookupError, match="no servicePrincipal with appId 'y'"):
        directory.applications.add_application_permission(seeded, app_id, "x", resource_app_id="y")
    with pytest.raises(LookupError, match="no application with appId 'z' in tenant 'Contoso'"):
        directory.credentials.add_password(seeded, "z")
    assert directory.applications.list_requested_roles(seeded, "z") == []
    assert directory.consents.list_granted_roles(seeded, "z") == []
