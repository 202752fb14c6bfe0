"""Request API permissions: which API, which type of permission, and which permissions."""

import msgspec
from starlette.responses import Response

from entra_emulator.directory.object_collections import Span
from entra_emulator.directory.steps import finish
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Record
from entra_emulator.portal.application import (
    ApplicationView,
    go_to_application,
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
from entra_emulator.portal.routes import application_page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

# How many APIs a list shows.
MOST_APIS = 50

_LISTS = ("microsoft", "organization", "mine")
# The last of all characters. A prefix followed by it is the end of the range of texts with this
# prefix.
_LAST = "\U0010ffff"

_decode = msgspec.json.Decoder(Record).decode


@application_page("GET", "permissions/add")
def choose_api(request: PageRequest, app: ApplicationView) -> Response:
    """List the APIs of Microsoft, those of the organization, or the user's own."""
    chosen = request.query("from")
    chosen = chosen if chosen in _LISTS else _LISTS[0]
    apis, search = list[Application](), request.query("q")
    if chosen == "organization":
        apis = _find_apis(request, search)
    elif chosen == "mine":
        apis = _find_own(request)
    return render(
        request,
        "permissions_api.html",
        app=app,
        lists=_LISTS,
        chosen=chosen,
        apis=apis[:MOST_APIS],
        more=len(apis) > MOST_APIS,
        search=search,
        most=MOST_APIS,
        graph=GRAPH_APP_ID,
    )


@application_page("GET", "permissions/add/{api}")
def choose_permissions(request: PageRequest, app: ApplicationView) -> Response:
    """List the delegated or the application permissions of an API."""
    return _render_choice(request, app, request.query("kind"), request.query("q"), [])


@application_page("POST", "permissions/add/{api}")
def request_permissions(request: PageRequest, app: ApplicationView) -> Response:
    """Search, and keep the ticked permissions; or add the ticked permissions."""
    form = request.form
    kind, chosen = form.get("kind"), form.each("permission")
    # A search is a POST, because the ticked permissions would be too long for an address.
    if form.get("act") == "search" or not chosen:
        missing = form.get("act") != "search"
        return _render_choice(request, app, kind, form.get("q"), chosen, missing=missing)
    api = _find_api(request)
    families = list_offered(api, kind, "").values()
    permissions = [one for family in families for one in family if one.key in chosen]
    access = include_permissions(app.record, permissions)
    update_application(request, app, {"requiredResourceAccess": access})
    request.notify("permission.request.added", count=len(permissions))
    return go_to_application(request, app, "permissions")


def _render_choice(
    request: PageRequest,
    app: ApplicationView,
    kind: str,
    search: str,
    chosen: list[str],
    *,
    missing: bool = False,
) -> Response:
    api = _find_api(request)
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


def _find_apis(request: PageRequest, search: str) -> list[Application]:
    """The tenant's APIs with permissions whose name begins with a text, or that has it as ID."""
    directory, tenant = request.directory, request.tenant
    named = directory.service_principals.find(tenant, search) if search else None
    if named is not None:
        return [named]
    low = search.casefold()
    span = Span("name", low=low, high=low + _LAST) if search else Span("name")
    search_steps = directory.collections.list_matching(
        tenant, "servicePrincipal", _offers, span=span, limit=MOST_APIS + 1
    )
    hits = finish(search_steps)
    return [Application(_decode(doc)) for doc in hits.docs]


def _find_own(request: PageRequest) -> list[Application]:
    """The APIs of the applications that the signed-in user owns."""
    owned = list_owned_applications(request)
    principals = request.directory.service_principals
    apis = [principals.find(request.tenant, app["appId"]) for app in owned]
    offering = [api for api in apis if api and _offers_anything(api.record)]
    return sorted(offering, key=lambda api: api.display_name.casefold())


def _offers(doc: bytes) -> bool:
    """Whether a service principal offers permissions."""
    # Most offer none, which shows without decoding them.
    if b'"appRoles":[]' in doc and b'"oauth2PermissionScopes":[]' in doc:
        return False
    return _offers_anything(_decode(doc))


def _offers_anything(record: Record) -> bool:
    return bool(record["appRoles"] or record["oauth2PermissionScopes"])
