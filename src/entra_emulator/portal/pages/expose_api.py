"""Expose an API: its Application ID URI, and the clients that it trusts."""

from starlette.responses import Response

from entra_emulator.errors import GraphRefusal
from entra_emulator.portal.application import (
    ApplicationView,
    go_to_application,
    try_update,
    update_application,
)
from entra_emulator.portal.entitlements import try_save
from entra_emulator.portal.exposed_api import (
    change_clients,
    change_uri,
    check_client,
    list_trusted,
    propose_uri,
)
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("application", 60, "exposure", "exposure.title", ("exposure",), "menu.manage"),)

# The message of the page if Graph refuses a URI, by the code of the refusal.
_URI_PROBLEMS = {
    "HostNameNotOnVerifiedDomain": "exposure.problem.uri_foreign",
    "InvalidUniqueTenantIdentifierAsPerAppPolicy": "exposure.problem.uri_not_unique",
    "ObjectConflict": "exposure.problem.uri_taken",
}


@application_page("GET", "exposure")
def show_exposure(request: PageRequest, app: ApplicationView) -> Response:
    """Show the Application ID URI, the scopes and the authorized clients."""
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


@application_page("GET", "exposure/uri")
def show_uri_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for the Application ID URI."""
    return _render_uri(request, app, propose_uri(app.record), request.query("then"), {})


@application_page("POST", "exposure/uri")
def save_uri(request: PageRequest, app: ApplicationView) -> Response:
    """Set the Application ID URI; the form for a new scope may follow."""
    uri = request.form.get("uri")
    problem = ""
    if not uri:
        problem = request.say("exposure.problem.required")
    elif refusal := try_update(request, app, change_uri(app.record, uri)):
        problem = _explain(request, app, uri, refusal)
    if problem:
        return _render_uri(request, app, uri, request.form.get("then"), {"uri": problem})
    request.notify("exposure.uri_saved", uri=uri)
    ahead = ("scopes", "add") if request.form.get("then") == "scope" else ()
    return go_to_application(request, app, "exposure", *ahead)


@application_page("POST", "exposure/uri/remove")
def remove_uri(request: PageRequest, app: ApplicationView) -> Response:
    """Remove the Application ID URI; the client ID still names the API."""
    update_application(request, app, change_uri(app.record, ""))
    request.notify("exposure.uri_removed")
    return go_to_application(request, app, "exposure")


@application_page("GET", "exposure/clients/{client}")
def show_client_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for a client to authorize, or to change."""
    client = _find_client(request)
    chosen = [
        scope_id
        for trusted in app.record["api"]["preAuthorizedApplications"]
        if trusted["appId"] == client
        for scope_id in trusted["delegatedPermissionIds"]
    ]
    if client and not chosen:
        raise PortalRefusal(404, "entitlement", sought=client)
    return _render_client(request, app, client, chosen, {})


@application_page("POST", "exposure/clients/{client}")
def save_client(request: PageRequest, app: ApplicationView) -> Response:
    """Authorize a client for scopes that its users need not consent to."""
    client = _find_client(request)
    app_id, chosen = client or request.form.get("client"), request.form.each("scopes")
    problems = check_client(app.record, app_id, chosen, edited=bool(client))
    changes = change_clients(app.record, app_id, chosen)
    errors = try_save(request, app, changes, problems, app_id, field="client")
    if errors:
        return _render_client(request, app, app_id, chosen, errors)
    return go_to_application(request, app, "exposure")


@application_page("POST", "exposure/clients/{client}/remove")
def remove_client(request: PageRequest, app: ApplicationView) -> Response:
    """Remove a client: its users are asked to consent again."""
    client = request.param("client")
    update_application(request, app, change_clients(app.record, client, []))
    request.notify("exposure.deleted", value=client)
    return go_to_application(request, app, "exposure")


def _render_uri(
    request: PageRequest, app: ApplicationView, uri: str, then: str, errors: dict[str, str]
) -> Response:
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
    """Why the application cannot have this URI, and which it could have."""
    # A conflict shows only in the code of a detail, a foreign host in the code itself.
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
