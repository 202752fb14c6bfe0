"""What an application offers to others as a protected API. Pure."""

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from entra_emulator.model.records import Record

# Of the optional claims for access tokens ("Optional claims reference"), those that app-only
# tokens can have and the emulator knows.
OPTIONAL_CLAIMS = ("idtyp", "xms_cc")


def offer_api(
    record: Record,
    *,
    identifier_uri: str,
    app_roles: Iterable[tuple[str, str]],
    token_version: int,
    optional_claims: Sequence[str],
    new_id: Callable[[], str],
) -> Record:
    """
    The application's record with one more identifier URI and more app roles.

    Raises:
        ValueError: the identifier is no absolute URI, the version neither 1 nor
            2, a role is there already, or a claim is none of OPTIONAL_CLAIMS.
    """
    _check_identifier(identifier_uri)
    if token_version not in {1, 2}:
        raise ValueError(f"access tokens have version 1 or 2, not {token_version!r}")
    for name in optional_claims:
        if name not in OPTIONAL_CLAIMS:
            raise ValueError(f"{name!r} is none of {', '.join(OPTIONAL_CLAIMS)}")
    roles = list(record["appRoles"])
    for value, display_name in app_roles:
        if any(role["value"] == value for role in roles):
            raise ValueError(f"{record['displayName']} has an app role {value!r} already")
        roles.append(_draft_role(new_id(), value, display_name))
    uris = list(dict.fromkeys((*record["identifierUris"], identifier_uri)))
    changed: Record = {
        "identifierUris": uris,
        "api": record["api"] | {"requestedAccessTokenVersion": token_version},
        "appRoles": roles,
    }
    if optional_claims:
        access: list[Record] = [
            {"additionalProperties": [], "essential": False, "name": name, "source": None}
            for name in optional_claims
        ]
        changed["optionalClaims"] = {"accessToken": access, "idToken": [], "saml2Token": []}
    return record | changed


def copy_api(application: Record, principal: Record) -> Record:
    """
    The service principal's record with what it has from its application.

    A name of its own stays its own.
    """
    # An administrator may have given the service principal another name in this tenant; whether
    # they did shows by the name that it had from its application.
    web = application["web"]
    renamed = principal["displayName"] != principal["appDisplayName"]
    return principal | {
        "appDescription": application["description"],
        "appDisplayName": application["displayName"],
        "appRoles": application["appRoles"],
        "displayName": principal["displayName"] if renamed else application["displayName"],
        "homepage": web["homePageUrl"],
        "info": application["info"],
        "logoutUrl": web["logoutUrl"],
        "oauth2PermissionScopes": application["api"]["oauth2PermissionScopes"],
        "replyUrls": [
            uri
            for platform in ("web", "spa", "publicClient")
            for uri in application[platform]["redirectUris"]
        ],
        "servicePrincipalNames": [application["appId"], *application["identifierUris"]],
        "signInAudience": application["signInAudience"],
    }


def _check_identifier(uri: str) -> None:
    parts = urlsplit(uri)
    if not parts.scheme or not (parts.netloc or parts.path) or len(uri) > 255 or " " in uri:
        raise ValueError(f"{uri!r} is no App ID URI; they look like 'api://orders'")


def _draft_role(role_id: str, value: str, display_name: str) -> Record:
    return {
        "allowedMemberTypes": ["Application"],
        "description": display_name,
        "displayName": display_name,
        "id": role_id,
        "isEnabled": True,
        "origin": "Application",
        "value": value,
    }
