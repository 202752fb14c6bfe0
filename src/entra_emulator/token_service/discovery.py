"""
Discovery, before a client requests a token: issuers, endpoints, keys and clouds.

The documents of version 1.0 are for APIs that check tokens of that version; they have the members
of the real documents, in the same order.
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import refuse
from entra_emulator.model.records import Tenant
from entra_emulator.tokens.signing import render_jwks
from entra_emulator.web.context import context_of, find_tenant, origin_of
from entra_emulator.web.token_service_answers import answer_oauth

# The tenant of personal Microsoft accounts ("OpenID Connect on the Microsoft identity platform").
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"

_CLIENT_AUTHENTICATION_METHODS = ["client_secret_post", "private_key_jwt", "client_secret_basic"]
_CLOUD = {
    "cloud_instance_name": "microsoftonline.com",
    "cloud_graph_host_name": "graph.windows.net",
    "msgraph_host": "graph.microsoft.com",
    "rbac_url": "https://pas.windows.net",
}
_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud "
    "exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
).split()

_CLAIMS_V1 = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud "
    "exp iat auth_time acr amr nonce email given_name family_name nickname"
).split()

# The cache's host and all hosts of each cloud, as the real document lists them (recorded
# 2021-2025, unchanged).
_INSTANCES = (
    (
        "login.windows.net",
        "login.microsoftonline.com login.windows.net login.microsoft.com sts.windows.net",
    ),
    (None, "login.partner.microsoftonline.cn login.chinacloudapi.cn"),
    (None, "login.microsoftonline.de"),
    (None, "login.microsoftonline.us login.usgovcloudapi.net"),
    (None, "login-us.microsoftonline.com"),
)


class Authority(NamedTuple):
    """
    An authority: the origin of the token service, as the client addressed it, and a tenant.

    The segment stands for the tenant in the addresses of a discovery document: it is a GUID, or a
    shared name such as `common`. The issuer stands for the tenant in the names of issuers; for a
    shared name it is the literal `{tenantid}`.
    """

    origin: str
    segment: str
    issuer: str
    tenant: Tenant | None


def list_authority_hosts() -> tuple[str, ...]:
    """The hosts of the token service in every cloud."""
    return tuple(host for _, hosts in _INSTANCES for host in hosts.split())


async def show_configuration(request: Request) -> Response:
    """
    `GET /{tenant}/v2.0/.well-known/openid-configuration`: issuer and endpoints, as recorded.

    A domain's document names the GUID: clients learn the tenant's ID from it.
    """
    authority = _find_authority(request)
    document = _describe(
        authority,
        "v2.0/",
        responses=["code", "id_token", "code id_token", "id_token token"],
        scopes=["openid", "profile", "email", "offline_access"],
        issuer={
            "issuer": _name_issuer(authority),
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{authority.origin}/oidc/userinfo",
        },
        claims={"claims_supported": _CLAIMS},
    )
    return answer_oauth(request, document, cached=True)


async def show_configuration_v1(request: Request) -> Response:
    """`GET /{tenant}/.well-known/openid-configuration`: the same for tokens of version 1.0."""
    authority = _find_authority(request)
    base = f"{authority.origin}/{authority.segment}"
    document = _describe(
        authority,
        "",
        responses=["code", "id_token", "code id_token", "token id_token", "token"],
        scopes=["openid"],
        issuer={
            "issuer": f"https://sts.windows.net/{authority.issuer}/",
            "microsoft_multi_refresh_token": True,
        },
        claims={
            "claims_supported": _CLAIMS_V1,
            "check_session_iframe": f"{base}/oauth2/checksession",
            "userinfo_endpoint": f"{base}/openid/userinfo",
        },
    )
    return answer_oauth(request, document, cached=True)


def _describe(
    authority: Authority,
    version: str,
    *,
    responses: list[str],
    scopes: list[str],
    issuer: dict[str, Any],
    claims: dict[str, Any],
) -> dict[str, Any]:
    """A discovery document; the version is part of its addresses."""
    base = f"{authority.origin}/{authority.segment}"
    return {
        "token_endpoint": f"{base}/oauth2/{version}token",
        "token_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION_METHODS,
        "jwks_uri": f"{base}/discovery/{version}keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": responses,
        "scopes_supported": scopes,
        **issuer,
        "authorization_endpoint": f"{base}/oauth2/{version}authorize",
        "device_authorization_endpoint": f"{base}/oauth2/{version}devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/{version}logout",
        **claims,
        # The emulator does not serve this address; the recorded documents have it since late 2021.
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": authority.tenant.region if authority.tenant else None,
        **_CLOUD,
    }


def show_keys(request: Request) -> Response:
    """`GET /{tenant}/discovery/v2.0/keys`: the public signing keys, each with its issuer."""
    # In a thread, not `async`: the first request may have to wait until the keys are made.
    document = render_jwks(context_of(request).keys, _name_issuer(_find_authority(request)))
    return answer_oauth(request, document, cached=True)


def show_keys_v1(request: Request) -> Response:
    """`GET /{tenant}/discovery/keys`: the same keys, without issuers."""
    _find_authority(request)
    return answer_oauth(request, render_jwks(context_of(request).keys), cached=True)


async def show_instance(request: Request) -> Response:
    """
    `GET /common/discovery/instance`: the cloud to which an authority belongs, or the emulator.

    The tenant in the authority is not looked up: the real service answers 200
    for a tenant that does not exist (recorded 2021-2025).
    """
    try:
        parts = urlsplit(request.query_params.get("authorization_endpoint", ""))
        host = parts.hostname or ""
    except ValueError:
        raise refuse(50049) from None
    metadata = [_describe_instance(aliases.split(), cache) for cache, aliases in _INSTANCES]
    if not any(host in instance["aliases"] for instance in metadata):
        if host not in context_of(request).hostnames:
            raise refuse(50049)
        # With the port, which MSAL Node compares too.
        metadata.insert(0, _describe_instance([parts.netloc]))
    segment = parts.path.strip("/").partition("/")[0] or "common"
    endpoint = f"{origin_of(request)}/{segment}/v2.0/.well-known/openid-configuration"
    document = {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata}
    return answer_oauth(request, document, cached=True)


def _describe_instance(aliases: list[str], cache: str | None = None) -> dict[str, Any]:
    """One cloud: the host to call, the host to cache tokens under, and all its hosts."""
    return {
        "preferred_network": aliases[0],
        "preferred_cache": cache or aliases[0],
        "aliases": aliases,
    }


def _find_authority(request: Request) -> Authority:
    segment, origin = request.path_params["tenant"], origin_of(request)
    folded = segment.lower()
    if folded in {"consumers", CONSUMERS}:
        return Authority(origin, folded, CONSUMERS, None)
    tenant = find_tenant(context_of(request), segment, error="invalid_tenant")
    if tenant is None:
        return Authority(origin, folded, "{tenantid}", None)
    return Authority(origin, tenant.id, tenant.id, tenant)


def _name_issuer(authority: Authority) -> str:
    return f"{authority.origin}/{authority.issuer}/v2.0"
