"""The token service: discovery documents, signing keys, tokens for applications."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from graphdaemon.emulator.assertion import verify_assertion
from graphdaemon.emulator.entity import Application, Tenant
from graphdaemon.emulator.errors import refuse
from graphdaemon.emulator.exchange import (
    Context,
    answer_oauth,
    context_of,
    find_tenant,
    names_graph,
    origin_of,
    read_form,
)
from graphdaemon.emulator.registration import GRAPH_APP_ID
from graphdaemon.emulator.tokens import mint_access_token, render_jwks

__all__ = ["GRANTS", "issue_token", "show_configuration", "show_instance", "show_keys"]

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud "
    "exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
).split()

# The public clouds' hosts as the real document lists them (recorded 2021-2025, unchanged).
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


@dataclass(frozen=True)
class TokenRequest:
    """One request for a token, before anything in it is believed.

    `tenant` is None on `common` and `organizations`.
    """

    context: Context
    tenant: Tenant | None
    segment: str
    origin: str
    form: Mapping[str, str]
    authorization: str


async def show_configuration(request: Request) -> Response:
    """`GET /{tenant}/v2.0/.well-known/openid-configuration`, keys in the recorded order.

    A domain's document names the GUID: clients learn the tenant's ID from it.
    """
    context, segment = context_of(request), request.path_params["tenant"]
    tenant = find_tenant(context, segment, error="invalid_tenant")
    origin = origin_of(request)
    base = f"{origin}/{tenant.id if tenant else segment.lower()}"
    document = {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": _issuer(origin, tenant),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{origin}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "claims_supported": _CLAIMS,
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": tenant.region if tenant else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }
    return answer_oauth(request, document, cached=True)


def show_keys(request: Request) -> Response:
    """`GET /{tenant}/discovery/v2.0/keys`."""
    context = context_of(request)
    tenant = find_tenant(context, request.path_params["tenant"], error="invalid_tenant")
    document = render_jwks(context.keys, _issuer(origin_of(request), tenant))
    return answer_oauth(request, document, cached=True)


async def show_instance(request: Request) -> Response:
    """Whether an authority is one of ours: `GET /common/discovery/instance`.

    The tenant in the question is not looked up: the real service answers 200
    for a tenant that does not exist (recorded 2021-2025).
    """
    asked = request.query_params.get("authorization_endpoint", "")
    try:
        parts = urlsplit(asked)
        host = parts.hostname or ""
    except ValueError:
        raise refuse(50049) from None
    hosts = {name for _, aliases in _INSTANCES for name in aliases.split()}
    if host not in hosts | context_of(request).hostnames:
        raise refuse(50049)
    segment = parts.path.strip("/").partition("/")[0] or "common"
    metadata = [
        {
            "preferred_network": aliases.split()[0],
            "preferred_cache": cache or aliases.split()[0],
            "aliases": aliases.split(),
        }
        for cache, aliases in _INSTANCES
    ]
    if host not in hosts:
        own = {"preferred_network": parts.netloc, "preferred_cache": parts.netloc}
        metadata.insert(0, own | {"aliases": [parts.netloc]})
    endpoint = f"{origin_of(request)}/{segment}/v2.0/.well-known/openid-configuration"
    document = {
        "tenant_discovery_endpoint": endpoint,
        "api-version": "1.1",
        "metadata": metadata,
    }
    return answer_oauth(request, document, cached=True)


async def issue_token(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/token`."""
    form = await read_form(request)
    # Signing takes a millisecond of another core; the first token may wait for the keys.
    content = await run_in_threadpool(_issue, request, form)
    return answer_oauth(request, content)


def _issue(request: Request, form: Mapping[str, str]) -> dict[str, Any]:
    context, segment = context_of(request), request.path_params["tenant"]
    tenant = find_tenant(context, segment)
    grant = form.get("grant_type")
    if not grant:
        raise refuse(900144, field="grant_type")
    if grant not in GRANTS:
        raise refuse(70003, grant=grant)
    authorization = request.headers.get("authorization", "")
    return GRANTS[grant](
        TokenRequest(context, tenant, segment, origin_of(request), form, authorization)
    )


def grant_client_credentials(asked: TokenRequest) -> dict[str, Any]:
    """A token for an application that proves its own identity.

    The answer has no `scope`: MSAL Python would file the token under it and
    not find it again.
    """
    client_id, secret = _read_client(asked)
    if asked.tenant is None:
        raise refuse(50059)
    principal = _find_principal(asked.context, asked.tenant, client_id)
    resource = _read_scope(asked.form.get("scope", ""))
    proof = _prove(asked, asked.tenant, principal, secret)
    if not principal.record["accountEnabled"]:
        raise refuse(7000112, app=principal.app_id, name=principal.display_name)
    resource_app_id = _find_resource(asked.context, asked.tenant, resource)
    lifetime = asked.context.draw_lifetime()
    token = mint_access_token(
        asked.context.keys,
        tenant=asked.tenant,
        principal=principal,
        roles=asked.context.directory.granted_roles(
            asked.tenant, principal.app_id, resource_app_id
        ),
        audience=resource,
        proof=proof,
        now=asked.context.clock.now(),
        lifetime=lifetime,
    )
    return {
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    }


GRANTS: dict[str, Callable[[TokenRequest], dict[str, Any]]] = {
    "client_credentials": grant_client_credentials,
}


def _read_client(asked: TokenRequest) -> tuple[str, str | None]:
    """The client ID and secret, from the form or from HTTP Basic (RFC 6749, 2.3.1)."""
    client_id, secret = asked.form.get("client_id"), asked.form.get("client_secret")
    scheme, _, encoded = asked.authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise refuse(9002313) from error
        name, _, value = decoded.partition(":")
        client_id, secret = client_id or unquote_plus(name), secret or unquote_plus(value)
    if not client_id:
        raise refuse(900144, field="client_id")
    return client_id, secret


def _find_principal(context: Context, tenant: Tenant, client_id: str) -> Application:
    principal = context.directory.service_principal(tenant, client_id)
    if principal is None or context.directory.registration(client_id) is None:
        raise refuse(700016, app=client_id, tenant=tenant.display_name)
    return principal


def _read_scope(scope: str) -> str:
    """The resource of `{resource}/.default`, from which exactly that suffix is taken.

    A resource that ends in a slash keeps it ("scopes and permissions", Microsoft identity
    platform). The OpenID scopes that MSAL Go and Node add are no harm (recorded 2021-2024).
    """
    if not scope.strip():
        raise refuse(90014, field="scope")
    asked = [s for s in scope.split() if s not in {"openid", "profile", "offline_access", "email"}]
    if not asked or not all(s.endswith("/.default") for s in asked):
        raise refuse(1002012, scope=scope)
    resources = {s.removesuffix("/.default") for s in asked}
    if len(resources) > 1 or "" in resources:
        raise refuse(70011, scope=scope)
    return resources.pop()


def _prove(asked: TokenRequest, tenant: Tenant, principal: Application, secret: str | None) -> str:
    """Check the client's credential; "1" for a secret, "2" for a certificate."""
    directory, now = asked.context.directory, asked.context.clock.now()
    assertion = asked.form.get("client_assertion")
    if assertion:
        if asked.form.get("client_assertion_type") != JWT_BEARER:
            raise refuse(900144, field="client_assertion_type")
        verify_assertion(
            assertion,
            client_id=principal.app_id,
            certificates=directory.certificates(principal.app_id),
            audiences=_audiences(asked, tenant),
            now=now,
        )
        return "2"
    if not secret:
        raise refuse(7000216)
    password = directory.password(principal.app_id, secret)
    if password is None or now < password.start:
        raise refuse(7000215, app=principal.app_id)
    if now >= password.end:
        raise refuse(7000222, app=principal.app_id)
    return "1"


def _audiences(asked: TokenRequest, tenant: Tenant) -> set[str]:
    segments = {tenant.id, asked.segment}
    endpoints = {f"{asked.origin}/{segment}/oauth2/v2.0/token" for segment in segments}
    return endpoints | {f"{asked.origin}/{tenant.id}/v2.0"}


def _find_resource(context: Context, tenant: Tenant, resource: str) -> str:
    if names_graph(context, resource):
        return GRAPH_APP_ID
    principal = context.directory.service_principal(tenant, resource)
    if principal is None:
        raise refuse(500011, resource=resource, tenant=tenant.display_name)
    return principal.app_id


def _issuer(origin: str, tenant: Tenant | None) -> str:
    # The braces of the shared documents are literal: each token's own tenant goes there.
    return f"{origin}/{tenant.id if tenant else '{tenantid}'}/v2.0"
