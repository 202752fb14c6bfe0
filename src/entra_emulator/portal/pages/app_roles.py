"""App roles: listed, made, changed, and deleted once they are disabled."""

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
from entra_emulator.portal.exposed_api import MEMBERS, name_members, put, read_role, without
from entra_emulator.portal.menu import MenuItem
from entra_emulator.portal.routes import APPLICATION, PageRoute
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

_BLANK: Mapping[str, object] = {
    "displayName": "",
    "value": "",
    "description": "",
    "allowedMemberTypes": [],
    "isEnabled": True,
}


def show_roles(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/applications/{app}/roles`: the app roles."""
    app = find_application(request)
    roles = _list(app)
    members = {role["id"]: name_members(role) for role in roles}
    return render(request, "app_roles.html", app=app, roles=roles, members=members)


def show_role_form(request: PageRequest) -> Response:
    """`GET …/roles/{role}`: an app role to create or to edit."""
    app, key = find_application(request), request.param("role")
    if key == "add":
        return _show_form(request, app, key, dict(_BLANK))
    return _show_form(request, app, key, find_entitlement(_list(app), key))


def save_role(request: PageRequest) -> Response:
    """`POST …/roles/{role}`: the application offers the role as the form has it."""
    app, key = find_application(request), request.param("role")
    new = key == "add"
    role_id = request.directory.new_id() if new else find_entitlement(_list(app), key)["id"]
    role, problems = read_role(app.record, request.form, role_id)
    if problems:
        return _show_form(request, app, key, role, translate_problems(request, problems))
    refusal = try_update(request, app, {"appRoles": put(_list(app), role)})
    if refusal is not None:
        errors = {"value": request.say("exposure.problem.refused", message=refusal.message)}
        return _show_form(request, app, key, role, errors)
    request.notify("exposure.saved", value=role["value"])
    return go_to(_locate(request, app))


def confirm_deletion(request: PageRequest) -> Response:
    """`GET …/roles/{role}/delete`: whether the app role is to go."""
    app = find_application(request)
    role = find_entitlement(_list(app), request.param("role"))
    base = _locate(request, app)
    return render(
        request, "entitlement_delete.html", app=app, section="roles", entitlement=role, base=base
    )


def delete_role(request: PageRequest) -> Response:
    """`POST …/roles/{role}/delete`: the application stops offering it, if it is disabled."""
    app = find_application(request)
    role = find_entitlement(_list(app), request.param("role"))
    update_application(request, app, {"appRoles": without(_list(app), role["id"])})
    request.notify("exposure.deleted", value=role["value"] or role["displayName"])
    return go_to(_locate(request, app))


def _show_form(
    request: PageRequest,
    app: ApplicationView,
    key: str,
    role: Record,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return render(
        request,
        "app_role.html",
        app=app,
        key=key,
        role=role,
        members=tuple(MEMBERS),
        chosen=name_members(role) if role["allowedMemberTypes"] else "",
        errors=errors or {},
    )


def _list(app: ApplicationView) -> list[Record]:
    roles: list[Record] = app.record["appRoles"]
    return roles


def _locate(request: PageRequest, app: ApplicationView, *parts: str) -> str:
    return request.at("applications", app.app_id, "roles", *parts)


_PATH = f"{APPLICATION}/roles"

ROUTES = (
    PageRoute("GET", _PATH, show_roles),
    PageRoute("GET", f"{_PATH}/{{role}}", show_role_form),
    PageRoute("POST", f"{_PATH}/{{role}}", save_role),
    PageRoute("GET", f"{_PATH}/{{role}}/delete", confirm_deletion),
    PageRoute("POST", f"{_PATH}/{{role}}/delete", delete_role),
)
MENU = (MenuItem("application", 70, "roles", "app_role.title", ("roles",), "menu.manage"),)
