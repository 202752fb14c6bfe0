"""One scope of an API of one's own: made, changed, deleted when it is disabled."""

from collections.abc import Mapping

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.amend import amend, find_entitlement, say_each, try_to_amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.exposed_api import change_scopes, put, read_scope, without
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

_BLANK: Mapping[str, object] = {
    "value": "",
    "adminConsentDisplayName": "",
    "adminConsentDescription": "",
    "userConsentDisplayName": "",
    "userConsentDescription": "",
    "type": "Admin",
    "isEnabled": True,
}


def ask_scope(visit: Visit) -> Response:
    """`GET …/exposure/scopes/{scope}`: a scope to add or to change; first the API has a name."""
    app, key = find_registration(visit), visit.key("scope")
    if key == "add":
        if not app.record["identifierUris"]:
            return go_to(_locate(visit, app, "uri") + "?then=scope")
        return _render(visit, app, key, dict(_BLANK))
    return _render(visit, app, key, find_entitlement(_list(app), key))


def save_scope(visit: Visit) -> Response:
    """`POST …/exposure/scopes/{scope}`: the API offers the scope as the form has it."""
    app, key = find_registration(visit), visit.key("scope")
    present = None if key == "add" else find_entitlement(_list(app), key)
    scope_id = present["id"] if present else visit.directory.new_id()
    scope, problems = read_scope(app.record, visit.form, scope_id)
    if problems:
        return _render(visit, app, key, scope, say_each(visit, problems))
    body = change_scopes(app.record, put(_list(app), scope))
    fault = try_to_amend(visit, app, body)
    if fault is not None:
        errors = {"value": visit.say("exposure.problem.refused", message=fault.message)}
        return _render(visit, app, key, scope, errors)
    visit.notify("exposure.saved", value=scope["value"])
    return go_to(_locate(visit, app))


def ask_deletion(visit: Visit) -> Response:
    """`GET …/exposure/scopes/{scope}/delete`: whether the scope is to go."""
    app = find_registration(visit)
    scope = find_entitlement(_list(app), visit.key("scope"))
    base = _locate(visit, app, "scopes")
    return render(
        visit, "entitlement_delete.html", app=app, section="exposure", entitlement=scope, base=base
    )


def delete_scope(visit: Visit) -> Response:
    """`POST …/exposure/scopes/{scope}/delete`: the API stops offering it, if it is disabled."""
    app = find_registration(visit)
    scope = find_entitlement(_list(app), visit.key("scope"))
    body = change_scopes(app.record, without(_list(app), scope["id"]))
    amend(visit, app, body)
    visit.notify("exposure.deleted", value=scope["value"])
    return go_to(_locate(visit, app))


def _render(
    visit: Visit,
    app: Registration,
    key: str,
    scope: Record,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return render(
        visit,
        "scope.html",
        status=400 if errors else 200,
        app=app,
        key=key,
        scope=scope,
        errors=errors or {},
    )


def _list(app: Registration) -> list[Record]:
    scopes: list[Record] = app.record["api"]["oauth2PermissionScopes"]
    return scopes


def _locate(visit: Visit, app: Registration, *parts: str) -> str:
    return visit.at("applications", app.app_id, "exposure", *parts)
