"""One scope of an application's own API: made, changed, and deleted once it is disabled."""

from collections.abc import Mapping

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import (
    ApplicationView,
    find_application,
    find_entitlement,
    translate_problems,
    try_update,
    update_application,
)
from entra_emulator.portal.exposed_api import NEW_SCOPE, change_scopes, put, read_scope, without
from entra_emulator.portal.routes import APPLICATION, PageRoute
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest


def show_scope_form(request: PageRequest) -> Response:
    """`GET …/exposure/scopes/{scope}`: a scope to add or to change; first the API has a name."""
    app, key = find_application(request), request.param("scope")
    if key == "add" and not app.record["identifierUris"]:
        return go_to(_locate(request, app, "uri") + "?then=scope")
    scope = NEW_SCOPE if key == "add" else find_entitlement(_list(app), key)
    return _show_form(request, app, scope, {})


def save_scope(request: PageRequest) -> Response:
    """`POST …/exposure/scopes/{scope}`: the API offers the scope as the form has it."""
    app, key = find_application(request), request.param("scope")
    new = key == "add"
    scope_id = request.directory.new_id() if new else find_entitlement(_list(app), key)["id"]
    scope, problems = read_scope(app.record, request.form, scope_id)
    errors = translate_problems(request, problems)
    changes = change_scopes(app.record, put(_list(app), scope))
    if not errors and (refusal := try_update(request, app, changes)):
        errors = {"value": request.say("exposure.problem.refused", message=refusal.message)}
    if errors:
        return _show_form(request, app, scope, errors)
    request.notify("exposure.saved", value=scope["value"])
    return go_to(_locate(request, app))


def confirm_deletion(request: PageRequest) -> Response:
    """`GET …/exposure/scopes/{scope}/delete`: whether the scope is to go."""
    app = find_application(request)
    scope = find_entitlement(_list(app), request.param("scope"))
    base = _locate(request, app, "scopes")
    return render(
        request,
        "entitlement_delete.html",
        app=app,
        section="exposure",
        entitlement=scope,
        base=base,
    )


def delete_scope(request: PageRequest) -> Response:
    """`POST …/exposure/scopes/{scope}/delete`: the API stops offering it, if it is disabled."""
    app = find_application(request)
    scope = find_entitlement(_list(app), request.param("scope"))
    body = change_scopes(app.record, without(_list(app), scope["id"]))
    update_application(request, app, body)
    request.notify("exposure.deleted", value=scope["value"])
    return go_to(_locate(request, app))


def _show_form(
    request: PageRequest, app: ApplicationView, scope: Record, errors: Mapping[str, str]
) -> Response:
    key = request.param("scope")
    return render(request, "scope.html", app=app, key=key, scope=scope, errors=errors)


def _list(app: ApplicationView) -> list[Record]:
    scopes: list[Record] = app.record["api"]["oauth2PermissionScopes"]
    return scopes


def _locate(request: PageRequest, app: ApplicationView, *parts: str) -> str:
    return request.at("applications", app.app_id, "exposure", *parts)


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/exposure/scopes/{{scope}}", show_scope_form),
    PageRoute("POST", f"{APPLICATION}/exposure/scopes/{{scope}}", save_scope),
    PageRoute("GET", f"{APPLICATION}/exposure/scopes/{{scope}}/delete", confirm_deletion),
    PageRoute("POST", f"{APPLICATION}/exposure/scopes/{{scope}}/delete", delete_scope),
)
