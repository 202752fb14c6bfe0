"""Request API permissions: which API, which type of permission, and which permissions."""

from typing import NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.directory.object_collections import Span
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Record
from entra_emulator.portal.application import (
    find_application,
    list_owned_applications,
    update_application,
)
from entra_emulator.portal.configured_permissions import (
    ROLE,
    SCOPE,
    include_permissions,
    list_offered,
    list_requested_keys,
    offers_kind,
)
from entra_emulator.portal.routes import APPLICATION, PageRoute
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

# How many APIs a list shows.
MOST_APIS = 50

_LISTS = ("microsoft", "organization", "mine")
# Sorts behind every other character, so that a text with it ends the range of its beginning.
_LAST = "\U0010ffff"

_decode = msgspec.json.Decoder(Record).decode


class ApiList(NamedTuple):
    """APIs to choose from, and whether there are more than these."""

    apis: list[Application]
    more: bool


def choose_api(request: PageRequest) -> Response:
    """`GET …/permissions/add`: the APIs of Microsoft, of the organization, or of one's own."""
    app = find_application(request)
    chosen = request.query("from")
    chosen = chosen if chosen in _LISTS else _LISTS[0]
    listed, search = ApiList([], more=False), request.query("q")
    if chosen == "organization":
        listed = _find_apis(request, search)
    elif chosen == "mine":
        listed = _find_own(request)
    return render(
        request,
        "permissions_api.html",
        app=app,
        lists=_LISTS,
        chosen=chosen,
        listed=listed,
        search=search,
        most=MOST_APIS,
        graph=GRAPH_APP_ID,
    )


def choose_permissions(request: PageRequest) -> Response:
    """`GET …/permissions/add/{api}`: the delegated or application permissions of an API."""
    return _render_choice(request, request.query("kind"), request.query("q"), [])


def request_permissions(request: PageRequest) -> Response:
    """`POST …/permissions/add/{api}`: search and keep what is ticked, or add what is ticked."""
    form = request.form
    kind, chosen = form.get("kind"), form.each("permission")
    if form.get("act") == "search" or not chosen:
        missing = form.get("act") != "search"
        return _render_choice(request, kind, form.get("q"), chosen, missing=missing)
    app, api = find_application(request), _find_api(request)
    offered = [one for family in list_offered(api, kind, "") for one in family.permissions]
    permissions = [one for one in offered if one.key in chosen]
    access = include_permissions(app.record, permissions)
    update_application(request, app, {"requiredResourceAccess": access})
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
    api = request.directory.service_principals.find(request.tenant, request.param("api"))
    if api is None:
        raise PortalRefusal(
            404, "api", api=request.param("api"), tenant=request.tenant.display_name
        )
    return api


def _find_apis(request: PageRequest, search: str) -> ApiList:
    """The tenant's APIs with permissions whose name begins so, or the one of this client ID."""
    directory, tenant = request.directory, request.tenant
    named = directory.service_principals.find(tenant, search) if search else None
    if named is not None:
        return ApiList([named], more=False)
    low = search.casefold()
    span = Span("name", low=low, high=low + _LAST) if search else Span("name")
    hits = directory.collections.list_matching(
        tenant, "servicePrincipal", _offers, span=span, limit=MOST_APIS
    )
    return ApiList([Application(_decode(doc)) for doc in hits.docs], hits.last is not None)


def _find_own(request: PageRequest) -> ApiList:
    """The APIs of the applications that the signed-in user owns."""
    owned = list_owned_applications(request)
    principals = request.directory.service_principals
    apis = [principals.find(request.tenant, app["appId"]) for app in owned]
    offering = [api for api in apis if api and _offers_anything(api.record)]
    offering.sort(key=lambda api: api.display_name.casefold())
    return ApiList(offering[:MOST_APIS], len(offering) > MOST_APIS)


def _offers(doc: bytes) -> bool:
    """Whether a service principal offers permissions; for most, decoding it is not needed."""
    if b'"appRoles":[]' in doc and b'"oauth2PermissionScopes":[]' in doc:
        return False
    return _offers_anything(_decode(doc))


def _offers_anything(record: Record) -> bool:
    return bool(record["appRoles"] or record["oauth2PermissionScopes"])


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/permissions/add", choose_api),
    PageRoute("GET", f"{APPLICATION}/permissions/add/{{api}}", choose_permissions),
    PageRoute("POST", f"{APPLICATION}/permissions/add/{{api}}", request_permissions),
)
