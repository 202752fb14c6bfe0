"""
Quickstart: set up what the daemon sample needs, with one button or by hand, and download it.

The server does not keep the value of a secret. The page that shows it once also has it in the form
that requests the sample, from which the sample's file is filled in.
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.portal.application import (
    ApplicationView,
    go_to_application,
    link_consent,
    update_application,
)
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.configured_permissions import (
    ROLE,
    PermissionRow,
    PermissionTable,
    include_permissions,
    list_offered,
    may_grant_consent,
    read_table,
)
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.portal.samples import SAMPLES, make_archive
from entra_emulator.web.context import is_guid, origin_of
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import HEADERS, render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("application", 20, "quickstart", "quickstart.title", ("quickstart",)),)

# The application permission with which the sample can list users.
PERMISSION = "User.Read.All"

# Seconds. The portal recommends this lifetime first.
SECRET_LIFETIME = 180 * 86_400.0

# The emulator accepts Graph's real name, too, so that the sample has the real scope.
_GRAPH_SCOPE = "https://graph.microsoft.com/.default"
# Characters that a file name is better without.
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@application_page("GET", "quickstart")
def show_quickstart(request: PageRequest, app: ApplicationView) -> Response:
    """Show what is done already, the two ways to do the rest, and the sample."""
    return _show(request, app, _find_made(request, app), {})


@application_page("POST", "quickstart")
def change_quickstart(request: PageRequest, app: ApplicationView) -> Response:
    """Make the changes, or send the sample, filled in."""
    act = request.form.get("act")
    if act == "make":
        return _make_changes(request, app)
    if act in SAMPLES:
        return _hand_out(request, app, act)
    raise PortalRefusal(400, "malformed")


def _show(
    request: PageRequest,
    app: ApplicationView,
    made: Mapping[str, str] | None,
    errors: Mapping[str, str],
) -> Response:
    table = read_table(request.directory, request.tenant, app.record)
    return render(
        request,
        "quickstart.html",
        app=app,
        progress=_read_progress(request, app, table),
        permission=PERMISSION,
        made=made,
        allowed=may_grant_consent(request, table),
        link=link_consent(request, app),
        samples=SAMPLES,
        thumbprint=_find_thumbprint(request, app),
        errors=errors,
    )


def _read_progress(
    request: PageRequest, app: ApplicationView, table: PermissionTable
) -> dict[str, bool]:
    """Whether it has a credential that is good now, asks for PERMISSION, and is granted that."""
    now = format_iso(request.context.clock.now())
    credentials = (*app.record["passwordCredentials"], *app.record["keyCredentials"])
    good = any(one["startDateTime"] <= now < one["endDateTime"] for one in credentials)
    permissions = (*table.configured, *table.others)
    requested = any(_is_needed(permission) for permission in table.configured)
    granted = any(permission.granted for permission in permissions if _is_needed(permission))
    # A granted permission works, whether the application requests it or not.
    return {"credential": good, "requested": requested or granted, "granted": granted}


def _make_changes(request: PageRequest, app: ApplicationView) -> Response:
    """Make a secret if there is no credential, and have the application ask for the permission."""
    # In one transaction: if Graph refuses the permission, no secret is left that was never shown.
    with request.directory.transaction():
        table = read_table(request.directory, request.tenant, app.record)
        progress = _read_progress(request, app, table)
        if not progress["requested"]:
            access = include_permissions(app.record, [_find_permission(request)])
            update_application(request, app, {"requiredResourceAccess": access})
        # If the button is pressed twice, or there is a certificate, no further credential is made.
        if not progress["credential"]:
            _make_secret(request, app)
    request.notify("quickstart.done")
    return go_to_application(request, app, "quickstart")


def _make_secret(request: PageRequest, app: ApplicationView) -> None:
    """Make a secret, and keep its value until the sample is downloaded."""
    now = request.context.clock.now()
    credential = {
        "displayName": request.say("quickstart.secret_name"),
        "endDateTime": format_iso(now + SECRET_LIFETIME, 7),
    }
    body = {"passwordCredential": credential}
    secret = ask_graph(request, "POST", f"{app.path}/addPassword", body)
    made = {"app": app.app_id, "id": secret["keyId"], "value": secret["secretText"]}
    request.keep("quickstart", made)


def _find_made(request: PageRequest, app: ApplicationView) -> Mapping[str, str] | None:
    """The secret that was made here and not downloaded yet, if it is still valid."""
    made: Mapping[str, str] | None = request.take("quickstart")
    if made is None or made["app"] != app.app_id:
        return None
    if request.directory.credentials.find_password(app.app_id, made["value"]) is None:
        return None
    # The user may leave the page to grant consent, and return for the download.
    request.keep("quickstart", made)
    return made


def _hand_out(request: PageRequest, app: ApplicationView, kind: str) -> Response:
    """The sample's archive, filled in with the secret of the form or with a thumbprint."""
    settings = _make_parameters(request, app)
    if kind == "secret":
        value = request.form.get("secret")
        if value and (mistake := _find_mistake(request, app, value)):
            return _show(request, app, None, {"secret": mistake})
        settings |= {"secret": value} if value else {}
        # The secret is in the file now, and is not shown any more.
        request.take("quickstart")
    else:
        thumbprint = _find_thumbprint(request, app)
        settings |= {"thumbprint": thumbprint} if thumbprint else {}
    sample = SAMPLES[kind]
    values = {"name": app.record["displayName"], "script": sample.script}
    archive = make_archive(
        kind,
        settings,
        ca_pem=request.context.ca_pem,
        readme=request.say(f"quickstart.readme_{kind}", **values),
        moment=request.context.clock.now(),
    )
    name = _UNFIT.sub("-", f"{sample.folder}.zip")
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(archive, 200, headers, "application/zip")


def _make_parameters(request: PageRequest, app: ApplicationView) -> dict[str, Any]:
    """The sample's parameters, but for the credential."""
    origin = origin_of(request.http)
    return {
        "note": request.say("quickstart.note", tenant=request.tenant.display_name),
        "authority": f"{origin}/{request.tenant.id}",
        "client_id": app.app_id,
        "scope": [_GRAPH_SCOPE],
        "endpoint": f"{origin}/v1.0/users",
    }


def _find_mistake(request: PageRequest, app: ApplicationView, value: str) -> str:
    """What is wrong with a secret that was typed in; an empty text if it is the application's."""
    # The portal shows a secret's ID beside its value, and it is often copied instead.
    if is_guid(value):
        return request.say("quickstart.secret_id")
    if request.directory.credentials.find_password(app.app_id, value) is None:
        return request.say("quickstart.secret_foreign")
    return ""


def _find_thumbprint(request: PageRequest, app: ApplicationView) -> str:
    """The thumbprint of the good certificate that expires last; an empty text without any."""
    now = request.context.clock.now()
    good = [
        one
        for one in request.directory.credentials.list_certificates(app.app_id)
        if one.start <= now < one.end
    ]
    return max(good, key=lambda one: one.end).thumbprint if good else ""


def _find_permission(request: PageRequest) -> PermissionRow:
    graph = request.directory.service_principals.find(request.tenant, GRAPH_APP_ID)
    assert graph is not None, "every tenant has Microsoft Graph"
    families = list_offered(graph, ROLE, PERMISSION).values()
    return next(
        permission for family in families for permission in family if _is_needed(permission)
    )


def _is_needed(permission: PermissionRow) -> bool:
    names = (permission.resource, permission.kind, permission.value)
    return names == (GRAPH_APP_ID, ROLE, PERMISSION)
