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
from entra_emulator.portal.exposed_api import (
    MEMBERS,
    NEW_ROLE,
    name_members,
    put,
    read_role,
    without,
)
from entra_emulator.portal.routes import APPLICATION, MenuItem, PageRoute
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest


def show_roles(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/applications/{app}/roles`: the app roles."""
    app = find_application(request)
    roles = _list(app)
    members = {role["id"]: name_members(role) for role in roles}
    return render(request, "app_roles.html", app=app, roles=roles, members=members)


def show_role_form(request: PageRequest) -> Response:
    """`GET …/roles/{role}`: an app role to create or to edit."""
    app, key = find_application(request), request.param("role")
    role = NEW_ROLE if key == "add" else find_entitlement(_list(app), key)
    return _show_form(request, app, role, {})


def save_role(request: PageRequest) -> Response:
    """`POST …/roles/{role}`: the application offers the role as the form has it."""
    app, key = find_application(request), request.param("role")
    new = key == "add"
    role_id = request.directory.new_id() if new else find_entitlement(_list(app), key)["id"]
    role, problems = read_role(app.record, request.form, role_id)
    errors = translate_problems(request, problems)
    changes = {"appRoles": put(_list(app), role)}
    if not errors and (refusal := try_update(request, app, changes)):
        errors = {"value": request.say("exposure.problem.refused", message=refusal.message)}
    if errors:
        return _show_form(request, app, role, errors)
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
    request: PageRequest, app: ApplicationView, role: Record, errors: Mapping[str, str]
) -> Response:
    return render(
        request,
        "app_role.html",
        app=app,
        key=request.param("role"),
        role=role,
        members=tuple(MEMBERS),
        chosen=name_members(role) if role["allowedMemberTypes"] else "",
        errors=errors,
    )


def _list(app: ApplicationView) -> list[Record]:
    roles: list[Record] = app.record["appRoles"]
    return roles


def _locate(request: PageRequest, app: ApplicationView, *parts: str) -> str:
    return request.at("applications", app.app_id, "roles", *parts)


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/roles", show_roles),
    PageRoute("GET", f"{APPLICATION}/roles/{{role}}", show_role_form),
    PageRoute("POST", f"{APPLICATION}/roles/{{role}}", save_role),
    PageRoute("GET", f"{APPLICATION}/roles/{{role}}/delete", confirm_deletion),
    PageRoute("POST", f"{APPLICATION}/roles/{{role}}/delete", delete_role),
)
MENU = (MenuItem("application", 70, "roles", "app_role.title", ("roles",), "menu.manage"),)
