"""The way of every request to the portal: from where, who, with which form, then the page."""

import hmac
import ipaddress
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.errors import GraphFault
from entra_emulator.web.context import context_of, host_name, origin_of
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.forms import NOTHING, Form, read_form
from entra_emulator.web.pages.notices import Notices
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PREFIX, Visit
from entra_emulator.web.pages.texts import choose_language
from entra_emulator.web.session import COOKIE, find_signed_in

LANGUAGE_COOKIE = "graphdaemon-language"

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Page(NamedTuple):
    """
    One line of the portal's route table.

    Args:
        method: the HTTP method.
        path: the path, with `{tenant}` and more in it.
        answer: takes the visit, gives the response; it runs in a thread.
        public: people who are not signed in may have it.
    """

    method: str
    path: str
    answer: Callable[[Visit], Response]
    public: bool = False


def make_answer(page: Page, notices: Notices) -> Callable[[Request], object]:
    """What answers the requests for a page."""

    async def answer(request: Request) -> Response:
        form, fault = NOTHING, _find_intruder(request)
        if fault is None and request.method == "POST":
            try:
                form = await read_form(request)
            except PortalFault as refused:
                fault = refused
        return await run_in_threadpool(_answer, page, request, notices, form, fault)

    return answer


def _answer(
    page: Page, request: Request, notices: Notices, form: Form, fault: PortalFault | None
) -> Response:
    visit = _open(request, notices, form)
    try:
        if fault is not None:
            raise fault
        return _admit(page, visit) or page.answer(visit)
    except PortalFault as refused:
        return _refuse(visit, refused)
    except GraphFault as refused:
        word = "forbidden" if refused.status == 403 else "graph"
        code, message = refused.code, refused.message
        return _refuse(visit, PortalFault(refused.status, word, code=code, message=message))


def _open(request: Request, notices: Notices, form: Form) -> Visit:
    context, key = context_of(request), request.path_params.get("tenant")
    tenant = context.directory.tenant(key) if key else None
    who = find_signed_in(request, tenant)
    session = request.cookies.get(COOKIE, "") if who else ""
    language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )
    return Visit(request, context, language, who, session, form, notices)


def _admit(page: Page, visit: Visit) -> Response | None:
    """
    Let who is signed in to the page; the way to the page for signing in for everybody else.

    Raises:
        PortalFault: 404, no such tenant; 403, the form is not from a page of this session.
    """
    request, key = visit.request, visit.request.path_params.get("tenant")
    if key is not None and visit.directory.tenant(key) is None:
        raise PortalFault(404, "tenant", tenant=key)
    if page.method == "POST":
        if visit.who is None and not page.public:
            raise PortalFault(403, "session")
        if not hmac.compare_digest(visit.form.get("token").encode(), visit.token.encode()):
            raise PortalFault(403, "foreign")
    elif visit.who is None and not page.public:
        query = request.scope["query_string"].decode("latin-1")
        after = f"{request.url.path}?{query}" if query else request.url.path
        named = {"tenant": key} if key else {}
        return go_to(f"{PREFIX}/signin?{urlencode({**named, 'next': after})}")
    return None


def _find_intruder(request: Request) -> PortalFault | None:
    """
    Another machine that says it is this one, or another site's page.

    Other machines reach the emulator only when it was told to let them, under the names that it
    was given; a `Host` it does not know is turned away before.
    """
    peer = request.client.host if request.client else ""
    try:
        local = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        local = False
    if not local and host_name(request.headers.get("host", "")) in _LOOPBACK:
        return PortalFault(403, "remote")
    if request.method == "GET":
        return None
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in {None, "same-origin", "none"} or origin not in {None, origin_of(request)}:
        return PortalFault(403, "foreign")
    return None


def _refuse(visit: Visit, fault: PortalFault) -> Response:
    shown = {} if visit.request.method == "GET" else {"here": PREFIX}
    return render(visit, "refused.html", status=fault.status, fault=fault, **shown)
