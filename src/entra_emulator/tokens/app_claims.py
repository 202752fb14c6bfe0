"""
The claims of an app-only access token.

Sources: "Access token claims reference" and "Optional claims reference",
Microsoft identity platform; for Graph's a real token (msgraph-sdk-powershell#1782).
"""

import secrets
from dataclasses import dataclass
from typing import Any

from entra_emulator.model.records import Application, Tenant

# The default permissions every service principal has; on all recorded app-only Graph
# tokens (msgraph-sdk-powershell#1782).
SERVICE_PRINCIPAL_TEMPLATE = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"


# How a client authenticated, as the claims `appidacr` and `azpacr` say it.
PUBLIC_CLIENT = "0"  # it did not
SECRET = "1"  # noqa: S105 - the word for a kind
SIGNED_ASSERTION = "2"  # by a certificate or a federated credential


@dataclass(frozen=True)
class AppTokenFacts:
    """
    What the token service knows when it issues an app-only token.

    Args:
        tenant: in whose directory the token is issued.
        principal: the service principal that it is issued to.
        audience: the `aud` claim: the API that the token is for.
        roles: the app roles granted; without any the claim is absent, not empty.
        authentication: how the client authenticated, `SECRET` or `SIGNED_ASSERTION`.
        issued_at: whole seconds since 1970.
        not_before: when it begins to be valid, as a rule when it is issued.
        lifetime: seconds from `issued_at` until it expires.
        handles_challenges: the client says that it handles claims challenges (`cp1`).
        resource_id: of a managed identity, the Azure resource.
    """

    tenant: Tenant
    principal: Application
    audience: str
    roles: list[str]
    authentication: str
    issued_at: int
    not_before: int
    lifetime: int
    handles_challenges: bool = False
    resource_id: str | None = None


def describe_for_graph(facts: AppTokenFacts) -> dict[str, Any]:
    """The claims of a token for Microsoft Graph, whose format is v1.0."""
    return order_claims(
        _describe_v1(facts)
        | {
            "app_displayname": facts.principal.display_name,
            "idtyp": "app",
            "tenant_region_scope": facts.tenant.region,
            "wids": [SERVICE_PRINCIPAL_TEMPLATE],
            "xms_cc": ["cp1"] if facts.handles_challenges else None,
            "xms_tcdt": int(facts.tenant.created),
        }
    )


def describe_for_api(
    facts: AppTokenFacts, *, version: int, issuer: str, optional: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """
    The claims of a token for an API of somebody's own.

    Args:
        facts: what the claims are made of.
        version: of the token's format, 1 or 2, as the API wants it.
        issuer: of version 2; version 1 has one of its own.
        optional: the names of the optional claims that the API asks for.
    """
    claims = _describe_v1(facts) if version == 1 else _describe_v2(facts, issuer)
    if "idtyp" in optional:
        claims["idtyp"] = "app"
    if "xms_cc" in optional and facts.handles_challenges:
        claims["xms_cc"] = ["cp1"]
    return order_claims(claims)


def _describe_v1(facts: AppTokenFacts) -> dict[str, Any]:
    issuer = f"https://sts.windows.net/{facts.tenant.id}/"
    return _describe(facts, issuer) | {
        "appid": facts.principal.app_id,
        "appidacr": facts.authentication,
        "idp": issuer,
        "ver": "1.0",
    }


def _describe_v2(facts: AppTokenFacts, issuer: str) -> dict[str, Any]:
    return _describe(facts, issuer) | {
        "azp": facts.principal.app_id,
        "azpacr": facts.authentication,
        "ver": "2.0",
    }


def _describe(facts: AppTokenFacts, issuer: str) -> dict[str, Any]:
    return {
        "aud": facts.audience,
        "iss": issuer,
        "iat": facts.issued_at,
        "nbf": facts.not_before,
        "exp": facts.issued_at + facts.lifetime,
        "aio": "k2RgYPj" + secrets.token_urlsafe(30),
        "oid": facts.principal.id,
        "rh": "1.AX" + secrets.token_urlsafe(30) + ".",
        "roles": facts.roles or None,
        "sub": facts.principal.id,
        "tid": facts.tenant.id,
        "uti": secrets.token_urlsafe(16),
        "xms_mirid": facts.resource_id,
    }


def order_claims(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims in the order of real tokens: five registered ones, the rest sorted, none null."""
    first = ("aud", "iss", "iat", "nbf", "exp")
    rest = sorted(name for name in claims if name not in first and claims[name] is not None)
    return {name: claims[name] for name in (*first, *rest)}
