"""
What tokens about a signed-in user say. Pure.

Sources: "Access token claims reference", "ID token claims reference" and
"Optional claims reference", Microsoft identity platform.
"""

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from entra_emulator.model.directory_roles import USER_TEMPLATE
from entra_emulator.model.records import Application, Record, Tenant
from entra_emulator.tokens.app_claims import order_claims
from entra_emulator.tokens.jwt import encode_base64url

# Seconds that an ID token is valid.
ID_LIFETIME = 3600


@dataclass(frozen=True)
class Subject:
    """
    Whom a token is about, and to whom it is issued.

    Args:
        tenant: the user's.
        user: the user's record.
        client: to which application.
        proof: "0" for a public client, "1" for a secret, "2" for a certificate.
        pairwise_key: makes `sub` differ from client to client.
        issued: whole seconds since 1970.
    """

    tenant: Tenant
    user: Record
    client: Application
    proof: str
    pairwise_key: bytes
    issued: int


def describe_access(
    subject: Subject,
    *,
    lifetime: int,
    audience: str,
    resource_app_id: str,
    scopes: Iterable[str],
    version: int,
    issuer: str,
    roles: Iterable[str] | None = None,
    able: bool = False,
) -> dict[str, Any]:
    """
    The claims of an access token that speaks for the user.

    Args:
        subject: see there.
        lifetime: seconds.
        audience: `aud` of version 1.0; version 2.0 names the resource's client ID.
        resource_app_id: whom it is for.
        scopes: `scp`.
        version: of the token's format, 1 or 2.
        issuer: of version 2.0; version 1.0 has one of its own.
        roles: the user's directory roles, if the resource is Microsoft Graph.
        able: the client handles claims challenges.
    """
    common = _describe(subject, lifetime) | {
        "oid": subject.user["id"],
        "scp": " ".join(sorted(scopes, key=str.casefold)),
        "sub": name_pairwise(subject, resource_app_id),
    }
    if version == 2:
        named = {"aud": resource_app_id, "iss": issuer}
        return order_claims(common | _describe_v2(subject) | named)
    claims = common | _describe_v1(subject) | {"aud": audience}
    if roles is not None:
        claims |= _describe_graph(subject, roles, able=able)
    return order_claims(claims)


def describe_id(
    subject: Subject, *, issuer: str, openid: frozenset[str], nonce: str | None, **hashes: str
) -> dict[str, Any]:
    """
    The claims of an ID token, version 2.0.

    `name`, `oid` and `preferred_username` come with the scope `profile`, `email`
    with its own; `hashes` are `at_hash` and `c_hash`.
    """
    user = subject.user
    claims = _describe(subject, ID_LIFETIME) | {
        "aud": subject.client.app_id,
        "iss": issuer,
        "idp": f"https://sts.windows.net/{subject.tenant.id}/",
        "nonce": nonce,
        "sub": name_pairwise(subject, subject.client.app_id),
        "ver": "2.0",
    }
    if "profile" in openid:
        claims |= {"oid": user["id"], "preferred_username": user["userPrincipalName"]}
    else:
        del claims["name"]
    if "email" in openid:
        claims["email"] = user.get("mail")
    return order_claims(claims | hashes)


def name_pairwise(subject: Subject, app_id: str) -> str:
    """The user's name with this application, which tells other applications nothing."""
    text = f"{app_id} {subject.tenant.id} {subject.user['id']}"
    return encode_base64url(hmac.digest(subject.pairwise_key, text.encode(), sha256))


def hash_half(token: str) -> str:
    """`at_hash` and `c_hash` (OpenID Connect Core 1.0, 3.3.2.11)."""
    return encode_base64url(sha256(token.encode()).digest()[:16])


def render_client_info(tenant: Tenant, user_id: str) -> str:
    """`client_info`: from it MSAL makes the account's ID, `uid.utid`."""
    text = json.dumps({"uid": user_id, "utid": tenant.id}, separators=(",", ":"))
    return encode_base64url(text.encode())


def _describe(subject: Subject, lifetime: int) -> dict[str, Any]:
    return {
        "iat": subject.issued,
        "nbf": subject.issued,
        "exp": subject.issued + lifetime,
        "aio": "AVQAq/8T" + secrets.token_urlsafe(40),
        "name": subject.user["displayName"],
        "rh": "1.AX" + secrets.token_urlsafe(30) + ".",
        "tid": subject.tenant.id,
        "uti": secrets.token_urlsafe(16),
    }


def _describe_v1(subject: Subject) -> dict[str, Any]:
    user = subject.user
    return {
        "iss": f"https://sts.windows.net/{subject.tenant.id}/",
        "acr": "1",
        "amr": ["pwd"],
        "appid": subject.client.app_id,
        "appidacr": subject.proof,
        "family_name": user.get("surname"),
        "given_name": user.get("givenName"),
        "ipaddr": "127.0.0.1",
        "unique_name": user["userPrincipalName"],
        "upn": user["userPrincipalName"],
        "ver": "1.0",
    }


def _describe_v2(subject: Subject) -> dict[str, Any]:
    return {
        "azp": subject.client.app_id,
        "azpacr": subject.proof,
        "preferred_username": subject.user["userPrincipalName"],
        "ver": "2.0",
    }


def _describe_graph(subject: Subject, roles: Iterable[str], *, able: bool) -> dict[str, Any]:
    return {
        "acct": int(subject.user.get("userType") == "Guest"),
        "app_displayname": subject.client.display_name,
        "idtyp": "user",
        "tenant_region_scope": subject.tenant.region,
        "wids": [*roles, USER_TEMPLATE],
        "xms_cc": ["cp1"] if able else None,
        "xms_tcdt": int(subject.tenant.created),
    }
