"""API permissions: what is configured, what is granted, and how both are changed."""

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.application import (
    ApplicationView,
    find_application,
    link_consent,
    update_application,
)
from entra_emulator.portal.configured_permissions import (
    Permission,
    PermissionTable,
    exclude_permission,
    grant_requested,
    include_permissions,
    may_grant_consent,
    read_table,
    requests_graph_roles,
    revoke_grant,
)
from entra_emulator.portal.routes import APPLICATION, MenuItem, PageRoute
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest


def show_permissions(request: PageRequest) -> Response:
    """`GET /portal/{tenant}/applications/{app}/permissions`: the two tables."""
    app, table = _read(request)
    return render(
        request,
        "permissions.html",
        app=app,
        table=table,
        allowed=may_grant_consent(request, table),
        graph_roles=requests_graph_roles(table.configured),
        link=link_consent(request, app),
    )


def confirm_consent(request: PageRequest) -> Response:
    """`GET …/permissions/consent`: whether admin consent is to be granted."""
    app, table = _read(request)
    _check_approver(request, app, table)
    return render(request, "permissions_consent.html", app=app, table=table)


def grant_consent(request: PageRequest) -> Response:
    """`POST …/permissions/consent`: everything configured is granted for the tenant."""
    app, table = _read(request)
    _check_approver(request, app, table)
    others = request.form.get("others")
    with request.directory.transaction():
        if others == "adopt" and table.others:
            _rewrite(request, app, include_permissions(app.record, table.others))
        for permission in table.others if others == "drop" else ():
            revoke_grant(request.directory, request.tenant, app.app_id, permission)
        grant_requested(request.directory, request.tenant, app.record)
    request.notify("permission.consent.done")
    return _go_back(request, app)


def confirm_removal(request: PageRequest) -> Response:
    """`GET …/permissions/remove`: whether a permission is to go from the list."""
    app, _, permission = _read_permission(request, request.query("permission"))
    return render(request, "permissions_confirm.html", app=app, permission=permission, act="remove")


def remove_permission(request: PageRequest) -> Response:
    """`POST …/permissions/remove`: the application no longer asks for it; a grant of it stays."""
    app, _, permission = _read_permission(request, request.form.get("permission"))
    _rewrite(request, app, exclude_permission(app.record, permission))
    request.notify("permission.removal.done", value=permission.value)
    return _go_back(request, app)


def confirm_revocation(request: PageRequest) -> Response:
    """`GET …/permissions/revoke`: whether admin consent to a permission is to be taken back."""
    app, table, permission = _read_permission(request, request.query("permission"))
    _check_approver(request, app, table)
    return render(request, "permissions_confirm.html", app=app, permission=permission, act="revoke")


def revoke_permission(request: PageRequest) -> Response:
    """`POST …/permissions/revoke`: later tokens lack the permission."""
    app, table, permission = _read_permission(request, request.form.get("permission"))
    _check_approver(request, app, table)
    revoke_grant(request.directory, request.tenant, app.app_id, permission)
    request.notify("permission.revocation.done", value=permission.value)
    return _go_back(request, app)


def add_granted(request: PageRequest) -> Response:
    """`POST …/permissions/configure`: the application asks for what is granted to it already."""
    app, _, permission = _read_permission(request, request.form.get("permission"))
    _rewrite(request, app, include_permissions(app.record, [permission]))
    request.notify("permission.adoption.done", value=permission.value)
    return _go_back(request, app)


def _read(request: PageRequest) -> tuple[ApplicationView, PermissionTable]:
    app = find_application(request)
    return app, read_table(request.directory, request.tenant, app.record)


def _read_permission(
    request: PageRequest, key: str
) -> tuple[ApplicationView, PermissionTable, Permission]:
    app, table = _read(request)
    permission = table.find(key)
    if permission is None:
        raise PortalRefusal(404, "permission")
    return app, table, permission


def _check_approver(request: PageRequest, app: ApplicationView, table: PermissionTable) -> None:
    if not may_grant_consent(request, table):
        raise PortalRefusal(
            403,
            "consent",
            user=request.user["displayName"],
            tenant=request.tenant.display_name,
            link=link_consent(request, app),
        )


def _rewrite(request: PageRequest, app: ApplicationView, access: list[Record]) -> None:
    update_application(request, app, {"requiredResourceAccess": access})


def _go_back(request: PageRequest, app: ApplicationView) -> Response:
    return go_to(request.at("applications", app.app_id, "permissions"))


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/permissions", show_permissions),
    PageRoute("POST", f"{APPLICATION}/permissions/configure", add_granted),
    PageRoute("GET", f"{APPLICATION}/permissions/remove", confirm_removal),
    PageRoute("POST", f"{APPLICATION}/permissions/remove", remove_permission),
    PageRoute("GET", f"{APPLICATION}/permissions/revoke", confirm_revocation),
    PageRoute("POST", f"{APPLICATION}/permissions/revoke", revoke_permission),
    PageRoute("GET", f"{APPLICATION}/permissions/consent", confirm_consent),
    PageRoute("POST", f"{APPLICATION}/permissions/consent", grant_consent),
)
MENU = (
    MenuItem("application", 50, "permissions", "permission.title", ("permissions",), "menu.manage"),
)
