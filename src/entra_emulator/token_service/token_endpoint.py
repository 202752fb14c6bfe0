"""The token endpoints, the table of grants, and the grant `client_credentials`."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.token_service.app_grant import (
    find_resource,
    issue_app_token,
    read_default_scope,
)
from entra_emulator.token_service.client_authentication import (
    TokenRequest,
    authenticate_client,
    check_enabled,
    find_principal,
    read_client_credentials,
)
from entra_emulator.token_service.federated_assertion import fetch_issuer_keys
from entra_emulator.token_service.sign_in_log import note_sign_in
from entra_emulator.token_service.user_grants import (
    grant_authorization_code,
    grant_device_code,
    grant_refresh_token,
)
from entra_emulator.tokens.app_claims import AppTokenFacts
from entra_emulator.tokens.claims_challenge import read_claims_request
from entra_emulator.tokens.jwt import split_token
from entra_emulator.tokens.signing import describe_refresh
from entra_emulator.web.context import context_of, find_tenant, origin_of
from entra_emulator.web.request_notes import notes_of
from entra_emulator.web.token_service_answers import answer_oauth, read_form

# Regional hosts of the token service, e.g. westus2.login.microsoft.com.
_REGIONAL = re.compile(r"//[a-z0-9]+(\.r)?\.login\.microsoft(online)?\.com(:|$)", re.IGNORECASE)


async def issue_token(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/token`: a token, by any of the grants."""
    return await _answer(request, 2)


async def issue_token_v1(request: Request) -> Response:
    """`POST /{tenant}/oauth2/token`: with `resource` instead of `scope`, and numbers as strings."""
    return await _answer(request, 1)


async def _answer(request: Request, version: int) -> Response:
    form = await read_form(request)
    # Fetched before a thread is used, so that an issuer that does not answer cannot block them all.
    await fetch_issuer_keys(context_of(request), origin_of(request), form)
    # In a thread, because signing takes a millisecond, and the first token may wait for the keys.
    content = await run_in_threadpool(_issue, request, form, version)
    return answer_oauth(request, content)


def _issue(request: Request, form: Mapping[str, str], version: int) -> dict[str, Any]:
    context, segment = context_of(request), request.path_params["tenant"]
    if segment.lower() == "consumers":
        raise refuse(9001023)
    tenant = find_tenant(context, segment)
    grant_type = form.get("grant_type")
    if not grant_type:
        raise refuse(900144, field="grant_type")
    if grant_type not in GRANTS:
        raise refuse(70003, grant=grant_type)
    if "fmi_path" in form:
        # With this parameter the token of an agent identity is requested; that of the application
        # itself would be mistaken for it.
        raise refuse(901002, parameter="fmi_path")
    authorization = request.headers.get("authorization", "")
    origin = origin_of(request)
    notes = notes_of(request.scope)
    token_request = TokenRequest(
        context, tenant, segment, origin, form, authorization, version, notes
    )
    # For the audit log; the grant itself refuses a client ID that cannot be read.
    with suppress(TokenRefusal):
        notes.client_id = read_client_credentials(token_request)[0]
    try:
        content = GRANTS[grant_type](token_request)
    except TokenRefusal as refusal:
        note_sign_in(request, token_request, refusal)
        raise
    notes.claims = split_token(content["access_token"]).claims
    note_sign_in(request, token_request)
    return content


def grant_client_credentials(request: TokenRequest) -> dict[str, Any]:
    """
    A token for an application itself (RFC 6749, 4.4).

    The answer has no `scope`: MSAL Python would cache the token under it, and not find it again.
    """
    client_id, secret = read_client_credentials(request)
    # Real answers have varied: this, 900023 or a token of another tenant (azure-docs#6485, #24064,
    # #100978).
    if request.tenant is None:
        raise refuse(50059)
    if _REGIONAL.search(request.origin):
        raise refuse(100007)
    context, tenant = request.context, request.tenant
    principal = find_principal(context, tenant, client_id)
    identifier = _read_resource(request)
    claims_request = read_claims_request(request.form.get("claims"), context.clock.now())
    # Later refusals reveal facts about the tenant's applications, which strangers should not learn.
    authentication = authenticate_client(request, principal, secret)
    check_enabled(context, principal)
    resource = find_resource(context, tenant, identifier)
    token, facts = issue_app_token(
        context,
        tenant,
        principal,
        resource,
        authentication=authentication,
        origin=request.origin,
        claims_request=claims_request,
    )
    return _render(token, facts) if request.version == 2 else _render_v1(token, facts, identifier)


GRANTS: dict[str, Callable[[TokenRequest], dict[str, Any]]] = {
    "client_credentials": grant_client_credentials,
    "authorization_code": grant_authorization_code,
    "refresh_token": grant_refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": grant_device_code,
    "device_code": grant_device_code,  # MSAL Node 1 and kubelogin call it so (recorded 2021-2025)
}


def _render(token: str, facts: AppTokenFacts) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "expires_in": facts.lifetime,
        "ext_expires_in": facts.lifetime,
        **describe_refresh(facts.lifetime),
        "access_token": token,
    }


def _render_v1(token: str, facts: AppTokenFacts, resource: str) -> dict[str, Any]:
    """
    The answer of version 1.0; answers of managed identities, which come from it, show its keys.

    Source: "How to use managed identities on an Azure VM to acquire an access token".
    """
    numbers = {
        "expires_in": facts.lifetime,
        "ext_expires_in": facts.lifetime,
        "expires_on": facts.issued_at + facts.lifetime,
        "not_before": facts.not_before,
    }
    return {
        "token_type": "Bearer",
        **{name: str(number) for name, number in numbers.items()},
        "resource": resource,
        **{name: str(number) for name, number in describe_refresh(facts.lifetime).items()},
        "access_token": token,
    }


def _read_resource(request: TokenRequest) -> str:
    """The identifier of the API that the token is to be for."""
    resource = request.form.get("resource")
    if request.version == 2:
        if resource is not None:
            raise refuse(901002, parameter="resource")
        return read_default_scope(request.form.get("scope", ""))
    if not resource:
        raise refuse(500013)
    return resource
