"""
How every request to the portal is answered.

First it is checked where the request came from; then its form is read, and the signed-in user is
found; then the page answers.
"""

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from entra_emulator.errors import GraphRefusal
from entra_emulator.portal.routes import MenuItem, PageRoute, list_routes, make_menus
from entra_emulator.web.browser import is_same_origin
from entra_emulator.web.context import LOOPBACK_NAMES, context_of, host_name
from entra_emulator.web.pages import assets
from entra_emulator.web.pages.forms import NOTHING, Form, read_form
from entra_emulator.web.pages.notices import Notices
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PREFIX, PageRequest, find_page_before, is_page
from entra_emulator.web.session import (
    find_form_secret,
    find_signed_in,
    has_form_token,
    remember_visitor,
)


def make_router() -> Router:
    """What answers below `/portal`, whatever the path and the method."""
    notices, menus = Notices(), make_menus()
    routes: list[BaseRoute] = [
        Route(f"{PREFIX}/portal.css", assets.show_style, methods=["GET"]),
        Route(f"{PREFIX}/portal.js", assets.show_script, methods=["GET"]),
    ]
    for page in list_routes():
        route = Route(page.path, _make_answer(page, notices, menus), methods=[page.method])
        # Without the HEAD that Starlette adds, which would use up what a page is to say once.
        route.methods = {page.method}
        routes.append(route)
    nowhere = PageRoute("GET", f"{PREFIX}/{{rest:path}}", _miss, public=True)
    rest = Route(nowhere.path, _make_answer(nowhere, notices, menus))
    rest.methods = None
    return Router([*routes, rest], redirect_slashes=False)


def _miss(_: PageRequest) -> Response:
    raise PortalRefusal(404, "page")


def _make_answer(
    page: PageRoute, notices: Notices, menus: Mapping[str, Sequence[MenuItem]]
) -> Callable[[Request], Awaitable[Response]]:
    """What answers the requests for a page."""

    def answer(http: Request, form: Form, refusal: PortalRefusal | None) -> Response:
        context, key = context_of(http), http.path_params.get("tenant")
        tenant = context.directory.tenants.find(key) if key else None
        who = find_signed_in(http, tenant)
        secret = find_form_secret(http, who)
        session = secret or secrets.token_urlsafe(32)
        request = PageRequest(http, context, who, session, form, notices, menus)
        response = show(request, refusal)
        if not secret:
            remember_visitor(response, session)
        return response

    def show(request: PageRequest, refusal: PortalRefusal | None) -> Response:
        try:
            if refusal is not None:
                raise refusal
            return _admit(page, request) or page.answer(request)
        except PortalRefusal as refused:
            return _refuse(request, refused)
        except GraphRefusal as refused:
            word = "forbidden" if refused.status == 403 else "graph"
            values = {"code": refused.code, "message": refused.message}
            return _refuse(request, PortalRefusal(refused.status, word, **values))

    async def read_and_answer(http: Request) -> Response:
        # The form of another site is not even read.
        form, refusal = NOTHING, _find_intruder(http)
        if refusal is None and http.method == "POST":
            try:
                form = await read_form(http)
            except PortalRefusal as refused:
                refusal = refused
        return await context_of(http).work.make_page(answer, http, form, refusal)

    return read_and_answer


def _admit(page: PageRoute, request: PageRequest) -> Response | None:
    """
    None if the page may answer; a redirect to the sign-in page if the user must sign in first.

    Raises:
        PortalRefusal: 404, no such tenant; 403, the form is not from a page of this session.
    """
    http = request.http
    key = http.path_params.get("tenant")
    if key is not None and request.directory.tenants.find(key) is None:
        raise PortalRefusal(404, "tenant", tenant=key)
    if page.method == "POST":
        if request.who is None and not page.public:
            raise PortalRefusal(403, "session")
        if not has_form_token(http, request.form.get("token")):
            raise PortalRefusal(403, "foreign")
    elif request.who is None and not page.public:
        query = http.scope["query_string"].decode("latin-1")
        after = f"{http.url.path}?{query}" if query else http.url.path
        named = {"tenant": key} if key else {}
        return go_to(f"{PREFIX}/signin?{urlencode({**named, 'next': after})}")
    return None


def _find_intruder(request: Request) -> PortalRefusal | None:
    """
    Why a request is refused because of where it came from; None if it is accepted.

    A request from another machine is refused if it addresses the emulator as localhost, and so is a
    form on a page of another site. It is checked elsewhere whether other machines may reach the
    emulator at all, and by which names.
    """
    peer = request.client.host if request.client else ""
    # Without an address, as with a socket file, it is not known that the peer is this machine.
    try:
        local = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        local = False
    if not local and host_name(request.headers.get("host", "")) in LOOPBACK_NAMES:
        return PortalRefusal(403, "remote")
    foreign = request.method != "GET" and not is_same_origin(request)
    return PortalRefusal(403, "foreign") if foreign else None


def _refuse(request: PageRequest, refusal: PortalRefusal) -> Response:
    back = _find_way_back(request.http)
    # A link back to the address of a form would be refused: it answers no GET.
    shown = {} if request.http.method == "GET" else {"here": back or PREFIX}
    return render(
        request, "refused.html", status=refusal.status, refusal=refusal, back=back, **shown
    )


def _find_way_back(request: Request) -> str:
    """The page of the portal that led here, if it was another one."""
    place = find_page_before(request)
    same_page = request.method == "GET" and place.partition("?")[0] == request.url.path
    return place if is_page(place) and not same_page else ""
