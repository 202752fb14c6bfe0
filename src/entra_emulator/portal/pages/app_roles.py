"""App roles: listed, made, changed, and deleted once they are disabled."""

from collections.abc import Mapping

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView, go_to_application, update_application
from entra_emulator.portal.entitlements import find_entitlement, try_save
from entra_emulator.portal.exposed_api import MEMBERS, NEW_ROLE, name_members, put, read_role
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("application", 70, "roles", "app_role.title", ("roles",), "menu.manage"),)


@application_page("GET", "roles")
def show_roles(request: PageRequest, app: ApplicationView) -> Response:
    """List the application's app roles."""
    roles = app.record["appRoles"]
    members = {role["id"]: name_members(role) for role in roles}
    return render(request, "app_roles.html", app=app, roles=roles, members=members)


@application_page("GET", "roles/{role}")
def show_role_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for a new app role, or for one of the list."""
    role = find_entitlement(app.record["appRoles"], request.param("role"), NEW_ROLE)
    return _show_form(request, app, role, {})


@application_page("POST", "roles/{role}")
def save_role(request: PageRequest, app: ApplicationView) -> Response:
    """Save the app role of the form."""
    roles, new = app.record["appRoles"], {"id": request.directory.new_id()}
    role_id = find_entitlement(roles, request.param("role"), new)["id"]
    role, problems = read_role(app.record, request.form, role_id)
    errors = try_save(request, app, {"appRoles": put(roles, role)}, problems, role["value"])
    if errors:
        return _show_form(request, app, role, errors)
    return go_to_application(request, app, "roles")


@application_page("GET", "roles/{role}/delete")
def confirm_deletion(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the app role."""
    role = find_entitlement(app.record["appRoles"], request.param("role"))
    base = request.at("applications", app.app_id, "roles")
    return render(
        request, "entitlement_delete.html", app=app, section="roles", entitlement=role, base=base
    )


@application_page("POST", "roles/{role}/delete")
def delete_role(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the app role, which has to be disabled first."""
    roles = app.record["appRoles"]
    role = find_entitlement(roles, request.param("role"))
    update_application(request, app, {"appRoles": [one for one in roles if one is not role]})
    request.notify("exposure.deleted", value=role["value"] or role["displayName"])
    return go_to_application(request, app, "roles")


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
