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
    What the token service knows when it issues an app-only token to a service principal.

    Args:
        audience: the `aud` claim.
        roles: the app roles granted; without any the claim is absent, not empty.
        authentication: `SECRET` or `SIGNED_ASSERTION`.
        issued_at: whole seconds since 1970; the token may begin to be valid later.
        not_before: the same.
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
    wids = [SERVICE_PRINCIPAL_TEMPLATE]
    handles_challenges = facts.handles_challenges
    return order_claims(
        _describe(facts, 1, "")
        | describe_graph(facts.tenant, facts.principal, "app", wids, handles_challenges)
    )


def describe_for_api(
    facts: AppTokenFacts, *, version: int, issuer: str, optional: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """
    The claims of a token for an API of somebody's own.

    The API says which version of the format it wants, 1 or 2, and which optional claims. The
    issuer is that of version 2; version 1 has one of its own.
    """
    claims = _describe(facts, version, issuer)
    # An API has to ask for these two, unlike Graph ("Optional claims reference").
    if "idtyp" in optional:
        claims["idtyp"] = "app"
    if "xms_cc" in optional and facts.handles_challenges:
        claims["xms_cc"] = ["cp1"]
    return order_claims(claims)


def describe_client(app_id: str, authentication: str, version: int) -> dict[str, str]:
    """What an access token of this version says about the client."""
    if version == 1:
        return {"appid": app_id, "appidacr": authentication, "ver": "1.0"}
    return {"azp": app_id, "azpacr": authentication, "ver": "2.0"}


def describe_graph(
    tenant: Tenant, client: Application, kind: str, wids: list[str], handles_challenges: bool
) -> dict[str, Any]:
    """The claims of tokens for Microsoft Graph alone; `wids` are templates of directory roles."""
    return {
        "app_displayname": client.display_name,
        "idtyp": kind,
        "tenant_region_scope": tenant.region,
        "wids": wids,
        "xms_cc": ["cp1"] if handles_challenges else None,
        "xms_tcdt": int(tenant.created),
    }


def _describe(facts: AppTokenFacts, version: int, issuer: str) -> dict[str, Any]:
    # A version 1.0 token names this issuer, whichever endpoint issued it ("Access tokens").
    own_issuer = f"https://sts.windows.net/{facts.tenant.id}/" if version == 1 else None
    return describe_client(facts.principal.app_id, facts.authentication, version) | {
        "aud": facts.audience,
        "iss": own_issuer or issuer,
        "idp": own_issuer,
        "iat": facts.issued_at,
        "nbf": facts.not_before,
        "exp": facts.issued_at + facts.lifetime,
        # `aio`, `rh` and `uti` mean something to the real service alone; here they are random.
        "aio": "k2RgYPj" + secrets.token_urlsafe(30),
        "oid": facts.principal.id,
        "rh": "1.AX" + secrets.token_urlsafe(30) + ".",
        "roles": facts.roles or None,
        # The same as `oid` when an application speaks for itself (msgraph-sdk-powershell#1782).
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
