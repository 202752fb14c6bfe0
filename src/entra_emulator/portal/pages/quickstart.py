"""
Quickstart: what the daemon sample needs, made by one button or step by step, and the sample itself.

A secret's value is kept nowhere: the page that shows it once sends it back with the form that asks
for the sample, and the file is filled in from there.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.portal.amend import amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.ask_graph import ask
from entra_emulator.portal.configured_permissions import (
    ROLE,
    Line,
    include,
    list_offered,
    may_approve,
    read_table,
)
from entra_emulator.portal.samples import SAMPLES, make_archive
from entra_emulator.web.context import is_guid, origin_of
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import HEADERS, go_to, render
from entra_emulator.web.pages.request import Visit

# What the sample needs to list users.
PERMISSION = "User.Read.All"

# As long as the portal recommends.
SECRET_LIFETIME = 180 * 86_400.0

_GRAPH_SCOPE = "https://graph.microsoft.com/.default"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class Progress(NamedTuple):
    """
    How far the application is.

    Args:
        credential: it has a secret or a certificate that is good now.
        requested: it asks for PERMISSION.
        granted: an administrator has consented to that.
    """

    credential: bool
    requested: bool
    granted: bool


def show_quickstart(visit: Visit) -> Response:
    """`GET …/quickstart`: what is done, both ways to do the rest, and the sample."""
    app, made = find_registration(visit), visit.take("quickstart")
    return _show(visit, app, made if made and made["app"] == app.app_id else None, {})


def change_quickstart(visit: Visit) -> Response:
    """`POST …/quickstart`: make the changes, or hand out the sample with what was filled in."""
    app, act = find_registration(visit), visit.form.get("act")
    if act == "make":
        return _make_changes(visit, app)
    if act in SAMPLES:
        return _hand_out(visit, app, act)
    raise PortalFault(400, "malformed")


def _show(
    visit: Visit, app: Registration, made: Mapping[str, str] | None, errors: Mapping[str, str]
) -> Response:
    table = read_table(visit.directory, visit.tenant, app.record)
    roles = visit.directory.roles_of(visit.tenant, visit.signed_in.user_id)
    query = urlencode({"client_id": app.app_id})
    return render(
        visit,
        "quickstart.html",
        status=400 if errors else 200,
        app=app,
        progress=_read_progress(visit, app),
        permission=PERMISSION,
        made=made,
        allowed=may_approve(roles, table),
        link=f"{origin_of(visit.request)}/{visit.tenant.id}/adminconsent?{query}",
        samples=SAMPLES,
        thumbprint=_find_thumbprint(visit, app),
        errors=errors,
    )


def _read_progress(visit: Visit, app: Registration) -> Progress:
    table = read_table(visit.directory, visit.tenant, app.record)
    wanted = [one for one in table.configured if _is_wanted(one)]
    granted = [one for one in (*wanted, *table.others) if _is_wanted(one) and one.granted]
    now = format_iso(visit.context.clock.now())
    entries = (*app.record["passwordCredentials"], *app.record["keyCredentials"])
    good = [one for one in entries if one["startDateTime"] <= now < one["endDateTime"]]
    return Progress(bool(good), bool(wanted or granted), bool(granted))


def _make_changes(visit: Visit, app: Registration) -> Response:
    """Option 1: a secret, and the permission if it is not asked for yet."""
    now = visit.context.clock.now()
    described = {
        "displayName": visit.say("quickstart.secret_name"),
        "endDateTime": format_iso(now + SECRET_LIFETIME, 7),
    }
    with visit.directory.transaction():
        if not _read_progress(visit, app).requested:
            wanted = include(app.record, [_find_permission(visit)])
            amend(visit, app, {"requiredResourceAccess": wanted})
        body = {"passwordCredential": described}
        secret = ask(visit, "POST", f"{app.path}/addPassword", body)
    made = {"app": app.app_id, "id": secret["keyId"], "value": secret["secretText"]}
    visit.keep("quickstart", made)
    visit.notify("quickstart.done")
    return go_to(visit.at("applications", app.app_id, "quickstart"))


def _hand_out(visit: Visit, app: Registration, kind: str) -> Response:
    """The sample's archive; the secret, if there is one, is what the form brought."""
    settings = _describe(visit, app)
    if kind == "secret":
        value = visit.form.get("secret")
        if value and (mistake := _find_mistake(visit, app, value)):
            return _show(visit, app, None, {"secret": mistake})
        settings |= {"secret": value} if value else {}
    else:
        thumbprint = _find_thumbprint(visit, app)
        settings |= {"thumbprint": thumbprint} if thumbprint else {}
    sample = SAMPLES[kind]
    values = {"name": app.record["displayName"], "script": sample.script}
    archive = make_archive(
        kind,
        settings,
        ca_pem=visit.context.ca_pem,
        readme=visit.say(f"quickstart.readme_{kind}", **values),
        moment=visit.context.clock.now(),
    )
    name = _UNFIT.sub("-", f"{sample.folder}.zip")
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(archive, 200, headers, "application/zip")


def _describe(visit: Visit, app: Registration) -> dict[str, Any]:
    """The parameters that do not depend on the credential."""
    origin = origin_of(visit.request)
    return {
        "note": visit.say("quickstart.note", tenant=visit.tenant.display_name),
        "authority": f"{origin}/{visit.tenant.id}",
        "client_id": app.app_id,
        "scope": [_GRAPH_SCOPE],
        "endpoint": f"{origin}/v1.0/users",
    }


def _find_mistake(visit: Visit, app: Registration, value: str) -> str:
    """What is wrong with a secret that was typed in; nothing if it is the application's."""
    if is_guid(value):
        return visit.say("quickstart.secret_id")
    if visit.directory.password(app.app_id, value) is None:
        return visit.say("quickstart.secret_foreign")
    return ""


def _find_thumbprint(visit: Visit, app: Registration) -> str:
    """Of the certificate that is good for the longest time."""
    now = visit.context.clock.now()
    good = [one for one in visit.directory.certificates(app.app_id) if one.start <= now < one.end]
    return max(good, key=lambda one: one.end).thumbprint if good else ""


def _find_permission(visit: Visit) -> Line:
    graph = visit.directory.service_principal(visit.tenant, GRAPH_APP_ID)
    assert graph is not None, "every tenant has Microsoft Graph"
    families = list_offered(graph, ROLE, PERMISSION)
    return next(line for one in families for line in one.permissions if _is_wanted(line))


def _is_wanted(line: Line) -> bool:
    return (line.resource, line.kind, line.value) == (GRAPH_APP_ID, ROLE, PERMISSION)
