"""Expose an API: its Application ID URI, and the clients that it trusts."""

from starlette.responses import Response

from entra_emulator.errors import GraphRefusal
from entra_emulator.portal.application import (
    ApplicationView,
    find_application,
    translate_problems,
    try_update,
    update_application,
)
from entra_emulator.portal.exposed_api import (
    change_clients,
    change_uri,
    check_client,
    list_trusted,
    propose_uri,
)
from entra_emulator.portal.routes import APPLICATION, MenuItem, PageRoute
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

# What the page says where Graph refuses a URI, by the code of the refusal.
_URI_PROBLEMS = {
    "HostNameNotOnVerifiedDomain": "exposure.problem.uri_foreign",
    "ObjectConflict": "exposure.problem.uri_taken",
}


def show_exposure(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/applications/{app}/exposure`: what the application offers."""
    app = find_application(request)
    record, directory = app.record, request.directory
    trusted = [client["appId"] for client in record["api"]["preAuthorizedApplications"]]
    clients = {app_id: directory.applications.find_client(app_id) for app_id in trusted}
    names = {app_id: client.display_name for app_id, client in clients.items() if client}
    return render(
        request,
        "exposure.html",
        app=app,
        scopes=record["api"]["oauth2PermissionScopes"],
        trusted=list_trusted(record, names),
    )


def show_uri_form(request: PageRequest) -> Response:
    """`GET …/exposure/uri`: the Application ID URI to set or to change."""
    app = find_application(request)
    return _render_uri(request, app, propose_uri(app.record), request.query("then"))


def save_uri(request: PageRequest) -> Response:
    """`POST …/exposure/uri`: the application goes by this URI; a form for a scope may follow."""
    app, uri = find_application(request), request.form.get("uri")
    problem = ""
    if not uri:
        problem = request.say("exposure.problem.required")
    elif refusal := try_update(request, app, change_uri(app.record, uri)):
        problem = _explain(request, app, uri, refusal)
    if problem:
        return _render_uri(request, app, uri, request.form.get("then"), problem)
    request.notify("exposure.uri_saved", uri=uri)
    ahead = ("scopes", "add") if request.form.get("then") == "scope" else ()
    return _go_back(request, app, *ahead)


def remove_uri(request: PageRequest) -> Response:
    """`POST …/exposure/uri/remove`: the application goes by its client ID alone."""
    app = find_application(request)
    update_application(request, app, change_uri(app.record, ""))
    request.notify("exposure.uri_removed")
    return _go_back(request, app)


def show_client_form(request: PageRequest) -> Response:
    """`GET …/exposure/clients/{client}`: a client to authorize, or to change."""
    app, client = find_application(request), _find_client(request)
    chosen = [
        scope_id
        for trusted in app.record["api"]["preAuthorizedApplications"]
        if trusted["appId"] == client
        for scope_id in trusted["delegatedPermissionIds"]
    ]
    if client and not chosen:
        raise PortalRefusal(404, "entitlement", sought=client)
    return _render_client(request, app, client, chosen, {})


def save_client(request: PageRequest) -> Response:
    """`POST …/exposure/clients/{client}`: its users are not asked to consent to these scopes."""
    app, client = find_application(request), _find_client(request)
    app_id, chosen = client or request.form.get("client"), request.form.each("scopes")
    problems = check_client(app.record, app_id, chosen, edited=bool(client))
    errors, changes = (
        translate_problems(request, problems),
        change_clients(app.record, app_id, chosen),
    )
    if not errors and (refusal := try_update(request, app, changes)):
        errors = {"client": request.say("exposure.problem.refused", message=refusal.message)}
    if errors:
        return _render_client(request, app, app_id, chosen, errors)
    request.notify("exposure.saved", value=app_id)
    return _go_back(request, app)


def remove_client(request: PageRequest) -> Response:
    """`POST …/exposure/clients/{client}/remove`: its users are asked to consent again."""
    app, client = find_application(request), request.param("client")
    update_application(request, app, change_clients(app.record, client, []))
    request.notify("exposure.deleted", value=client)
    return _go_back(request, app)


def _render_uri(
    request: PageRequest, app: ApplicationView, uri: str, then: str, problem: str = ""
) -> Response:
    errors = {"uri": problem} if problem else {}
    return render(request, "exposure_uri.html", app=app, uri=uri, then=then, errors=errors)


def _render_client(
    request: PageRequest,
    app: ApplicationView,
    app_id: str,
    chosen: list[str],
    errors: dict[str, str],
) -> Response:
    return render(
        request,
        "exposure_client.html",
        app=app,
        scopes=app.record["api"]["oauth2PermissionScopes"],
        client=_find_client(request),
        app_id=app_id,
        chosen=chosen,
        errors=errors,
    )


def _explain(request: PageRequest, app: ApplicationView, uri: str, refusal: GraphRefusal) -> str:
    """Why the application cannot go by this URI, and by which it could."""
    codes = [refusal.code, *(detail["code"] for detail in refusal.details)]
    keys = [_URI_PROBLEMS[code] for code in codes if code in _URI_PROBLEMS]
    return request.say(
        (keys or ["exposure.problem.uri_malformed"])[0],
        uri=uri,
        tenant=request.tenant.display_name,
        client=app.app_id,
        domains=", ".join(request.tenant.domains),
    )


def _find_client(request: PageRequest) -> str:
    """The appId of the client in the address; empty for a client that is to be added."""
    client = request.param("client").lower()
    return "" if client == "add" else client


def _go_back(request: PageRequest, app: ApplicationView, *ahead: str) -> Response:
    return go_to(request.at("applications", app.app_id, "exposure", *ahead))


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/exposure", show_exposure),
    PageRoute("GET", f"{APPLICATION}/exposure/uri", show_uri_form),
    PageRoute("POST", f"{APPLICATION}/exposure/uri", save_uri),
    PageRoute("POST", f"{APPLICATION}/exposure/uri/remove", remove_uri),
    PageRoute("GET", f"{APPLICATION}/exposure/clients/{{client}}", show_client_form),
    PageRoute("POST", f"{APPLICATION}/exposure/clients/{{client}}", save_client),
    PageRoute("POST", f"{APPLICATION}/exposure/clients/{{client}}/remove", remove_client),
)
MENU = (MenuItem("application", 60, "exposure", "exposure.title", ("exposure",), "menu.manage"),)
