"""
What a client of Azure Resource Manager asks first: the tenant, its subscriptions, the endpoints.

Sources: "Tenants - List" and "Subscriptions - List" (Azure REST API), and azure-cli-core's
`_profile.py` and `cloud.py`, which ask for them.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import GraphRefusal
from entra_emulator.model.applications import MANAGEMENT_APP_ID
from entra_emulator.model.records import Tenant
from entra_emulator.tokens.signing import read_access_token
from entra_emulator.web.context import context_of, origin_of, trace_of

# The names of the API with which tokens for it are asked for.
AUDIENCES = (
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
)

# From this version on the endpoints are one object instead of a list (azure-cli, cloud/custom.py).
_ONE_CLOUD = "2022-09-01"


class ResourceManagerRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """Azure Resource Manager refuses, with a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


async def list_subscriptions(request: Request) -> Response:
    """The caller's subscriptions: none."""
    _identify(request)
    return _answer(request, {"value": [], "count": {"type": "Total", "value": 0}})


async def show_subscription(request: Request) -> Response:
    """A subscription, which is not there: 404."""
    _identify(request)
    key = request.path_params["subscription"]
    message = f"The subscription '{key}' could not be found."
    raise ResourceManagerRefusal(404, "SubscriptionNotFound", message)


async def list_tenants(request: Request) -> Response:
    """The tenant of the caller."""
    tenant = _identify(request)
    row = {
        "id": f"/tenants/{tenant.id}",
        "tenantId": tenant.id,
        "displayName": tenant.display_name,
        "domains": list(tenant.domains),
        "tenantCategory": "Home",
        "defaultDomain": tenant.domains[0],
        "tenantType": "AAD",
    }
    return _answer(request, {"value": [row]})


async def show_endpoints(request: Request) -> Response:
    """Where the services of this cloud are; public, as the real one."""
    version, origin = _read_version(request), origin_of(request)
    cloud = {
        "name": "emulator",
        "portal": f"{origin}/portal",
        "authentication": {
            "loginEndpoint": origin,
            "audiences": [AUDIENCES[0], AUDIENCES[2]],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": f"{origin}/",
        "resourceManager": origin,
        "suffixes": {},
    }
    return _answer(request, cloud if version >= _ONE_CLOUD else [cloud])


def answer_refusal(request: Request, refusal: Exception) -> Response:
    """The refusal as Azure Resource Manager writes it; 401 with the way to a token."""
    assert isinstance(refusal, ResourceManagerRefusal)
    response = _answer(
        request, {"error": {"code": refusal.code, "message": refusal.message}}, refusal.status
    )
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = (
            f'Bearer authorization_uri="{origin_of(request)}/common", error="invalid_token", '
            f'error_description="{refusal.message}"'
        )
    return response


def _identify(request: Request) -> Tenant:
    """
    The tenant of whoever has sent a token for Azure Resource Manager.

    Raises:
        ResourceManagerRefusal: 401, the token is not for it, or not valid; 400, no version.
    """
    context = context_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ResourceManagerRefusal(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        )
    try:
        claims = read_access_token(context.keys, token.strip(), trace_of(request).now)
    except GraphRefusal as refusal:
        code, message = "InvalidAuthenticationToken", "The access token is invalid."
        raise ResourceManagerRefusal(401, code, message) from refusal
    audience = str(claims.get("aud"))
    if audience not in {*AUDIENCES, MANAGEMENT_APP_ID}:
        raise ResourceManagerRefusal(
            401,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{audience}'. It "
            "should exactly match with one of the allowed audiences "
            f"'{','.join(AUDIENCES)}'.",
        )
    tenant = context.directory.tenants.find(str(claims.get("tid")))
    if tenant is None:
        code, message = "InvalidAuthenticationTokenTenant", "The tenant of the token is unknown."
        raise ResourceManagerRefusal(401, code, message)
    _read_version(request)
    return tenant


def _read_version(request: Request) -> str:
    version = request.query_params.get("api-version")
    if not version:
        raise ResourceManagerRefusal(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    return version


def _answer(request: Request, content: Any, status: int = 200) -> Response:
    trace = trace_of(request).request_id
    headers = {
        "Cache-Control": "no-cache",
        "x-ms-request-id": trace,
        "x-ms-correlation-request-id": trace,
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(
        msgspec.json.encode(content), status, headers, "application/json; charset=utf-8"
    )
