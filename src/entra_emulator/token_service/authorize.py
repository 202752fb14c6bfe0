"""
The authorization endpoint: sign in, consent, and a code for the application.

Sources: "Microsoft identity platform and OAuth 2.0 authorization code flow";
the page of refusals is "Microsoft Entra authentication and authorization error codes".
"""

import base64
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.directory.tickets import seal
from entra_emulator.errors import OAuthFault, refuse
from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.consent_page import render_approval_needed, render_consent
from entra_emulator.token_service.requested_scopes import (
    Aims,
    find_missing,
    grant_missing,
    may_agree,
    may_agree_for_all,
    read_aims,
)
from entra_emulator.token_service.sign_in_page import render_sign_in
from entra_emulator.token_service.user_clients import find_visitor, make_subject
from entra_emulator.tokens.signing import sign_token
from entra_emulator.tokens.user_claims import describe_id, hash_half, render_client_info
from entra_emulator.web.browser import (
    answer_at,
    check_same_origin,
    drop_from_prompt,
    form_target,
    go,
    list_redirects,
    matches_redirect,
)
from entra_emulator.web.context import Context, context_of, find_tenant, origin_of
from entra_emulator.web.session import SignedIn, find_signed_in
from entra_emulator.web.token_service_answers import describe_fault, read_form

# Seconds a code may be redeemed: "typically about 10 minutes".
CODE_LIFETIME = 600
PROMPTS = frozenset({"none", "login", "select_account", "consent"})
MODES = ("query", "fragment", "form_post")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_RESPONSES = {"code", "id_token", "code id_token"}


class Ask(NamedTuple):
    """
    An authorization request whose client and redirect URI are known to belong together.

    `tenant` is None on `common` and `organizations`; `uri` is the request's own
    path with its parameters, to come back to.
    """

    tenant: Tenant | None
    segment: str
    client: Application
    redirect_uri: str
    values: Mapping[str, str]
    uri: str

    @property
    def kinds(self) -> frozenset[str]:
        """`code`, `id_token` or both."""
        return frozenset(self.values.get("response_type", "").split())

    @property
    def mode(self) -> str:
        """How the answer travels; in a fragment where it has an ID token in it."""
        chosen = self.values.get("response_mode", "")
        if chosen in MODES:
            return chosen
        return "fragment" if "id_token" in self.kinds else "query"

    @property
    def prompts(self) -> frozenset[str]:
        """What the user is to be asked again."""
        return frozenset(self.values.get("prompt", "").split())


async def authorize(request: Request) -> Response:
    """`GET /{tenant}/oauth2/v2.0/authorize`: sign in, consent, go back with a code."""
    values = dict(reversed(request.query_params.multi_items()))
    return await run_in_threadpool(_authorize, request, values)


async def authorize_by_form(request: Request) -> Response:
    """`POST /{tenant}/oauth2/v2.0/authorize`: the same, with the parameters in a form."""
    return await run_in_threadpool(_authorize, request, await read_form(request))


async def decide(request: Request) -> Response:
    """`POST /{tenant}/consent`: what the user answered on the consent page."""
    check_same_origin(request)
    return await run_in_threadpool(_decide, request, await read_form(request))


def _authorize(request: Request, values: Mapping[str, str]) -> Response:
    path = f"/{quote(request.path_params['tenant'])}/oauth2/v2.0/authorize"
    ask = _read_ask(context_of(request), request.path_params["tenant"], values, path)
    try:
        return _proceed(request, ask)
    except OAuthFault as fault:
        return _refuse_at(request, ask, fault)


def _proceed(request: Request, ask: Ask) -> Response:
    _check(ask)
    context, prompts = context_of(request), ask.prompts
    signed_in = find_signed_in(request, ask.tenant)
    hint = ask.values.get("login_hint", "")
    if signed_in is None or prompts & {"login", "select_account"}:
        if "none" in prompts:
            raise refuse(50058)
        return render_sign_in(request, ask.segment, after=ask.uri, search=hint)
    tenant, user_id = signed_in.tenant, signed_in.user_id
    aims = read_aims(context, tenant, ask.client, ask.values.get("scope", ""))
    anew = "consent" in prompts
    missing = find_missing(context, tenant, ask.client, user_id, aims, anew=anew)
    if not missing:
        return _answer(request, ask, signed_in, aims)
    if "none" in prompts:
        named = {"app": ask.client.app_id, "name": ask.client.display_name}
        raise refuse(65001, error="interaction_required", **named)
    if not may_agree(context, tenant, user_id, missing):
        return render_approval_needed(request, signed_in, ask.client, missing, again=ask.uri)
    return render_consent(
        request,
        signed_in,
        ask.client,
        missing,
        action=f"/{quote(ask.segment)}/consent",
        fields={"next": ask.uri},
        targets=form_target(ask.redirect_uri),
    )


def _decide(request: Request, form: Mapping[str, str]) -> Response:
    ask = _read_again(request, form.get("next", ""))
    try:
        if form.get("decision") != "accept":
            raise refuse(65004)
        _agree(request, ask, everybody=form.get("everybody") == "yes")
    except OAuthFault as fault:
        return _refuse_at(request, ask, fault)
    return go(request, drop_from_prompt(ask.uri, "consent"))


def _agree(request: Request, ask: Ask, *, everybody: bool) -> None:
    context, signed_in = context_of(request), find_signed_in(request, ask.tenant)
    if signed_in is None:
        raise refuse(50058)
    tenant, user_id = signed_in.tenant, signed_in.user_id
    aims = read_aims(context, tenant, ask.client, ask.values.get("scope", ""))
    anew = "consent" in ask.prompts
    missing = find_missing(context, tenant, ask.client, user_id, aims, anew=anew)
    allowed = may_agree(context, tenant, user_id, missing)
    if not allowed or (everybody and not may_agree_for_all(context, tenant, user_id)):
        raise refuse(90094, tenant=tenant.display_name, name=ask.client.display_name)
    grant_missing(context, tenant, ask.client, missing, user_id=None if everybody else user_id)


def _answer(request: Request, ask: Ask, signed_in: SignedIn, aims: Aims) -> Response:
    context, values = context_of(request), ask.values
    answer: dict[str, str | None] = {}
    if "code" in ask.kinds:
        answer["code"] = _keep_code(context, ask, signed_in, aims)
    if "id_token" in ask.kinds:
        subject = make_subject(context, signed_in.tenant, signed_in.user, ask.client, "0")
        issuer = f"{origin_of(request)}/{signed_in.tenant.id}/v2.0"
        code = answer.get("code")
        hashes = {"c_hash": hash_half(code)} if code else {}
        claims = describe_id(
            subject, issuer=issuer, openid=aims.openid, nonce=values.get("nonce"), **hashes
        )
        answer["id_token"] = sign_token(context.keys, claims)
    if values.get("client_info") == "1":
        answer["client_info"] = render_client_info(signed_in.tenant, signed_in.user_id)
    answer["state"] = values.get("state")
    answer["session_state"] = _name_session(signed_in)
    return answer_at(request, ask.redirect_uri, answer, ask.mode)


def _keep_code(context: Context, ask: Ask, signed_in: SignedIn, aims: Aims) -> str:
    """A new code, of the shape of real ones, and what it is good for."""
    code = "1.AX" + secrets.token_urlsafe(96)
    now, values = context.clock.now(), ask.values
    doc = {
        "client": ask.client.app_id,
        "redirect_uri": ask.redirect_uri,
        "shared": ask.tenant is None,
        "tenant": signed_in.tenant.id,
        "user": signed_in.user_id,
        "scope": aims.text,
        "nonce": values.get("nonce"),
        "challenge": values.get("code_challenge"),
        "method": values.get("code_challenge_method", "plain"),
        "at": now,
        "used": False,
    }
    context.directory.tickets.keep(seal("code", code), doc, expires=now + CODE_LIFETIME)
    return code


def _refuse_at(request: Request, ask: Ask, fault: OAuthFault) -> Response:
    """Hand a refusal to the application, as documented and observed (azure-docs#114009)."""
    content = describe_fault(request, fault)
    answer: dict[str, str | None] = {
        "error": content["error"],
        "error_description": content["error_description"],
        "error_uri": content.get("error_uri"),
        "error_subcode": "cancel" if fault.code == 65004 else None,
        "state": ask.values.get("state"),
    }
    return answer_at(request, ask.redirect_uri, answer, ask.mode)


def _read_ask(context: Context, segment: str, values: Mapping[str, str], path: str) -> Ask:
    """
    The request, if it may be answered at its redirect URI at all; else a page says why not.

    Raises:
        OAuthFault: 900144, 700016, 50194, 900971 or 50011.
    """
    tenant = find_tenant(context, segment)
    client_id = values.get("client_id")
    if not client_id:
        raise refuse(900144, field="client_id")
    client = find_visitor(context, tenant, client_id)
    uri = values.get("redirect_uri")
    registered = list_redirects(client)
    if not uri:
        if len(registered) != 1:
            raise refuse(900971)
        uri = registered[0]
    if not any(matches_redirect(one, uri) for one in registered):
        raise refuse(50011, uri=uri, app=client.app_id)
    return Ask(tenant, segment, client, uri, values, f"{path}?{urlencode(values)}")


def _read_again(request: Request, uri: str) -> Ask:
    """The request that a consent page was shown for."""
    path = f"/{quote(request.path_params['tenant'])}/oauth2/v2.0/authorize"
    place, _, query = uri.partition("?")
    if place != path:
        raise refuse(90023, field="next")
    values = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    return _read_ask(context_of(request), request.path_params["tenant"], values, path)


def _check(ask: Ask) -> None:
    """Refuse what is wrong with a request, but can be told to the application."""
    values = ask.values
    if "response_type" not in values:
        raise refuse(900144, field="response_type")
    if " ".join(sorted(ask.kinds)) not in _RESPONSES:
        raise refuse(70005, value=values["response_type"])
    grants = ask.client.record["web"]["implicitGrantSettings"]
    if "id_token" in ask.kinds:
        if not grants["enableIdTokenIssuance"]:
            raise refuse(700054)
        for name in ("nonce", "scope"):
            if not values.get(name):
                raise refuse(900144, field=name)
    mode = values.get("response_mode")
    if mode is not None and (mode not in MODES or (mode == "query" and "id_token" in ask.kinds)):
        raise refuse(70007, value=mode)
    if not values.get("scope", "").strip():
        raise refuse(900144, field="scope")
    if not ask.prompts <= PROMPTS:
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
    if method == "S256" and len(challenge) != 43:
        raise refuse(501491)


def _name_session(signed_in: SignedIn) -> str:
    text = f"{signed_in.user_id} {signed_in.at}".encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
