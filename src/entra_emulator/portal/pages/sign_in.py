"""Signing in and out, and the language that the portal speaks."""

from starlette.responses import Response

from entra_emulator.model.records import Tenant
from entra_emulator.portal.ask_graph import PORTAL_APP_ID
from entra_emulator.portal.routes import page
from entra_emulator.token_service.sign_in_log import note_user_sign_in
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PREFIX, PageRequest, find_page_before, is_page
from entra_emulator.web.pages.texts import LANGUAGE_COOKIE, LANGUAGES
from entra_emulator.web.session import begin_session, describe_people, end_session, find_person

_YEAR = 365 * 86_400


@page("GET", PREFIX, public=True)
def enter(request: PageRequest) -> Response:
    """Go to the tenant of the signed-in user, or to the page for signing in."""
    return go_to(f"{PREFIX}/signin" if request.who is None else request.at())


@page("GET", f"{PREFIX}/signin", public=True)
def show_sign_in(request: PageRequest) -> Response:
    """List people to sign in as, with a search for others."""
    tenants = _choose_tenants(request)
    return render(
        request,
        "sign_in.html",
        address=f"{PREFIX}/signin",
        after=_check_page(request.query("next")),
        tenant_filter=request.query("tenant"),
        **describe_people(request.directory, tenants, request.query("q")),
    )


@page("POST", f"{PREFIX}/signin", public=True)
def sign_in(request: PageRequest) -> Response:
    """Sign in as the chosen person, and go to the page that required it."""
    person = find_person(request.directory, request.form.get("user"))
    if person is None:
        raise PortalRefusal(404, "person")
    tenant, user = person
    after = _check_page(request.form.get("next"))
    home = f"{PREFIX}/{tenant.id}"
    # A page of another tenant would send the person back to the sign-in page.
    others = tuple(
        f"{PREFIX}/{one.id}" for one in request.directory.tenants.list_all() if one != tenant
    )
    response = go_to(home if after == PREFIX or after.startswith(others) else after)
    # `begin_session` refuses it, too, but on a page of the token service.
    if not user.get("accountEnabled", True):
        raise PortalRefusal(403, "disabled", name=user["displayName"])
    begin_session(request.context, response, tenant, user)
    note_user_sign_in(request.http, tenant, user["id"], app_id=PORTAL_APP_ID)
    return response


@page("POST", f"{PREFIX}/signout")
def sign_out(request: PageRequest) -> Response:
    """Sign out."""
    response = go_to(f"{PREFIX}/signin")
    end_session(request.http, response)
    # A new secret that no page has shown yet must not be shown to the next person.
    request.notices.forget(request.token)
    return response


@page("GET", f"{PREFIX}/language", public=True)
def choose_language(request: PageRequest) -> Response:
    """Show the same page, and all that follow, in another language."""
    language = request.query("to")
    after = request.query("next")
    # Pages of the token service have this link, too: it leads back to the same page.
    leads_back = is_page(after) or after == find_page_before(request.http) != ""
    response = go_to(after if leads_back else PREFIX)
    if language in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=_YEAR,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
    return response


def _choose_tenants(request: PageRequest) -> list[Tenant]:
    key = request.query("tenant")
    if not key:
        return request.directory.tenants.list_all()
    tenant = request.directory.tenants.find(key)
    if tenant is None:
        raise PortalRefusal(404, "tenant", tenant=key)
    return [tenant]


def _check_page(after: str) -> str:
    """The page to go on to; the first one, if this is no page of the portal that can be shown."""
    fits = is_page(after) and not after.startswith(f"{PREFIX}/signin")
    return after if fits else PREFIX
