"""
Sign in to the token service, on a page that lists people to sign in as, and sign out.

There are no passwords: everybody who can reach the emulator may sign in as anybody, and the page
says so.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import refuse
from entra_emulator.model.records import Record, Tenant
from entra_emulator.token_service.user_clients import refuse_other_tenant
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
from entra_emulator.web.context import Context, context_of, find_tenant
from entra_emulator.web.pages.dialog import render_dialog
from entra_emulator.web.session import begin_session, describe_people, end_session, find_person
from entra_emulator.web.token_service_answers import read_form

# The only pages to which signing in returns; otherwise, a link to it could lead to any site.
_PAGES = re.compile(
    r"/[^/]+/(oauth2/v2\.0/authorize|adminconsent|v2\.0/adminconsent)"
    r"|/devicelogin|/common/oauth2/deviceauth"
)


async def show_sign_in(request: Request) -> Response:
    """`GET /{tenant}/signin`: the sign-in page, with the people who match a search."""
    values, segment = request.query_params, request.path_params["tenant"]
    after, search = values.get("next", ""), values.get("q", "")
    return await run_in_threadpool(render_sign_in, request, segment, after=after, search=search)


def render_sign_in(request: Request, segment: str, *, after: str, search: str = "") -> Response:
    """
    The page that lists people to sign in as; it leads to the page `after`, a path of this origin.

    The segment is the tenant, or a shared name such as `common` for the people of all tenants. The
    search compares the beginnings of names, family names and addresses.

    Raises:
        TokenRefusal: 90023, the page does not exist; 90002 or 900023, the tenant does not exist.
    """
    context, after = context_of(request), _check_page(after)
    tenant = find_tenant(context, segment)
    tenants = [tenant] if tenant else context.directory.tenants.list_all()
    redirect_uri = parse_qs(urlsplit(after).query).get("redirect_uri", [""])[0]
    return render_dialog(
        request,
        None,
        "sign_in_dialog.html",
        form_origins=list_form_origins(redirect_uri),
        address=f"/{quote(segment)}/signin",
        after=after,
        tenant_filter="",
        **describe_people(context.directory, tenants, search),
    )


async def sign_in(request: Request) -> Response:
    """`POST /{tenant}/signin`: sign in as the chosen person, and go to the page `after`."""
    check_same_origin(request)
    return await run_in_threadpool(_sign_in, request, await read_form(request))


def sign_out(request: Request) -> Response:
    """
    `GET /{tenant}/oauth2/v2.0/logout`: sign the user out, and go back to the application.

    The browser goes back only to a redirect URI of the application that
    `client_id` or `id_token_hint` names ("OpenID Connect on the Microsoft
    identity platform", sign-out).
    """
    # Unlike other changes, another site may request this, because applications send users here.
    context = context_of(request)
    find_tenant(context, request.path_params["tenant"])
    values = request.query_params
    target = values.get("post_logout_redirect_uri")
    client = context.directory.applications.find_client(values.get("client_id", ""))
    registered = list_redirects(client) if client else []
    if target and any(matches_redirect(uri, target) for uri in registered):
        response = answer_client(request, target, {"state": values.get("state")}, "query")
    else:
        response = render_dialog(request, None, "signed_out.html")
    end_session(request, response)
    return response


def _sign_in(request: Request, form: Mapping[str, str]) -> Response:
    check_form(request, form)
    context, after = context_of(request), _check_page(form.get("next", ""))
    tenant, user = _find_picked(context, request.path_params["tenant"], form.get("user", ""), after)
    response = redirect(request, drop_from_prompt(after, "login", "select_account"))
    begin_session(context, response, tenant, user)
    return response


def _find_picked(context: Context, segment: str, picked: str, after: str) -> tuple[Tenant, Record]:
    """
    The person whose button was pressed, which is named by `{tenant ID}/{object ID}`.

    Raises:
        TokenRefusal: 50034, there is no user with this ID; 50020, the user is of another tenant.
    """
    tenant = find_tenant(context, segment)
    person = find_person(context.directory, picked)
    if person is None:
        raise refuse(50034, user=picked, tenant=tenant.display_name if tenant else segment)
    home, user = person
    if tenant is not None and tenant != home:
        app_id = parse_qs(urlsplit(after).query).get("client_id", [""])[0]
        client = context.directory.applications.find_client(app_id)
        raise refuse_other_tenant(user, home, tenant, app_id, client)
    return person


def _check_page(after: str) -> str:
    """
    Check that `after` is a page to return to: a path of this origin, with a query.

    Raises:
        TokenRefusal: 90023.
    """
    # The text is not parsed: `///devicelogin` has the right path, but browsers take it for a host.
    plain = after.isascii() and after.isprintable()
    if not plain or not _PAGES.fullmatch(after.partition("?")[0]):
        raise refuse(90023, field="next")
    return after
