"""
New records of applications, service principals, credentials and assignments. Pure.

They have the keys, in the order, that the service answers with (recorded from
Azure CLI, 2022-2024).
"""

import base64
import secrets
import string
from collections.abc import Iterable
from hashlib import sha1, sha256
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID

from entra_emulator.model import schema
from entra_emulator.model.records import Certificate, Record

MANAGEMENT_APP_ID = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

_URLS = ("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")
_PUBLISHER = ("displayName", "verifiedPublisherId", "addedDateTime")
_SECRET_ALPHABET = string.ascii_letters + string.digits + "._-~"


def draft_application(
    object_id: str,
    app_id: str,
    display_name: str,
    *,
    created: str,
    domain: str,
    audience: str,
    redirect_uris: Iterable[str] = (),
    public_redirect_uris: Iterable[str] = (),
    allow_public_client: bool | None = None,
) -> Record:
    """An application without credentials or permissions, as the portal makes it."""
    grants = dict.fromkeys(("enableAccessTokenIssuance", "enableIdTokenIssuance"), False)
    return _draft_blank("application") | {
        "id": object_id,
        "appId": app_id,
        "createdDateTime": created,
        "displayName": display_name,
        "isFallbackPublicClient": allow_public_client,
        "publisherDomain": domain,
        "signInAudience": audience,
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "publicClient": {"redirectUris": list(public_redirect_uris)},
        "web": {
            "homePageUrl": None,
            "logoutUrl": None,
            "redirectUris": list(redirect_uris),
            "implicitGrantSettings": grants,
            "redirectUriSettings": [],
        },
        "spa": {"redirectUris": []},
    }


def _draft_blank(kind: str) -> Record:
    """The default representation of a type with nothing set, in the order it is answered."""
    record: Record = {name: schema.blank(kind, name) for name in schema.default(kind)}
    # The service sends these two with their members, all null, where others are null themselves.
    return record | {"info": dict.fromkeys(_URLS), "verifiedPublisher": dict.fromkeys(_PUBLISHER)}


def draft_principal(
    object_id: str, app_id: str, display_name: str, *, created: str, owner: str, audience: str
) -> Record:
    """The service principal of an application whose home is the tenant `owner`."""
    return _draft_blank("servicePrincipal") | {
        "id": object_id,
        "accountEnabled": True,
        "appDisplayName": display_name,
        "appId": app_id,
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": False,
        "createdDateTime": created,
        "displayName": display_name,
        "servicePrincipalNames": [app_id],
        "servicePrincipalType": "Application",
        "signInAudience": audience,
    }


def draft_graph_principal(object_id: str, *, created: str) -> Record:
    """Microsoft Graph's service principal, with its published app roles."""
    names = ("https://graph.microsoft.com", "https://graph.microsoft.com/")
    record = _draft_microsofts(object_id, GRAPH_APP_ID, "Microsoft Graph", names, created)
    record["appRoles"] = [
        {
            "allowedMemberTypes": ["Application"],
            "description": None,
            "displayName": role.display_name,
            "id": role.id,
            "isEnabled": True,
            "origin": "Application",
            "value": role.value,
        }
        for role in schema.app_roles()
    ]
    record["oauth2PermissionScopes"] = [
        draft_scope(s.id, s.value, s.admin_text, s.user_text, restricted=s.restricted)
        for s in schema.scopes()
    ]
    return record


def draft_management_principal(object_id: str, *, created: str) -> Record:
    """
    Azure Resource Manager's service principal, for whose tokens Azure CLI always asks first.

    Identifiers from azure-cli-core's `cloud.py`; of the API there is what a sign-in asks for.
    """
    name = "Windows Azure Service Management API"
    # az login asks for the first, Azure's libraries for the second.
    names = ("https://management.core.windows.net/", "https://management.azure.com/")
    record = _draft_microsofts(object_id, MANAGEMENT_APP_ID, name, names, created)
    record["oauth2PermissionScopes"] = [
        draft_scope(
            "41094075-9dad-400e-a0bd-54e686782033",
            "user_impersonation",
            "Access Azure Service Management as organization users",
            "Access Azure Service Management as you",
            restricted=False,
        )
    ]
    return record


def _draft_microsofts(
    object_id: str, app_id: str, display_name: str, names: Iterable[str], created: str
) -> Record:
    record = draft_principal(
        object_id,
        app_id,
        display_name,
        created=created,
        owner=MICROSOFT_TENANT,
        audience="AzureADMultipleOrgs",
    )
    return record | {"servicePrincipalNames": [app_id, *names]}


def draft_scope(
    scope_id: str, value: str, admin_text: str, user_text: str, *, restricted: bool
) -> Record:
    """A `permissionScope`; only an administrator consents to a restricted one."""
    return {
        "adminConsentDescription": None,
        "adminConsentDisplayName": admin_text,
        "id": scope_id,
        "isEnabled": True,
        "type": "Admin" if restricted else "User",
        "userConsentDescription": None,
        "userConsentDisplayName": user_text,
        "value": value,
    }


def draft_managed_identity(
    object_id: str,
    app_id: str,
    display_name: str,
    *,
    created: str,
    owner: str,
    resource_id: str | None,
) -> Record:
    """
    The service principal of a managed identity, user-assigned if it has a resource ID.

    It has no application. Where it belongs is in `alternativeNames`, as Azure CLI shows it.
    """
    record = draft_principal(
        object_id, app_id, display_name, created=created, owner=owner, audience="AzureADMyOrg"
    )
    machine = resource_id or (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator/providers/"
        f"Microsoft.Compute/virtualMachines/{display_name}"
    )
    record["alternativeNames"] = [f"isExplicit={resource_id is not None}", machine]
    record["servicePrincipalType"] = "ManagedIdentity"
    record["signInAudience"] = None
    return record


def draft_password(
    key_id: str, secret: str, display_name: str | None, *, start: str, end: str
) -> Record:
    """A `passwordCredential` as later reads show it: the hint, never the secret."""
    return {
        "customKeyIdentifier": None,
        "displayName": display_name,
        "endDateTime": end,
        "hint": secret[:3],
        "keyId": key_id,
        "secretText": None,
        "startDateTime": start,
    }


def draft_key(key_id: str, der: bytes, display_name: str | None, *, start: str, end: str) -> Record:
    """A `keyCredential`; its identifier is the SHA-1 thumbprint in hex (592 of 592 recorded)."""
    return {
        "customKeyIdentifier": sha1(der, usedforsecurity=False).hexdigest().upper(),
        "displayName": display_name,
        "endDateTime": end,
        "key": None,
        "keyId": key_id,
        "startDateTime": start,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def draft_assignment(
    principal: Record,
    resource: Record,
    role_id: str,
    *,
    created: str,
    kind: str = "ServicePrincipal",
) -> Record:
    """An `appRoleAssignment`: the principal holds that app role of the resource."""
    return {
        "id": assignment_id(principal["id"], resource["id"], role_id),
        "deletedDateTime": None,
        "appRoleId": role_id,
        "createdDateTime": created,
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": kind,
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }


def assignment_id(principal_id: str, resource_id: str, role_id: str) -> str:
    """43 characters, of which the principal decides the first 21, as in every recorded ID."""
    tail = sha256(f"{resource_id} {role_id}".encode()).digest()[:16]
    return base64.urlsafe_b64encode(UUID(principal_id).bytes_le + tail).rstrip(b"=").decode()


def draw_secret() -> str:
    """A client secret of the shape the service makes since 2024: 40 characters, `xxx8Q~…`."""
    draw = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(34))
    # Scanners for leaked secrets look for the fixed characters in the middle.
    head = "".join(secrets.choice(string.ascii_letters) for _ in range(3))
    return f"{head}8Q~{draw}"


def name_subject(certificate: x509.Certificate) -> str:
    """The certificate's subject as .NET writes it, e.g. `O=Contoso, S=Utrecht, C=NL` (recorded)."""
    # .NET begins at the end of the encoded name, and calls two attributes otherwise than RFC 4514.
    renamed = {NameOID.STATE_OR_PROVINCE_NAME: "S", NameOID.EMAIL_ADDRESS: "E"}
    return ", ".join(rdn.rfc4514_string(renamed) for rdn in reversed(certificate.subject.rdns))


def read_certificate(der: bytes) -> x509.Certificate:
    """
    The certificate in `der`.

    Raises:
        ValueError: not a DER certificate, or its key is not RSA.
    """
    certificate = x509.load_der_x509_certificate(der)
    # Entra ID verifies assertions by RS256 and PS256 alone ("Microsoft identity platform
    # application authentication certificate credentials").
    is_rsa = isinstance(certificate.public_key(), RSAPublicKey)
    if not is_rsa:
        raise ValueError("only certificates with an RSA key prove an application's identity")
    return certificate


def describe_certificate(key_id: str, der: bytes, start: float, end: float) -> Certificate:
    """The certificate with its thumbprints."""
    certificate = read_certificate(der)
    sha1_hex = certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303 - x5t is SHA-1 by definition
    sha256_hex = certificate.fingerprint(SHA256()).hex().upper()
    return Certificate(key_id, der, sha1_hex, sha256_hex, start, end)


def digest_secret(secret: str) -> bytes:
    """
    The SHA-256 of a client secret, which is all that is kept of it.

    It is not salted: secrets have 200 random bits, and are looked up by their digest.
    """
    return sha256(secret.encode()).digest()
