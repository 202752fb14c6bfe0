"""
The authorization endpoint: sign in, consent, and a code for the application.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow"; for refusals
"Microsoft Entra authentication and authorization error codes".
"""

import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.directory.tickets import seal
from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.consent_log import note_consent
from entra_emulator.token_service.consent_page import render_approval_needed, render_consent
from entra_emulator.token_service.requested_scopes import (
    MissingConsent,
    RequestedScopes,
    find_missing_consents,
    grant_consents,
    may_consent_for_all,
    may_consent_to,
    read_requested_scopes,
)
from entra_emulator.token_service.sign_in_page import render_sign_in
from entra_emulator.token_service.user_clients import find_user_client, make_token_facts
from entra_emulator.tokens.app_claims import PUBLIC_CLIENT
from entra_emulator.tokens.jwt import encode_base64url
from entra_emulator.tokens.signing import sign_token
from entra_emulator.tokens.user_claims import describe_id_token, hash_token, render_client_info
from entra_emulator.web.browser import (
    answer_client,
    check_form,
    check_same_origin,
    drop_from_prompt,
    list_form_origins,
    list_redirects,
    matches_redirect,
    redirect,
)
from entra_emulator.web.context import Context, context_of, find_tenant, origin_of
from entra_emulator.web.session import SignedIn, find_signed_in
from entra_emulator.web.token_service_answers import describe_refusal, read_form

# Seconds for which a code may be redeemed: "typically about 10 minutes".
CODE_LIFETIME = 600
PROMPTS = frozenset({"none", "login", "select_account", "consent"})
MODES = ("query", "fragment", "form_post")
# The form of a code challenge (RFC 7636, 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# The implicit grant of access tokens (`token`) is left out, as nobody should use it any more
# (RFC 9700, 2.1.2).
_RESPONSES = {"code", "id_token", "code id_token"}


class AuthorizationRequest(NamedTuple):
    """
    An authorization request whose redirect URI is one of its client's.

    On `common` and `organizations` the tenant is None; the segment is its name in the address. The
    URI is the path of the request with its parameters, to which the browser returns after sign-in.
    """

    tenant: Tenant | None
    segment: str
    client: Application
    redirect_uri: str
    values: Mapping[str, str]
    uri: str

    @property
    def response_types(self) -> frozenset[str]:
        """`code`, `id_token` or both."""
        return frozenset(self.values.get("response_type", "").split())

    @property
    def response_mode(self) -> str:
        """How the answer is returned; in a fragment if it contains an ID token."""
        # An unknown mode is refused, but that refusal has to be returned in some way, too.
        chosen = self.values.get("response_mode", "")
        if chosen in MODES:
            return chosen
        return "fragment" if "id_token" in self.response_types else "query"

    @property
    def prompts(self) -> frozenset[str]:
        """The words of `prompt`: what the user must do again."""
        return frozenset(self.values.get("prompt", "").split())


async def authorize(request: Request) -> Response:
    """`GET /{tenant}/oauth2/v2.0/authorize`: sign in, consent, and return with a code."""
    values = dict(reversed(request.query_params.multi_items()))
    return await run_in_threadpool(_authorize, request, values)


async def authorize_by_form(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/authorize`: the same, with the parameters in a form."""
    return await run_in_threadpool(_authorize, request, await read_form(request))


async def answer_consent_page(request: Request) -> Response:
    """`POST /{tenant}/consent`: what the user answered on the consent page."""
    check_same_origin(request)
    return await run_in_threadpool(_decide, request, await read_form(request))


def _authorize(request: Request, values: Mapping[str, str]) -> Response:
    path = f"/{quote(request.path_params['tenant'])}/oauth2/v2.0/authorize"
    authorization = _read_request(context_of(request), request.path_params["tenant"], values, path)
    try:
        return _proceed(request, authorization)
    except TokenRefusal as refusal:
        return _refuse_at(request, authorization, refusal)


def _proceed(request: Request, authorization: AuthorizationRequest) -> Response:
    _check(authorization)
    context, prompts = context_of(request), authorization.prompts
    signed_in = find_signed_in(request, authorization.tenant)
    hint = authorization.values.get("login_hint", "")
    if signed_in is None or prompts & {"login", "select_account"}:
        if "none" in prompts:
            raise refuse(50058)
        return render_sign_in(request, authorization.segment, after=authorization.uri, search=hint)
    client = authorization.client
    requested, missing = _find_missing(context, authorization, signed_in)
    if not missing:
        return _answer(request, authorization, signed_in, requested)
    if "none" in prompts:
        named = {"app": client.app_id, "name": client.display_name}
        raise refuse(65001, error="interaction_required", **named)
    if not may_consent_to(context, signed_in.tenant, signed_in.user_id, missing):
        return render_approval_needed(request, signed_in, client, missing, again=authorization.uri)
    return render_consent(
        request,
        signed_in,
        client,
        missing,
        action=f"/{quote(authorization.segment)}/consent",
        fields={"next": authorization.uri},
        targets=list_form_origins(authorization.redirect_uri),
    )


def _decide(request: Request, form: Mapping[str, str]) -> Response:
    check_form(request, form)
    authorization = _read_resumed_request(request, form.get("next", ""))
    try:
        if form.get("decision") != "accept":
            raise refuse(65004)
        _record_consent(request, authorization, everybody=form.get("everybody") == "yes")
    except TokenRefusal as refusal:
        return _refuse_at(request, authorization, refusal)
    # The same request is made again; with `prompt=consent` it would ask for ever.
    return redirect(request, drop_from_prompt(authorization.uri, "consent"))


def _record_consent(
    request: Request, authorization: AuthorizationRequest, *, everybody: bool
) -> None:
    context, signed_in = context_of(request), find_signed_in(request, authorization.tenant)
    if signed_in is None:
        raise refuse(50058)
    tenant, user_id, client = signed_in.tenant, signed_in.user_id, authorization.client
    # The scopes are looked up again, because the fields of the form cannot be trusted.
    _, missing = _find_missing(context, authorization, signed_in)
    allowed = may_consent_to(context, tenant, user_id, missing)
    if not allowed or (everybody and not may_consent_for_all(context, tenant, user_id)):
        raise refuse(90094, tenant=tenant.display_name, name=client.display_name)
    grant_consents(context, tenant, client, missing, user_id=None if everybody else user_id)
    note_consent(request, tenant, user_id, client, missing, everybody=everybody)


def _find_missing(
    context: Context, authorization: AuthorizationRequest, signed_in: SignedIn
) -> tuple[RequestedScopes, list[MissingConsent]]:
    """The requested scopes, and those of them that somebody has yet to consent to."""
    tenant, client = signed_in.tenant, authorization.client
    scope, anew = authorization.values.get("scope", ""), "consent" in authorization.prompts
    requested = read_requested_scopes(context, tenant, client, scope)
    user_id = signed_in.user_id
    return requested, find_missing_consents(context, tenant, client, user_id, requested, anew=anew)


def _answer(
    request: Request,
    authorization: AuthorizationRequest,
    signed_in: SignedIn,
    requested: RequestedScopes,
) -> Response:
    context, values = context_of(request), authorization.values
    answer: dict[str, str | None] = {}
    if "code" in authorization.response_types:
        answer["code"] = _keep_code(context, authorization, signed_in, requested)
    if "id_token" in authorization.response_types:
        code = answer.get("code")
        claims = describe_id_token(
            make_token_facts(
                context, signed_in.tenant, signed_in.user, authorization.client, PUBLIC_CLIENT
            ),
            issuer=f"{origin_of(request)}/{signed_in.tenant.id}/v2.0",
            openid=requested.openid,
            nonce=values.get("nonce"),
            **({"c_hash": hash_token(code)} if code else {}),
        )
        answer["id_token"] = sign_token(context.keys, claims)
    if values.get("client_info") == "1":
        answer["client_info"] = render_client_info(signed_in.tenant, signed_in.user_id)
    answer["state"] = values.get("state")
    answer["session_state"] = encode_base64url(f"{signed_in.user_id} {signed_in.at}".encode())
    return answer_client(request, authorization.redirect_uri, answer, authorization.response_mode)


def _keep_code(
    context: Context,
    authorization: AuthorizationRequest,
    signed_in: SignedIn,
    requested: RequestedScopes,
) -> str:
    """Make a code in the form of real ones, and store what it can be redeemed for."""
    code = "1.AX" + secrets.token_urlsafe(96)
    now, values = context.clock.now(), authorization.values
    doc = {
        "client": authorization.client.app_id,
        "redirect_uri": authorization.redirect_uri,
        "shared": authorization.tenant is None,
        "tenant": signed_in.tenant.id,
        "user": signed_in.user_id,
        "scope": requested.text,
        "nonce": values.get("nonce"),
        "challenge": values.get("code_challenge"),
        "method": values.get("code_challenge_method", "plain"),
        "at": now,
        "used": False,
    }
    context.directory.tickets.keep(seal("code", code), doc, expires=now + CODE_LIFETIME)
    return code


def _refuse_at(
    request: Request, authorization: AuthorizationRequest, refusal: TokenRefusal
) -> Response:
    """Return a refusal to the application, as documented and observed (azure-docs#114009)."""
    content = describe_refusal(request, refusal)
    answer: dict[str, str | None] = {
        "error": content["error"],
        "error_description": content["error_description"],
        "error_uri": content.get("error_uri"),
        "error_subcode": "cancel" if refusal.code == 65004 else None,
        "state": authorization.values.get("state"),
    }
    return answer_client(request, authorization.redirect_uri, answer, authorization.response_mode)


def _read_request(
    context: Context, segment: str, values: Mapping[str, str], path: str
) -> AuthorizationRequest:
    """
    The request, whose client and redirect URI have been checked.

    An error in these is shown on a page here, because the redirect URI could be anybody's.

    Raises:
        TokenRefusal: 900144, 700016, 50194, 900971 or 50011.
    """
    tenant = find_tenant(context, segment)
    client_id = values.get("client_id")
    if not client_id:
        raise refuse(900144, field="client_id")
    client = find_user_client(context, tenant, client_id)
    redirect_uri = values.get("redirect_uri")
    registered = list_redirects(client)
    if not redirect_uri:
        # RFC 6749, 3.1.2.3: it may be left out where only one is registered.
        if len(registered) != 1:
            raise refuse(900971)
        redirect_uri = registered[0]
    if not any(matches_redirect(uri, redirect_uri) for uri in registered):
        raise refuse(50011, uri=redirect_uri, app=client.app_id)
    uri = f"{path}?{urlencode(values)}"
    return AuthorizationRequest(tenant, segment, client, redirect_uri, values, uri)


def _read_resumed_request(request: Request, uri: str) -> AuthorizationRequest:
    """The authorization request for which a consent page was shown."""
    # The form of the page contains the whole request, so nothing has to be stored for it.
    path = f"/{quote(request.path_params['tenant'])}/oauth2/v2.0/authorize"
    shown_path, _, query = uri.partition("?")
    if shown_path != path:
        raise refuse(90023, field="next")
    values = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    return _read_request(context_of(request), request.path_params["tenant"], values, path)


def _check(authorization: AuthorizationRequest) -> None:
    """Refuse a request for an error that may be returned to the application."""
    values = authorization.values
    if "response_type" not in values:
        raise refuse(900144, field="response_type")
    if " ".join(sorted(authorization.response_types)) not in _RESPONSES:
        raise refuse(70005, value=values["response_type"])
    id_token = "id_token" in authorization.response_types
    if id_token:
        if not authorization.client.record["web"]["implicitGrantSettings"]["enableIdTokenIssuance"]:
            raise refuse(700054)
        # Without a nonce, the ID token could be replayed (OpenID Connect Core, 3.2.2.1).
        for name in ("nonce", "scope"):
            if not values.get(name):
                raise refuse(900144, field=name)
    mode = values.get("response_mode")
    # In a query, an ID token would get into histories and logs.
    if mode is not None and (mode not in MODES or (mode == "query" and id_token)):
        raise refuse(70007, value=mode)
    if not values.get("scope", "").strip():
        raise refuse(900144, field="scope")
    if not authorization.prompts <= PROMPTS:
        raise refuse(90023, field="prompt")
    _check_challenge(values)


def _check_challenge(values: Mapping[str, str]) -> None:
    challenge, method = values.get("code_challenge"), values.get("code_challenge_method")
    if method is not None and method not in {"S256", "plain"}:
        raise refuse(50149)
    if challenge is None and method is None:
        return
    if challenge is None or not _CHALLENGE.fullmatch(challenge):
        raise refuse(501491)
    # A SHA-256 digest has this length in base64url.
    if method == "S256" and len(challenge) != 43:
        raise refuse(501491)
