"""What the report `permissions` reads, and its rows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from graphdaemon.client.reports import permissions
from graphdaemon.client.reports.needs import RunVerdict, judge, read_run
from graphdaemon.client.reports.options import APP_USE, REPORTS
from graphdaemon.client.reports.permissions import GRAPH_APP_ID, Grant, PermissionRow, Use
from graphdaemon.client.reports.source import StoreSource
from graphdaemon.client.reports.values import read_moment, read_object, read_text
from graphdaemon.client.reports.work import ReportWork
from graphdaemon.errors import UsageError


async def list_permissions(work: ReportWork) -> list[PermissionRow]:
    """
    Return a row for each granted permission, and for each one that a recorded run lacks.

    Raises:
        UsageError: A store does not keep what the report needs, or the file is not a report of a
            run.
        Error: They cannot be read.
    """
    source = work.source
    select = REPORTS["permissions"].find_input("servicePrincipals").select
    principals = await source.read("servicePrincipals", select, permissions.read_principal)
    consents = await _read_consents(work)
    used = await work.read_use(APP_USE, _read_app_use, "When applications last signed in")
    # An app role is assigned to whoever holds it at the API that offers it: a few hundred APIs tell
    # of all applications.
    offering = [id_ for id_, one in principals.items() if one.offers_roles]
    assigned = await source.read_related("servicePrincipals", "appRoleAssignedTo", offering, None)
    if assigned is None:
        raise UsageError(
            "the store does not keep app role assignments",
            code="option_invalid",
            hint="To keep them, run graphdaemon sync servicePrincipals/appRoleAssignedTo",
        )
    grants = [
        *permissions.read_assignments(
            (one for objects in assigned.values() for one in objects), principals
        ),
        *permissions.read_grants(consents, principals),
    ]
    rules = permissions.PermissionRules(
        work.now,
        work.options.since,
        work.options.high,
        None if used is None else {app: use for app, use in used if app},
        _judge_run(work, grants, principals),
    )
    return permissions.list_permissions(grants, principals, rules)


async def _read_consents(work: ReportWork) -> list[Mapping[str, Any]]:
    if isinstance(work.source, StoreSource) and not work.source.has("oauth2PermissionGrants"):
        work.notes.append(
            "Delegated permissions are left out, since the store does not keep the grants. To keep "
            "them: graphdaemon sync oauth2PermissionGrants"
        )
        return []
    return list((await work.source.read("oauth2PermissionGrants", (), dict)).values())


def _read_app_use(record: Mapping[str, Any]) -> tuple[str, Use]:
    def read(name: Literal["applicationAuthentication", "delegated"]) -> dt.datetime | None:
        activity = read_object(record, f"{name}ClientSignInActivity")
        return read_moment(activity.get("lastSignInDateTime"))

    use = Use(read("applicationAuthentication"), read("delegated"))
    return read_text(record, "appId") or "", use


def _judge_run(
    work: ReportWork, grants: Sequence[Grant], principals: Mapping[str, permissions.Principal]
) -> dict[str, RunVerdict]:
    content, app_id = work.options.run, work.options.app_id
    if content is None:
        return {}
    client = next((one for one in principals.values() if one.app_id == app_id), None)
    if app_id is None or client is None:
        raise UsageError(
            f"--app {app_id or ''}: the tenant has no service principal with this client ID",
            code="option_invalid",
            hint="Give the client ID of the app under which the program runs in this tenant.",
        )
    run = read_run(content, app_id)
    if run.unknown:
        calls = ", ".join(run.unknown[:5])
        work.notes.append(
            f"It is not known which permissions {len(run.unknown)} calls of the run need "
            f"({calls}), so no permission is reported as not needed."
        )
    graph = {id_ for id_, one in principals.items() if one.app_id == GRAPH_APP_ID}
    held = [one for one in grants if one.client == client.id and one.resource in graph]
    roles = {one.permission for one in held if one.kind == "application"}
    scopes = {one.permission for one in held if one.kind == "delegated"}
    return {app_id: judge(run, roles, scopes)}
