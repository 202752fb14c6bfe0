"""Request API permissions: which API, which type of permission, and which permissions."""

from typing import NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import LinkQuery
from entra_emulator.directory.object_rows import Span
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Record
from entra_emulator.portal.application import find_application, update_application
from entra_emulator.portal.configured_permissions import (
    ROLE,
    SCOPE,
    include_permissions,
    list_offered,
    list_requested_keys,
    offers_kind,
)
from entra_emulator.portal.routes import APPLICATION, PageRoute
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

# How many APIs a list shows.
MOST_APIS = 50

_LISTS = ("microsoft", "organization", "mine")
# Behind everything that begins with what stands in front of it.
_LAST = "\U0010ffff"

_decode = msgspec.json.Decoder(Record).decode


class Found(NamedTuple):
    """The APIs of a list, and whether there are more."""

    apis: list[Application]
    more: bool


def choose_api(request: PageRequest) -> Response:
    """`GET …/permissions/add`: Microsoft's, those in the organization, or one's own."""
    app = find_application(request)
    chosen = request.query("from")
    chosen = chosen if chosen in _LISTS else _LISTS[0]
    found, search = Found([], more=False), request.query("q")
    if chosen == "organization":
        found = _find_apis(request, search)
    elif chosen == "mine":
        found = _find_own(request)
    return render(
        request,
        "permissions_api.html",
        app=app,
        lists=_LISTS,
        chosen=chosen,
        found=found,
        search=search,
        most=MOST_APIS,
        graph=GRAPH_APP_ID,
    )


def choose_permissions(request: PageRequest) -> Response:
    """`GET …/permissions/add/{api}`: delegated or application permissions, and which."""
    return _render_choice(request, request.query("kind"), request.query("q"), [])


def request_permissions(request: PageRequest) -> Response:
    """`POST …/permissions/add/{api}`: search and keep what is chosen, or add that."""
    form = request.form
    kind, chosen = form.get("kind"), form.each("permission")
    if form.get("act") == "search" or not chosen:
        missing = form.get("act") != "search"
        return _render_choice(request, kind, form.get("q"), chosen, missing=missing)
    app, api = find_application(request), _find_api(request)
    offered = [one for family in list_offered(api, kind, "") for one in family.permissions]
    permissions = [one for one in offered if one.key in chosen]
    update_application(
        request, app, {"requiredResourceAccess": include_permissions(app.record, permissions)}
    )
    request.notify("permission.request.added", count=len(permissions))
    return go_to(request.at("applications", app.app_id, "permissions"))


def _render_choice(
    request: PageRequest, kind: str, search: str, chosen: list[str], *, missing: bool = False
) -> Response:
    app, api = find_application(request), _find_api(request)
    problem = request.say("permission.request.needed") if missing else ""
    return render(
        request,
        "permissions_choice.html",
        status=400 if missing else 200,
        app=app,
        api=api,
        kinds=(SCOPE, ROLE),
        kind=kind if kind in {SCOPE, ROLE} else "",
        offers={one: offers_kind(api, one) for one in (SCOPE, ROLE)},
        families=list_offered(api, kind, search, chosen),
        search=search,
        chosen=frozenset(chosen),
        present=list_requested_keys(app.record),
        errors={"permission": problem} if problem else {},
    )


def _find_api(request: PageRequest) -> Application:
    found = request.directory.service_principals.find(request.tenant, request.param("api"))
    if found is None:
        raise PortalFault(404, "api", api=request.param("api"), tenant=request.tenant.display_name)
    return found


def _find_apis(request: PageRequest, search: str) -> Found:
    """The tenant's APIs that offer permissions, by the beginning of their name, or client ID."""
    directory, tenant = request.directory, request.tenant
    named = directory.service_principals.find(tenant, search) if search else None
    if named is not None:
        return Found([named], more=False)
    low = search.casefold()
    span = Span("name", low=low, high=low + _LAST) if search else Span("name")
    found = directory.objects.list_matching(
        tenant, "servicePrincipal", _offers, span=span, limit=MOST_APIS
    )
    return Found([Application(_decode(doc)) for doc in found.docs], found.last is not None)


def _find_own(request: PageRequest) -> Found:
    """The APIs among the applications that the user owns."""
    directory, tenant = request.directory, request.tenant
    user = directory.objects.find(tenant, request.signed_in.user_id)
    assert user is not None, "somebody is signed in"
    links = LinkQuery("owners", user.seq, reverse=True, kinds=["application"])
    owned = [
        Application(_decode(one.content)) for one in directory.links.list_neighbours(tenant, links)
    ]
    apis = [directory.service_principals.find(tenant, one.app_id) for one in owned]
    offering = [one for one in apis if one and _offers_anything(one.record)]
    offering.sort(key=lambda one: one.display_name.casefold())
    return Found(offering[:MOST_APIS], len(offering) > MOST_APIS)


def _offers(doc: bytes) -> bool:
    """Whether a service principal offers permissions; most do not, and say so in few bytes."""
    if b'"appRoles":[]' in doc and b'"oauth2PermissionScopes":[]' in doc:
        return False
    return _offers_anything(_decode(doc))


def _offers_anything(record: Record) -> bool:
    return bool(record["appRoles"] or record["oauth2PermissionScopes"])


_PATH = f"{APPLICATION}/permissions/add"

ROUTES = (
    PageRoute("GET", _PATH, choose_api),
    PageRoute("GET", f"{_PATH}/{{api}}", choose_permissions),
    PageRoute("POST", f"{_PATH}/{{api}}", request_permissions),
)
