"""API permissions: the pages that show and change the configured and the granted permissions."""

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import (
    ApplicationView,
    go_to_application,
    link_consent,
    update_application,
)
from entra_emulator.portal.configured_permissions import (
    PermissionRow,
    PermissionTable,
    exclude_permission,
    grant_requested,
    include_permissions,
    may_grant_consent,
    read_table,
    revoke_grant,
)
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (
    MenuItem("application", 50, "permissions", "permission.title", ("permissions",), "menu.manage"),
)


@application_page("GET", "permissions")
def show_permissions(request: PageRequest, app: ApplicationView) -> Response:
    """Show the permissions that are configured, and others that are granted."""
    table = read_table(request.directory, request.tenant, app.record)
    return render(
        request,
        "permissions.html",
        app=app,
        table=table,
        allowed=may_grant_consent(request, table),
        graph_roles=table.requests_graph_roles,
        link=link_consent(request, app),
    )


@application_page("GET", "permissions/consent")
def confirm_consent(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to grant admin consent."""
    table = _read_approved(request, app)
    return render(request, "permissions_consent.html", app=app, table=table)


@application_page("POST", "permissions/consent")
def grant_consent(request: PageRequest, app: ApplicationView) -> Response:
    """Grant everything that is configured, for the whole tenant."""
    table = _read_approved(request, app)
    others = request.form.get("others")
    # In one transaction, so that nothing changes if Graph refuses a part.
    with request.directory.transaction():
        if others == "adopt" and table.others:
            _rewrite(request, app, include_permissions(app.record, table.others))
        for permission in table.others if others == "drop" else ():
            revoke_grant(request.directory, request.tenant, app.app_id, permission)
        grant_requested(request.directory, request.tenant, app.record)
    request.notify("permission.consent.done")
    return go_to_application(request, app, "permissions")


@application_page("GET", "permissions/remove")
def confirm_removal(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to remove a permission from the list."""
    permission = _find_permission(request, app)
    return render(request, "permissions_confirm.html", app=app, permission=permission, act="remove")


@application_page("POST", "permissions/remove")
def remove_permission(request: PageRequest, app: ApplicationView) -> Response:
    """Remove a permission from the list; if it is granted, it stays granted."""
    permission = _find_permission(request, app)
    _rewrite(request, app, exclude_permission(app.record, permission))
    request.notify("permission.removal.done", value=permission.value)
    return go_to_application(request, app, "permissions")


@application_page("GET", "permissions/revoke")
def confirm_revocation(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to revoke admin consent to a permission."""
    permission = _find_permission(request, app)
    _read_approved(request, app)
    return render(request, "permissions_confirm.html", app=app, permission=permission, act="revoke")


@application_page("POST", "permissions/revoke")
def revoke_permission(request: PageRequest, app: ApplicationView) -> Response:
    """Revoke admin consent to a permission: later tokens lack it."""
    permission = _find_permission(request, app)
    _read_approved(request, app)
    revoke_grant(request.directory, request.tenant, app.app_id, permission)
    request.notify("permission.revocation.done", value=permission.value)
    return go_to_application(request, app, "permissions")


@application_page("POST", "permissions/configure")
def add_granted(request: PageRequest, app: ApplicationView) -> Response:
    """Add a permission to the list that is granted already."""
    permission = _find_permission(request, app)
    _rewrite(request, app, include_permissions(app.record, [permission]))
    request.notify("permission.adoption.done", value=permission.value)
    return go_to_application(request, app, "permissions")


def _find_permission(request: PageRequest, app: ApplicationView) -> PermissionRow:
    """The permission that the address or the form names."""
    table = read_table(request.directory, request.tenant, app.record)
    sent = request.form.get if request.http.method == "POST" else request.query
    permission = table.find(sent("permission"))
    if permission is None:
        raise PortalRefusal(404, "permission")
    return permission


def _read_approved(request: PageRequest, app: ApplicationView) -> PermissionTable:
    """
    The permissions of an application, if the signed-in user may consent to them.

    Raises:
        PortalRefusal: 403.
    """
    table = read_table(request.directory, request.tenant, app.record)
    if not may_grant_consent(request, table):
        link, tenant = link_consent(request, app), request.tenant.display_name
        user = request.user["displayName"]
        raise PortalRefusal(403, "consent", user=user, tenant=tenant, link=link)
    return table


def _rewrite(request: PageRequest, app: ApplicationView, access: list[Record]) -> None:
    update_application(request, app, {"requiredResourceAccess": access})
