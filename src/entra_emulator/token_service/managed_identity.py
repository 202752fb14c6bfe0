"""
The endpoints that give virtual machines and App Services tokens of managed identities.

They use plain http, as in Azure, because only the machine itself reaches them. Sources: "How to use
managed identities for Azure resources on an Azure VM to acquire an access
token", and "How to use managed identities for App Service and Azure Functions".
"""

import hmac
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entra_emulator.errors import TokenRefusal
from entra_emulator.model.records import ManagedIdentity
from entra_emulator.token_service.app_grant import find_resource, issue_app_token
from entra_emulator.token_service.client_authentication import check_enabled
from entra_emulator.token_service.sign_in_log import note_app_sign_in
from entra_emulator.tokens.app_claims import SIGNED_ASSERTION, AppTokenFacts
from entra_emulator.tokens.jwt import split_token
from entra_emulator.web.audit_middleware import audit_requests
from entra_emulator.web.context import LOOPBACK_NAMES, Context, context_of, host_name
from entra_emulator.web.request_notes import notes_of
from entra_emulator.web.token_service_answers import describe_refusal

IMDS_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_PATH = "/msi/token"

METADATA_ADDRESS = "169.254.169.254"
"""Where virtual machines reach the first; nobody can reach it from another machine."""

# Seconds: one less than a day, as in recorded answers with tokens that live so long.
LIFETIME = 86_399

# How a request names one of several identities: the parameters, and the identity's value for them.
# Libraries use all of these.
_IDENTITIES: dict[tuple[str, str], Callable[[ManagedIdentity], str]] = {
    ("client_id", "clientid"): lambda machine: machine.app_id,
    ("object_id", "principal_id"): lambda machine: machine.object_id,
    ("msi_res_id", "mi_res_id"): lambda machine: (machine.resource_id or "").lower(),
}

# The texts for an unknown identity, by whether IMDS answers (True) or App Service: the first is
# quoted in azure-docs#21322, the second is in MSAL's own live tests.
_UNKNOWN = {
    True: "Identity not found",
    False: "No User Assigned or Delegated Managed Identity found for specified "
    "ClientId/ResourceId/PrincipalId.",
}


class ManagedIdentityRefusal(Exception):  # noqa: N818 - a refusal, not an error of ours
    """One of the two endpoints refuses; `error` is the code in an answer of IMDS."""

    def __init__(self, status: int, error: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error


def create_managed_identity_app(context: Context, origin: str, header: str) -> Starlette:
    """
    The endpoints of a pretend virtual machine, which is a pretend App Service, too.

    The origin is that of the token service, for the issuer of tokens of version 2.0; `header` is
    the value that `X-IDENTITY-HEADER` must have.
    """
    app = Starlette(
        middleware=[Middleware(audit_requests)],
        routes=[
            Route(IMDS_PATH, show_imds_token, methods=["GET"]),
            Route(APP_SERVICE_PATH, show_app_service_token, methods=["GET"]),
        ],
        exception_handlers={
            ManagedIdentityRefusal: _answer_imds_refusal,
            HTTPException: _answer_unrouted,
        },
    )
    app.router.redirect_slashes = False
    app.state.context = context
    app.state.origin = origin
    app.state.header = header
    return app


def show_imds_token(request: Request) -> Response:
    """A token from the Azure Instance Metadata Service."""
    _check_host(request)
    # A server that was tricked into requesting an address sends no such header, and a proxy adds
    # the other one. Both checks are documented.
    if request.headers.get("metadata") != "true":
        text = "Required metadata header not specified"
        raise ManagedIdentityRefusal(400, "bad_request_102", text)
    if "x-forwarded-for" in request.headers:
        text = "Request contains X-Forwarded-For header."
        raise ManagedIdentityRefusal(400, "invalid_request", text)
    for name in ("api-version", "resource"):
        if not request.query_params.get(name):
            text = f"Required query variable '{name}' is missing"
            raise ManagedIdentityRefusal(400, "invalid_request", text)
    machine = _find_identity(request, on_vm=True)
    try:
        token, facts = _issue(request, machine)
    except TokenRefusal as refusal:
        text = describe_refusal(request, refusal)["error_description"]
        raise ManagedIdentityRefusal(400, refusal.error, text) from refusal
    # Numbers as text and an empty `refresh_token`, as in the documented answer.
    content = {
        "access_token": token,
        "refresh_token": "",
        "expires_in": str(facts.lifetime),
        "expires_on": str(facts.issued_at + facts.lifetime),
        "not_before": str(facts.not_before),
        "resource": request.query_params["resource"],
        "token_type": "Bearer",
    }
    return _answer(content)


def show_app_service_token(request: Request) -> Response:
    """A token from the endpoint that App Service and Azure Functions give their programs."""
    try:
        _check_app_service(request)
        machine = _find_identity(request, on_vm=False)
        token, facts = _issue(request, machine)
    except ManagedIdentityRefusal as refusal:
        status, text = refusal.status, str(refusal)
    except TokenRefusal:
        # The misspelling is the service's (azure-sdk-for-net#44685).
        status, text = 500, "An unexpected error occured while fetching the AAD Token."
    else:
        return _answer(
            {
                "access_token": token,
                "expires_on": str(facts.issued_at + facts.lifetime),
                "resource": request.query_params["resource"],
                "token_type": "Bearer",
                "client_id": machine.app_id,
            }
        )
    content = {"statusCode": status, "message": text, "correlationId": str(uuid4())}
    return _answer(content, status)


def _check_host(request: Request) -> None:
    if host_name(request.headers.get("host", "")) not in (*LOOPBACK_NAMES, METADATA_ADDRESS):
        text = "This endpoint is for the machine itself."
        raise ManagedIdentityRefusal(403, "access_denied", text)


def _check_app_service(request: Request) -> None:
    _check_host(request)
    sent = request.headers.get("x-identity-header", "")
    if not hmac.compare_digest(sent.encode(), request.app.state.header.encode()):
        text = "The X-IDENTITY-HEADER is missing or wrong."
        raise ManagedIdentityRefusal(401, "unauthorized", text)
    if request.query_params.get("api-version") != "2019-08-01":
        raise ManagedIdentityRefusal(400, "invalid_request", "The api-version must be 2019-08-01.")
    if not request.query_params.get("resource"):
        raise ManagedIdentityRefusal(400, "invalid_request", "The resource is missing.")


def _find_identity(request: Request, *, on_vm: bool) -> ManagedIdentity:
    """
    The identity that the request names, or else the machine's own.

    A virtual machine without an identity of its own takes the only one that is assigned to it; an
    App Service does not (`on_vm`).

    Raises:
        ManagedIdentityRefusal: there is no such identity, or the request leaves open which one.
    """
    machines = context_of(request).directory.managed_identities.list_all()
    named = [
        (names, value.lower())
        for names in _IDENTITIES
        for name in names
        if (value := request.query_params.get(name))
    ]
    if len(named) > 1:
        raise ManagedIdentityRefusal(400, "invalid_request", "Name the identity in one way only")
    if named:
        names, value = named[0]
        matches = [machine for machine in machines if _IDENTITIES[names](machine) == value]
    else:
        own = [machine for machine in machines if machine.resource_id is None]
        matches = own[:1] or (machines if on_vm else [])
        if len(matches) > 1:
            text = (
                "Multiple user assigned identities exist, please specify the clientId / resourceId "
                "of the identity in the token request"
            )
            raise ManagedIdentityRefusal(400, "invalid_request", text)
    if not matches:
        raise ManagedIdentityRefusal(400, "invalid_request", _UNKNOWN[on_vm])
    return matches[0]


def _issue(request: Request, machine: ManagedIdentity) -> tuple[str, AppTokenFacts]:
    context = context_of(request)
    principal = context.directory.service_principals.find(machine.tenant, machine.app_id)
    assert principal is not None, "every identity has a service principal"
    check_enabled(context, principal)
    resource = find_resource(context, machine.tenant, request.query_params["resource"])
    notes = notes_of(request.scope)
    # The audit log shows the form that was posted to the token service; here there is none.
    notes.form = {"grant_type": "managed_identity", "client_id": machine.app_id}
    token, facts = issue_app_token(
        context,
        machine.tenant,
        principal,
        resource,
        # Azure keeps a certificate for every managed identity.
        authentication=SIGNED_ASSERTION,
        origin=request.app.state.origin,
        lifetime=LIFETIME,
        # The first one says only whether the identity is user-assigned.
        resource_id=principal.record["alternativeNames"][1],
    )
    notes.claims = split_token(token).claims
    note_app_sign_in(request, machine.tenant, machine.app_id, managed=True)
    return token, facts


def _answer(content: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(
        msgspec.json.encode(content), status, headers, "application/json; charset=utf-8"
    )


def _answer_imds_refusal(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, ManagedIdentityRefusal)
    return _answer({"error": refusal.error, "error_description": str(refusal)}, refusal.status)


def _answer_unrouted(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer({"error": error.detail}, error.status_code)
