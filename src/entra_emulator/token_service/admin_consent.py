"""
Admin consent: an administrator grants an application what it asks for in the whole tenant.

Sources: "Admin consent on the Microsoft identity platform", and for the endpoint
without a version "OAuth 2.0 client credentials flow", admin consent.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import refuse
from entra_emulator.model.app_roles import find_role
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.directory_roles import may_consent
from entra_emulator.model.records import Application, Permission, Tenant
from entra_emulator.token_service.consent_page import Wanted
from entra_emulator.token_service.requested_scopes import (
    Missing,
    grant_missing,
    list_wanted,
    read_aims,
)
from entra_emulator.token_service.sign_in_page import render_sign_in
from entra_emulator.token_service.user_clients import find_visitor
from entra_emulator.web.browser import (
    answer_at,
    check_same_origin,
    form_target,
    list_redirects,
    matches_redirect,
)
from entra_emulator.web.context import Context, context_of, find_tenant, origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import SignedIn, find_signed_in
from entra_emulator.web.token_service_answers import describe_fault, read_form


class Question(NamedTuple):
    """
    A question that makes sense: who asks, for what, and where to go afterwards.

    `roles` and `scopes` are what is granted if the answer is yes; `scope` is the
    parameter of version 2.
    """

    signed_in: SignedIn
    client: Application
    redirect_uri: str | None
    state: str | None
    scope: str | None
    roles: list[Permission]
    scopes: list[Missing]
    static: bool

    @property
    def tenant(self) -> Tenant:
        """Whose administrator is asked."""
        return self.signed_in.tenant


async def ask_consent(request: Request) -> Response:
    """`GET /{tenant}/adminconsent`: everything the application's registration asks for."""
    return await run_in_threadpool(_ask, request, 1)


async def answer_consent(request: Request) -> Response:
    """`POST /{tenant}/adminconsent`: grant, or not, and go back to the application."""
    return await _answer(request, 1)


async def ask_consent_v2(request: Request) -> Response:
    """`GET /{tenant}/v2.0/adminconsent`: what `scope` names; `/.default` is the registration's."""
    return await run_in_threadpool(_ask, request, 2)


async def answer_consent_v2(request: Request) -> Response:
    """`POST /{tenant}/v2.0/adminconsent`: grant, or not, and go back to the application."""
    return await _answer(request, 2)


async def _answer(request: Request, version: int) -> Response:
    check_same_origin(request)
    return await run_in_threadpool(_decide, request, await read_form(request), version)


def _ask(request: Request, version: int) -> Response:
    context, values = context_of(request), dict(reversed(request.query_params.multi_items()))
    tenant = _check(context, request.path_params["tenant"], values, version)
    signed_in = find_signed_in(request, tenant)
    here = _find_here(request)
    if signed_in is None:
        return render_sign_in(request, request.path_params["tenant"], after=here)
    question = _read_question(context, signed_in, values, version)
    if not _may_answer(context, question):
        return _render_refused(request, question, here)
    return _render_question(request, question)


def _decide(request: Request, form: Mapping[str, str], version: int) -> Response:
    context = context_of(request)
    tenant = _check(context, request.path_params["tenant"], form, version)
    signed_in = find_signed_in(request, tenant)
    if signed_in is None:
        raise refuse(50058)
    question = _read_question(context, signed_in, form, version)
    answer: dict[str, str | None]
    if form.get("decision") == "accept":
        if not _may_answer(context, question):
            name = question.client.display_name
            raise refuse(90094, tenant=question.tenant.display_name, name=name)
        _grant(context, question)
        answer = _describe_success(question, version)
    else:
        fault = describe_fault(request, refuse(65004))
        answer = {
            "error": fault["error"],
            "error_description": fault["error_description"],
            "error_uri": fault["error_uri"],
            "admin_consent": "True",  # present on failures too (observed: azure-docs#114009)
            "state": question.state,
        }
    if question.redirect_uri is not None:
        return answer_at(request, question.redirect_uri, answer, "query")
    granted = "error" not in answer
    return render_dialog(
        request, signed_in, "consent_done.html", client=question.client, granted=granted
    )


def _describe_success(question: Question, version: int) -> dict[str, str | None]:
    """Keys in the order of a real redirect (azure-docs#114009), or of the documented one."""
    if version == 1:
        return {"tenant": question.tenant.id, "state": question.state, "admin_consent": "True"}
    return {
        "admin_consent": "True",
        "tenant": question.tenant.id,
        "scope": question.scope,
        "state": question.state,
    }


def _grant(context: Context, question: Question) -> None:
    directory, tenant, client = context.directory, question.tenant, question.client
    with directory.transaction():
        directory.service_principals.find_or_create(tenant, client)
        if question.static and directory.applications.find_anywhere(client.app_id) is not None:
            directory.consents.grant_admin_consent(tenant, client.app_id)
        grant_missing(context, tenant, client, question.scopes, user_id=None)


def _may_answer(context: Context, question: Question) -> bool:
    roles = context.directory.role_members.list_roles(question.tenant, question.signed_in.user_id)
    of_graph = any(p.resource_app_id == GRAPH_APP_ID for p in question.roles)
    return may_consent(roles, graph_roles=of_graph)


def _check(
    context: Context, segment: str, values: Mapping[str, str], version: int
) -> Tenant | None:
    """
    What can be told before anybody is signed in: the tenant, None if that is the user's.

    Raises:
        OAuthFault: 900144, no client or scope; 700016, unknown; 90130, version 2 on `common`.
    """
    tenant = find_tenant(context, segment)
    for field in ("client_id", "scope")[:version]:
        if not values.get(field, "").strip():
            raise refuse(900144, field=field)
    client_id = values["client_id"]
    client = context.directory.applications.find_client(client_id)
    if client is None:
        raise refuse(
            700016, app=client_id, tenant=tenant.display_name if tenant else "organizations"
        )
    if version == 2 and segment.lower() == "common":
        raise refuse(90130, app=client.app_id, name=client.display_name)
    _read_redirect(client, values)
    return tenant


def _read_question(
    context: Context, signed_in: SignedIn, values: Mapping[str, str], version: int
) -> Question:
    directory, tenant = context.directory, signed_in.tenant
    client = find_visitor(context, tenant, values["client_id"])
    redirect_uri = _read_redirect(client, values)
    scope = values["scope"] if version == 2 else None
    found: dict[str, Missing] = {}
    static = True
    if scope is not None:
        aims = read_aims(context, tenant, client, scope)
        wanted = list_wanted(context, tenant, aims)
        static = any(one.default for one in wanted.values())
        found = {key: Missing(one.principal, one.scopes) for key, one in wanted.items()}
    requested = (
        directory.applications.list_requested_scopes(tenant, client.app_id) if static else {}
    )
    for app_id, scopes in requested.items():
        resource = directory.service_principals.find(tenant, app_id)
        assert resource is not None
        named = found[app_id].scopes if app_id in found else ()
        found[app_id] = Missing(resource, (*named, *(s for s in scopes if s not in named)))
    roles = directory.applications.list_requested_roles(tenant, client.app_id) if static else []
    state = values.get("state")
    return Question(
        signed_in,
        client,
        redirect_uri,
        state,
        scope,
        roles,
        [one for one in found.values() if one.scopes],
        static,
    )


def _read_redirect(client: Application, values: Mapping[str, str]) -> str | None:
    """
    The redirect URI: a registered one, or with more path segments behind one.

    Source: "Admin consent on the Microsoft identity platform" allows the segments.

    Raises:
        OAuthFault: 50011.
    """
    uri = values.get("redirect_uri") or None
    if uri is None:
        return None
    registered = list_redirects(client)
    plain = not any(sign in uri for sign in ("..", "\\", "?", "#", "@", "%", ";"))
    longer = plain and any(uri.startswith(one.rstrip("/") + "/") for one in registered)
    if not longer and not any(matches_redirect(one, uri) for one in registered):
        raise refuse(50011, uri=uri, app=client.app_id)
    return uri


def _render_question(request: Request, question: Question) -> Response:
    client, tenant, user = question.client, question.tenant, question.signed_in.user
    roles = context_of(request).directory.role_members.list_roles(tenant, user["id"])
    fields = {
        "client_id": client.app_id,
        "redirect_uri": question.redirect_uri,
        "state": question.state,
        "scope": question.scope,
    }
    return render_dialog(
        request,
        question.signed_in,
        "consent.html",
        form_origins=form_target(question.redirect_uri),
        client=client,
        publisher=client.record["verifiedPublisher"]["displayName"],
        held=roles,
        action=quote(request.scope["path"]),
        fields=fields,
        other=_link_other(_find_here(request)),
        roles=_describe_roles(context_of(request), question),
        scopes=_describe_scopes(question),
    )


def _describe_roles(context: Context, question: Question) -> list[Wanted]:
    """The application permissions, as the page lists them."""
    found = []
    for one in question.roles:
        resource = context.directory.service_principals.find(question.tenant, one.resource_app_id)
        assert resource is not None, "its permissions are asked for"
        text = find_role(resource, one.role_id)["description"]
        described = "" if text == one.display_name else text
        found.append(Wanted(one.display_name, described or "", one.value, one.resource))
    return found


def _describe_scopes(question: Question) -> list[Wanted]:
    """The delegated permissions, as the page lists them."""
    return [
        Wanted(
            scope["adminConsentDisplayName"] or scope["value"],
            scope["adminConsentDescription"] or "",
            scope["value"],
            missing.resource.display_name,
        )
        for missing in question.scopes
        for scope in missing.scopes
    ]


def _render_refused(request: Request, question: Question, here: str) -> Response:
    """AADSTS90094: who is signed in may not consent, and learns where to send who may."""
    return render_dialog(
        request,
        question.signed_in,
        "consent_refused.html",
        status=403,
        client=question.client,
        place=f"{origin_of(request)}{here}",
        other=_link_other(here),
        roles=_describe_roles(context_of(request), question),
        scopes=_describe_scopes(question),
    )


def _find_here(request: Request) -> str:
    """The page itself, which signing in leads back to."""
    values = dict(reversed(request.query_params.multi_items()))
    return f"{quote(request.scope['path'])}?{urlencode(values)}"


def _link_other(here: str) -> str:
    """The page to sign in as somebody else, and come back."""
    return f"/{here.split('/')[1]}/signin?{urlencode({'next': here})}"
