"""App roles: listed, made, changed, deleted when they are disabled."""

from collections.abc import Mapping

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.amend import amend, find_entitlement, say_each, try_to_amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.approle import MEMBERS, name_members, read_role
from entra_emulator.portal.exposed_api import put, without
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

_BLANK: Mapping[str, object] = {
    "displayName": "",
    "value": "",
    "description": "",
    "allowedMemberTypes": [],
    "isEnabled": True,
}


def show_roles(visit: Visit) -> Response:
    """`GET /portal/{tenant}/applications/{app}/roles`: the app roles."""
    app = find_registration(visit)
    roles = _list(app)
    members = {role["id"]: name_members(role) for role in roles}
    return render(visit, "approles.html", app=app, roles=roles, members=members)


def ask_role(visit: Visit) -> Response:
    """`GET …/roles/{role}`: an app role to create or to edit."""
    app, key = find_registration(visit), visit.key("role")
    if key == "add":
        return _render(visit, app, key, dict(_BLANK))
    return _render(visit, app, key, find_entitlement(_list(app), key))


def save_role(visit: Visit) -> Response:
    """`POST …/roles/{role}`: the application offers the role as the form has it."""
    app, key = find_registration(visit), visit.key("role")
    present = None if key == "add" else find_entitlement(_list(app), key)
    role_id = present["id"] if present else visit.directory.new_id()
    role, problems = read_role(app.record, visit.form, role_id)
    if problems:
        return _render(visit, app, key, role, say_each(visit, problems))
    fault = try_to_amend(visit, app, {"appRoles": put(_list(app), role)})
    if fault is not None:
        errors = {"value": visit.say("exposure.problem.refused", message=fault.message)}
        return _render(visit, app, key, role, errors)
    visit.notify("exposure.saved", value=role["value"])
    return go_to(_locate(visit, app))


def ask_deletion(visit: Visit) -> Response:
    """`GET …/roles/{role}/delete`: whether the app role is to go."""
    app = find_registration(visit)
    role = find_entitlement(_list(app), visit.key("role"))
    base = _locate(visit, app)
    return render(
        visit, "entitlement_delete.html", app=app, section="roles", entitlement=role, base=base
    )


def delete_role(visit: Visit) -> Response:
    """`POST …/roles/{role}/delete`: the application stops offering it, if it is disabled."""
    app = find_registration(visit)
    role = find_entitlement(_list(app), visit.key("role"))
    body = {"appRoles": without(_list(app), role["id"])}
    amend(visit, app, body)
    visit.notify("exposure.deleted", value=role["value"] or role["displayName"])
    return go_to(_locate(visit, app))


def _render(
    visit: Visit,
    app: Registration,
    key: str,
    role: Record,
    errors: Mapping[str, str] | None = None,
) -> Response:
    return render(
        visit,
        "approle.html",
        status=400 if errors else 200,
        app=app,
        key=key,
        role=role,
        members=tuple(MEMBERS),
        chosen=name_members(role) if role["allowedMemberTypes"] else "",
        errors=errors or {},
    )


def _list(app: Registration) -> list[Record]:
    roles: list[Record] = app.record["appRoles"]
    return roles


def _locate(visit: Visit, app: Registration, *parts: str) -> str:
    return visit.at("applications", app.app_id, "roles", *parts)
