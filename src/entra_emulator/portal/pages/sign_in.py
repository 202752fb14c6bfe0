"""Who one is in the portal, in which tenant, and in which language."""

import re

from starlette.responses import Response

from entra_emulator.model.records import Record, Tenant
from entra_emulator.portal.serve import LANGUAGE_COOKIE
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PREFIX, Visit
from entra_emulator.web.pages.texts import LANGUAGES
from entra_emulator.web.session import begin_session, end_session, find_people

_YEAR = 365 * 86_400

# A page of the portal, and nothing else: `//host` would lead elsewhere.
_PAGE = re.compile(rf"{PREFIX}([/?][\x21-\x7e]*)?")


def enter(visit: Visit) -> Response:
    """`GET /portal`: to the tenant of who is signed in, or to the page for signing in."""
    return go_to(f"{PREFIX}/signin" if visit.who is None else visit.at())


def show_sign_in(visit: Visit) -> Response:
    """`GET /portal/signin`: the people to sign in as, and a search for others."""
    tenants = _choose_tenants(visit)
    people = list(find_people(visit.directory, tenants, visit.query("q")))
    known = sum(visit.directory.count(tenant, "user") for tenant in tenants)
    return render(
        visit,
        "sign_in.html",
        address=f"{PREFIX}/signin",
        after=_check_page(visit.query("next")),
        people=people,
        known=known,
        many=len(tenants) > 1,
        search=visit.query("q"),
        asked=visit.query("tenant"),
    )


def sign_in(visit: Visit) -> Response:
    """`POST /portal/signin`: be that person from now on."""
    tenant, user = _find_picked(visit)
    after = _check_page(visit.form.get("next"))
    home = f"{PREFIX}/{tenant.id}"
    # A page of another tenant's would ask again who one is.
    known = [f"{PREFIX}/{one.id}" for one in visit.directory.tenants() if one != tenant]
    response = go_to(home if after == PREFIX or after.startswith(tuple(known)) else after)
    if not user.get("accountEnabled", True):
        raise PortalFault(403, "disabled", name=user["displayName"])
    begin_session(visit.context, response, tenant, user)
    return response


def sign_out(visit: Visit) -> Response:
    """`POST /portal/signout`: be nobody."""
    response = go_to(f"{PREFIX}/signin")
    end_session(visit.request, response)
    visit.notices.forget(visit.token)
    return response


def choose_language(visit: Visit) -> Response:
    """`GET /portal/language`: the same page in another language, and all that follow."""
    wanted = visit.query("to")
    after = visit.query("next")
    response = go_to(after if _PAGE.fullmatch(after) else PREFIX)
    if wanted in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            wanted,
            max_age=_YEAR,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
    return response


def list_tenants(visit: Visit) -> Response:
    """`GET /portal/tenants`: every tenant, to switch to another."""
    tenants = visit.directory.tenants()
    users = {one.id: visit.directory.count(one, "user") for one in tenants}
    return render(visit, "tenants.html", tenants=tenants, users=users)


def _choose_tenants(visit: Visit) -> list[Tenant]:
    asked = visit.query("tenant")
    if not asked:
        return visit.directory.tenants()
    tenant = visit.directory.tenant(asked)
    if tenant is None:
        raise PortalFault(404, "tenant", tenant=asked)
    return [tenant]


def _find_picked(visit: Visit) -> tuple[Tenant, Record]:
    """The person of a button: `{tenant ID}/{object ID}`."""
    key, _, user_id = visit.form.get("user").partition("/")
    tenant = visit.directory.tenant(key)
    user = visit.directory.read_user(tenant, user_id) if tenant else None
    if tenant is None or user is None:
        raise PortalFault(404, "person")
    return tenant, user


def _check_page(after: str) -> str:
    """A page of the portal's, the first one unless this is one to go on to."""
    known = _PAGE.fullmatch(after) and not after.startswith(f"{PREFIX}/signin")
    return after if known else PREFIX
