"""One scope of an application's own API: made, changed, and deleted once it is disabled."""

from collections.abc import Mapping

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView, go_to_application, update_application
from entra_emulator.portal.entitlements import find_entitlement, try_save
from entra_emulator.portal.exposed_api import NEW_SCOPE, change_scopes, put, read_scope
from entra_emulator.portal.routes import application_page
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest


@application_page("GET", "exposure/scopes/{scope}")
def show_scope_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for a scope; before the first one, that for the Application ID URI."""
    # Clients ask for a scope by the API's URI, so that has to come first.
    if request.param("scope") == "add" and not app.record["identifierUris"]:
        return go_to(request.at("applications", app.app_id, "exposure", "uri") + "?then=scope")
    scope = find_entitlement(_list(app), request.param("scope"), NEW_SCOPE)
    return _show_form(request, app, scope, {})


@application_page("POST", "exposure/scopes/{scope}")
def save_scope(request: PageRequest, app: ApplicationView) -> Response:
    """Save the scope of the form."""
    scopes, new = _list(app), {"id": request.directory.new_id()}
    scope_id = find_entitlement(scopes, request.param("scope"), new)["id"]
    scope, problems = read_scope(app.record, request.form, scope_id)
    changes = change_scopes(app.record, put(scopes, scope))
    errors = try_save(request, app, changes, problems, scope["value"])
    if errors:
        return _show_form(request, app, scope, errors)
    return go_to_application(request, app, "exposure")


@application_page("GET", "exposure/scopes/{scope}/delete")
def confirm_deletion(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the scope."""
    scope = find_entitlement(_list(app), request.param("scope"))
    base = request.at("applications", app.app_id, "exposure", "scopes")
    return render(
        request,
        "entitlement_delete.html",
        app=app,
        section="exposure",
        entitlement=scope,
        base=base,
    )


@application_page("POST", "exposure/scopes/{scope}/delete")
def delete_scope(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the scope, which has to be disabled first."""
    scopes = _list(app)
    scope = find_entitlement(scopes, request.param("scope"))
    others = [one for one in scopes if one is not scope]
    update_application(request, app, change_scopes(app.record, others))
    request.notify("exposure.deleted", value=scope["value"])
    return go_to_application(request, app, "exposure")


def _show_form(
    request: PageRequest, app: ApplicationView, scope: Record, errors: Mapping[str, str]
) -> Response:
    key = request.param("scope")
    return render(request, "scope.html", app=app, key=key, scope=scope, errors=errors)


def _list(app: ApplicationView) -> list[Record]:
    scopes: list[Record] = app.record["api"]["oauth2PermissionScopes"]
    return scopes
