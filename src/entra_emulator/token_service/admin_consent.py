"""
Admin consent: an administrator grants an application its permissions for the whole tenant.

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
from entra_emulator.token_service.consent_log import note_consent
from entra_emulator.token_service.consent_page import (
    ShownPermission,
    link_sign_in,
    render_consent_refused,
)
from entra_emulator.token_service.requested_scopes import (
    MissingConsent,
    grant_consents,
    group_by_resource,
    read_requested_scopes,
)
from entra_emulator.token_service.sign_in_page import render_sign_in
from entra_emulator.token_service.user_clients import find_user_client
from entra_emulator.web.browser import (
    answer_client,
    check_form,
    check_same_origin,
    list_form_origins,
    list_redirects,
    matches_redirect,
)
from entra_emulator.web.context import Context, context_of, find_tenant, origin_of
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import SignedIn, find_signed_in
from entra_emulator.web.token_service_answers import describe_refusal, read_form


class ConsentRequest(NamedTuple):
    """
    A valid request for admin consent, and the permissions that are granted if the answer is yes.

    Args:
        redirect_uri: where the browser is sent with the answer; None to show it on a page.
        state: the parameter `state`, which is returned unchanged with the answer.
        scope: the parameter `scope` of version 2; None in version 1.
        roles: the app roles to grant.
        scopes: the delegated permissions to grant, by API.
        static: whether the permissions in the application's registration are requested.
    """

    signed_in: SignedIn
    client: Application
    redirect_uri: str | None
    state: str | None
    scope: str | None
    roles: list[Permission]
    scopes: list[MissingConsent]
    static: bool

    @property
    def tenant(self) -> Tenant:
        """The tenant whose administrator is to consent."""
        return self.signed_in.tenant


async def show_admin_consent(request: Request) -> Response:
    """`GET /{tenant}/adminconsent`: ask to grant all permissions that the application requests."""
    return await run_in_threadpool(_show, request, 1)


async def answer_admin_consent(request: Request) -> Response:
    """`POST /{tenant}/adminconsent`: grant the permissions or not; return to the application."""
    return await _answer(request, 1)


async def show_admin_consent_v2(request: Request) -> Response:
    """`GET /{tenant}/v2.0/adminconsent`: ask to grant the permissions that `scope` names."""
    return await run_in_threadpool(_show, request, 2)


async def answer_admin_consent_v2(request: Request) -> Response:
    """`POST /{tenant}/v2.0/adminconsent`: grant them or not, and return to the application."""
    return await _answer(request, 2)


async def _answer(request: Request, version: int) -> Response:
    check_same_origin(request)
    return await run_in_threadpool(_decide, request, await read_form(request), version)


def _show(request: Request, version: int) -> Response:
    context, values = context_of(request), dict(reversed(request.query_params.multi_items()))
    tenant = _check(context, request.path_params["tenant"], values, version)
    signed_in = find_signed_in(request, tenant)
    here = _find_here(request)
    if signed_in is None:
        return render_sign_in(request, request.path_params["tenant"], after=here)
    consent = _read_consent_request(context, signed_in, values, version)
    if not _may_answer(context, consent):
        return render_consent_refused(
            request,
            signed_in,
            consent.client,
            consent_address=f"{origin_of(request)}{here}",
            again=here,
            roles=_describe_roles(context, consent),
            scopes=_describe_scopes(consent),
        )
    return _render_consent(request, consent, here)


def _decide(request: Request, form: Mapping[str, str], version: int) -> Response:
    check_form(request, form)
    context = context_of(request)
    tenant = _check(context, request.path_params["tenant"], form, version)
    signed_in = find_signed_in(request, tenant)
    if signed_in is None:
        raise refuse(50058)
    # Everything is read and checked again, because the fields of the form may have been changed.
    consent = _read_consent_request(context, signed_in, form, version)
    accepted = form.get("decision") == "accept"
    if accepted:
        if not _may_answer(context, consent):
            name = consent.client.display_name
            raise refuse(90094, tenant=consent.tenant.display_name, name=name)
        _grant(context, consent)
        administrator, scopes = consent.signed_in.user_id, consent.scopes
        note_consent(request, consent.tenant, administrator, consent.client, scopes, everybody=True)
    if consent.redirect_uri is None:
        return render_dialog(
            request, signed_in, "consent_done.html", client=consent.client, granted=accepted
        )
    answer = _describe_answer(request, consent, version, accepted=accepted)
    return answer_client(request, consent.redirect_uri, answer, "query")


def _describe_answer(
    request: Request, consent: ConsentRequest, version: int, *, accepted: bool
) -> dict[str, str | None]:
    """The answer, its keys in the order of a real one (azure-docs#114009) or the documented one."""
    tenant_id, state = consent.tenant.id, consent.state
    if accepted and version == 1:
        return {"tenant": tenant_id, "state": state, "admin_consent": "True"}
    if accepted:
        answer = {"admin_consent": "True", "tenant": tenant_id, "scope": consent.scope}
        return answer | {"state": state}
    refusal = describe_refusal(request, refuse(65004))
    error = {name: refusal[name] for name in ("error", "error_description", "error_uri")}
    # `admin_consent` is present on failures too (observed: azure-docs#114009).
    return {**error, "admin_consent": "True", "state": state}


def _grant(context: Context, consent: ConsentRequest) -> None:
    directory, tenant, client = context.directory, consent.tenant, consent.client
    with directory.transaction():
        directory.service_principals.find_or_create(tenant, client)
        # Microsoft's own applications have no registration that could ask for anything.
        if consent.static and directory.applications.find_anywhere(client.app_id) is not None:
            directory.consents.grant_admin_consent(tenant, client.app_id)
        grant_consents(context, tenant, client, consent.scopes, user_id=None)


def _may_answer(context: Context, consent: ConsentRequest) -> bool:
    roles = context.directory.role_members.list_roles(consent.tenant, consent.signed_in.user_id)
    # Some roles may consent to anything but application permissions of Graph.
    graph_roles = any(role.resource_app_id == GRAPH_APP_ID for role in consent.roles)
    return may_consent(roles, graph_roles=graph_roles)


def _check(
    context: Context, segment: str, values: Mapping[str, str], version: int
) -> Tenant | None:
    """
    Check what can be checked before a user has signed in, and return the tenant.

    It is None on `common` and `organizations`, where the tenant of the user counts.

    Raises:
        TokenRefusal: 900144, client or scope is missing; 700016, the client is unknown; 90130,
            version 2 on `common`.
    """
    tenant = find_tenant(context, segment)
    for field in ("client_id", "scope")[:version]:
        if not values.get(field, "").strip():
            raise refuse(900144, field=field)
    client = context.directory.applications.find_client(values["client_id"])
    if client is None:
        tenant_name = tenant.display_name if tenant else "organizations"
        raise refuse(700016, app=values["client_id"], tenant=tenant_name)
    if version == 2 and segment.lower() == "common":
        raise refuse(90130, app=client.app_id, name=client.display_name)
    # Called only to refuse it: a wrong redirect URI should be reported before the user signs in.
    _read_redirect(client, values)
    return tenant


def _read_consent_request(
    context: Context, signed_in: SignedIn, values: Mapping[str, str], version: int
) -> ConsentRequest:
    directory, tenant = context.directory, signed_in.tenant
    client = find_user_client(context, tenant, values["client_id"])
    redirect_uri = _read_redirect(client, values)
    scope = values["scope"] if version == 2 else None
    consents: dict[str, MissingConsent] = {}
    static = True
    if scope is not None:
        requested = read_requested_scopes(context, tenant, client, scope)
        groups = group_by_resource(context, tenant, requested)
        static = any(scopes.default for scopes in groups.values())
        for app_id, scopes in groups.items():
            consents[app_id] = MissingConsent(scopes.resource.principal, scopes.records)
    if static:
        for app_id, records in directory.applications.list_requested_scopes(
            tenant, client.app_id
        ).items():
            resource = directory.service_principals.find(tenant, app_id)
            assert resource is not None
            named = consents[app_id].scopes if app_id in consents else ()
            added = (record for record in records if record not in named)
            consents[app_id] = MissingConsent(resource, (*named, *added))
    return ConsentRequest(
        signed_in,
        client,
        redirect_uri,
        values.get("state"),
        scope,
        directory.applications.list_requested_roles(tenant, client.app_id) if static else [],
        [consent for consent in consents.values() if consent.scopes],
        static,
    )


def _read_redirect(client: Application, values: Mapping[str, str]) -> str | None:
    """
    The redirect URI: a registered one, or a registered one followed by further path segments.

    Source: "Admin consent on the Microsoft identity platform" allows the segments.

    Raises:
        TokenRefusal: 50011.
    """
    uri = values.get("redirect_uri") or None
    if uri is None:
        return None
    registered = list_redirects(client)
    # With these characters, a browser or a server could read the address as another one.
    plain = not any(sign in uri for sign in ("..", "\\", "?", "#", "@", "%", ";"))
    longer = plain and any(uri.startswith(known.rstrip("/") + "/") for known in registered)
    if not longer and not any(matches_redirect(known, uri) for known in registered):
        raise refuse(50011, uri=uri, app=client.app_id)
    return uri


def _render_consent(request: Request, consent: ConsentRequest, here: str) -> Response:
    context, client = context_of(request), consent.client
    fields = {
        "client_id": client.app_id,
        "redirect_uri": consent.redirect_uri,
        "state": consent.state,
        "scope": consent.scope,
    }
    return render_dialog(
        request,
        consent.signed_in,
        "consent.html",
        form_origins=list_form_origins(consent.redirect_uri),
        client=client,
        publisher=client.record["verifiedPublisher"]["displayName"],
        held=context.directory.role_members.list_roles(consent.tenant, consent.signed_in.user_id),
        action=quote(request.scope["path"]),
        fields=fields,
        sign_in_address=link_sign_in(here),
        roles=_describe_roles(context, consent),
        scopes=_describe_scopes(consent),
    )


def _describe_roles(context: Context, consent: ConsentRequest) -> list[ShownPermission]:
    """The application permissions, as the page lists them."""
    rows = []
    for role in consent.roles:
        resource = context.directory.service_principals.find(consent.tenant, role.resource_app_id)
        assert resource is not None, "its permissions are asked for"
        text = find_role(resource, role.role_id)["description"]
        description = "" if text == role.display_name else text or ""
        rows.append(ShownPermission(role.display_name, description, role.value, role.resource))
    return rows


def _describe_scopes(consent: ConsentRequest) -> list[ShownPermission]:
    """The delegated permissions, as the page lists them."""
    return [
        ShownPermission(
            scope["adminConsentDisplayName"] or scope["value"],
            scope["adminConsentDescription"] or "",
            scope["value"],
            of_resource.resource.display_name,
        )
        for of_resource in consent.scopes
        for scope in of_resource.scopes
    ]


def _find_here(request: Request) -> str:
    """The address of the page itself, which signing in leads back to."""
    values = dict(reversed(request.query_params.multi_items()))
    return f"{quote(request.scope['path'])}?{urlencode(values)}"
