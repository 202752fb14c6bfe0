"""API permissions: what is configured, what is granted, and both changed."""

from urllib.parse import urlencode

from starlette.responses import Response

from entra_emulator.model.records import Record
from entra_emulator.portal.amend import amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.approval import approve, revoke
from entra_emulator.portal.configured_permissions import (
    Line,
    Table,
    asks_for_graph_roles,
    include,
    may_approve,
    read_table,
    withdraw,
)
from entra_emulator.web.context import origin_of
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit


def show_permissions(visit: Visit) -> Response:
    """`GET /portal/{tenant}/applications/{app}/permissions`: the two tables."""
    app, table = _read(visit)
    return render(
        visit,
        "permissions.html",
        app=app,
        table=table,
        allowed=_may_approve(visit, table),
        graph_roles=asks_for_graph_roles(table.configured),
        link=_link_consent(visit, app),
    )


def ask_consent(visit: Visit) -> Response:
    """`GET …/permissions/consent`: grant admin consent, yes or no."""
    app, table = _read(visit)
    _check_approver(visit, app, table)
    return render(visit, "permissions_consent.html", app=app, table=table)


def grant_consent(visit: Visit) -> Response:
    """`POST …/permissions/consent`: everything configured is granted for the tenant."""
    app, table = _read(visit)
    _check_approver(visit, app, table)
    others = visit.form.get("others")
    with visit.directory.transaction():
        if others == "adopt" and table.others:
            _rewrite(visit, app, include(app.record, table.others))
        for line in table.others if others == "drop" else ():
            revoke(visit.directory, visit.tenant, app.app_id, line)
        approve(visit.directory, visit.tenant, app.record)
    visit.notify("permission.consent.done")
    return _go_back(visit, app)


def ask_removal(visit: Visit) -> Response:
    """`GET …/permissions/remove`: whether a permission is to go from the list."""
    app, table = _read(visit)
    line = _find_line(table, visit.query("permission"))
    return render(visit, "permissions_confirm.html", app=app, line=line, act="remove")


def remove_permission(visit: Visit) -> Response:
    """`POST …/permissions/remove`: the application does not ask for it; a grant of it stays."""
    app, table = _read(visit)
    line = _find_line(table, visit.form.get("permission"))
    _rewrite(visit, app, withdraw(app.record, line))
    visit.notify("permission.removal.done", value=line.value)
    return _go_back(visit, app)


def ask_revocation(visit: Visit) -> Response:
    """`GET …/permissions/revoke`: whether admin consent to a permission is to be taken back."""
    app, table = _read(visit)
    line = _find_line(table, visit.query("permission"))
    _check_approver(visit, app, table)
    return render(visit, "permissions_confirm.html", app=app, line=line, act="revoke")


def revoke_permission(visit: Visit) -> Response:
    """`POST …/permissions/revoke`: tokens from the next on lack the permission."""
    app, table = _read(visit)
    line = _find_line(table, visit.form.get("permission"))
    _check_approver(visit, app, table)
    revoke(visit.directory, visit.tenant, app.app_id, line)
    visit.notify("permission.revocation.done", value=line.value)
    return _go_back(visit, app)


def add_granted(visit: Visit) -> Response:
    """`POST …/permissions/configure`: what is granted is asked for too."""
    app, table = _read(visit)
    line = _find_line(table, visit.form.get("permission"))
    _rewrite(visit, app, include(app.record, [line]))
    visit.notify("permission.adoption.done", value=line.value)
    return _go_back(visit, app)


def _read(visit: Visit) -> tuple[Registration, Table]:
    app = find_registration(visit)
    return app, read_table(visit.directory, visit.tenant, app.record)


def _find_line(table: Table, key: str) -> Line:
    line = table.find(key)
    if line is None:
        raise PortalFault(404, "permission")
    return line


def _may_approve(visit: Visit, table: Table) -> bool:
    return may_approve(visit.directory.roles_of(visit.tenant, visit.signed_in.user_id), table)


def _check_approver(visit: Visit, app: Registration, table: Table) -> None:
    if not _may_approve(visit, table):
        raise PortalFault(
            403,
            "consent",
            user=visit.user["displayName"],
            tenant=visit.tenant.display_name,
            link=_link_consent(visit, app),
        )


def _link_consent(visit: Visit, app: Registration) -> str:
    """The address to send to an administrator."""
    query = urlencode({"client_id": app.app_id})
    return f"{origin_of(visit.request)}/{visit.tenant.id}/adminconsent?{query}"


def _rewrite(visit: Visit, app: Registration, wanted: list[Record]) -> None:
    amend(visit, app, {"requiredResourceAccess": wanted})


def _go_back(visit: Visit, app: Registration) -> Response:
    return go_to(visit.at("applications", app.app_id, "permissions"))
