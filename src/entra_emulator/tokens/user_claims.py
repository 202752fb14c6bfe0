"""
The claims of tokens about a signed-in user.

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
from entra_emulator.tokens.app_claims import describe_client, describe_graph, order_claims
from entra_emulator.tokens.jwt import encode_base64url

# Seconds that an ID token is valid; "Configurable token lifetimes" says an hour.
ID_LIFETIME = 3600


@dataclass(frozen=True)
class UserTokenFacts:
    """
    What the token service knows when it issues a token about a user of a tenant to a client.

    Args:
        authentication: of the client: `PUBLIC_CLIENT`, `SECRET` or `SIGNED_ASSERTION`.
        pairwise_key: makes `sub` differ from client to client.
        issued_at: whole seconds since 1970.
    """

    tenant: Tenant
    user: Record
    client: Application
    authentication: str
    pairwise_key: bytes
    issued_at: int


def describe_access_token(
    facts: UserTokenFacts,
    *,
    lifetime: int,
    audience: str,
    resource_app_id: str,
    scopes: Iterable[str],
    version: int,
    issuer: str,
    roles: Iterable[str] | None = None,
    handles_challenges: bool = False,
) -> dict[str, Any]:
    """
    The claims of an access token that speaks for the user, valid for so many seconds.

    In version 1 of the token's format the audience is `aud`, and the issuer is fixed; in version 2
    `aud` is the resource's client ID, and the issuer is the one given. The roles are the user's
    directory roles, for Microsoft Graph alone. A client handles challenges if it declares `cp1`.
    """
    common = _describe(facts, lifetime) | {
        "oid": facts.user["id"],
        "scp": " ".join(sorted(scopes, key=str.casefold)),
        "sub": make_pairwise_subject(facts, resource_app_id),
        **describe_client(facts.client.app_id, facts.authentication, version),
    }
    if version == 2:
        name = facts.user["userPrincipalName"]
        named = {"aud": resource_app_id, "iss": issuer, "preferred_username": name}
        return order_claims(common | named)
    claims = common | _describe_v1(facts) | {"aud": audience}
    if roles is not None:
        wids = [*roles, USER_TEMPLATE]
        claims |= describe_graph(facts.tenant, facts.client, "user", wids, handles_challenges)
        claims["acct"] = int(facts.user.get("userType") == "Guest")
    return order_claims(claims)


def describe_id_token(
    facts: UserTokenFacts, *, issuer: str, openid: frozenset[str], nonce: str | None, **hashes: str
) -> dict[str, Any]:
    """
    The claims of an ID token, version 2.0.

    Of the OpenID scopes `profile` brings `name`, `oid` and `preferred_username`, `email` brings
    `email`. The nonce is the authorization request's. Hashes are `at_hash` and `c_hash`, if the
    token comes with an access token or a code.
    """
    user = facts.user
    claims = _describe(facts, ID_LIFETIME) | {
        "aud": facts.client.app_id,
        "iss": issuer,
        "idp": f"https://sts.windows.net/{facts.tenant.id}/",
        "nonce": nonce,
        "sub": make_pairwise_subject(facts, facts.client.app_id),
        "ver": "2.0",
    }
    if "profile" in openid:
        claims |= {"oid": user["id"], "preferred_username": user["userPrincipalName"]}
    else:
        del claims["name"]
    if "email" in openid:
        claims["email"] = user.get("mail")
    return order_claims(claims | hashes)


def make_pairwise_subject(facts: UserTokenFacts, app_id: str) -> str:
    """The user's `sub` for this application; another application gets another one."""
    # Only that it is pairwise is documented; how Microsoft makes it is not.
    text = f"{app_id} {facts.tenant.id} {facts.user['id']}"
    return encode_base64url(hmac.digest(facts.pairwise_key, text.encode(), sha256))


def hash_token(token: str) -> str:
    """The hash in `at_hash` and `c_hash` (OpenID Connect Core 1.0, 3.3.2.11)."""
    return encode_base64url(sha256(token.encode()).digest()[:16])


def render_client_info(tenant: Tenant, user_id: str) -> str:
    """`client_info`: from it MSAL makes the account's ID, `uid.utid`."""
    text = json.dumps({"uid": user_id, "utid": tenant.id}, separators=(",", ":"))
    return encode_base64url(text.encode())


def _describe(facts: UserTokenFacts, lifetime: int) -> dict[str, Any]:
    return {
        "iat": facts.issued_at,
        "nbf": facts.issued_at,
        "exp": facts.issued_at + lifetime,
        "aio": "AVQAq/8T" + secrets.token_urlsafe(40),
        "name": facts.user["displayName"],
        "rh": "1.AX" + secrets.token_urlsafe(30) + ".",
        "tid": facts.tenant.id,
        "uti": secrets.token_urlsafe(16),
    }


def _describe_v1(facts: UserTokenFacts) -> dict[str, Any]:
    user = facts.user
    return {
        "iss": f"https://sts.windows.net/{facts.tenant.id}/",
        # Nobody types a password here, but programs expect the claims of somebody who did.
        "acr": "1",
        "amr": ["pwd"],
        "family_name": user.get("surname"),
        "given_name": user.get("givenName"),
        "ipaddr": "127.0.0.1",
        "unique_name": user["userPrincipalName"],
        "upn": user["userPrincipalName"],
    }
