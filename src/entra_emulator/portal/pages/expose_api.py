"""Expose an API: its name, and the clients that it trusts."""

from starlette.responses import Response

from entra_emulator.errors import GraphFault
from entra_emulator.portal.amend import amend, say_each, try_to_amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.exposed_api import (
    change_clients,
    change_uri,
    check_client,
    list_trusted,
    propose_uri,
)
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

# Why Graph refuses a URI, by its code.
_URI_PROBLEMS = {
    "HostNameNotOnVerifiedDomain": "exposure.problem.uri_foreign",
    "ObjectConflict": "exposure.problem.uri_taken",
}


def show_exposure(visit: Visit) -> Response:
    """`GET /portal/{tenant}/applications/{app}/exposure`: what the application offers."""
    app = find_registration(visit)
    record, directory = app.record, visit.directory
    trusted = [client["appId"] for client in record["api"]["preAuthorizedApplications"]]
    known = {one: directory.client(one) for one in trusted}
    names = {one: client.display_name for one, client in known.items() if client}
    return render(
        visit,
        "exposure.html",
        app=app,
        scopes=record["api"]["oauth2PermissionScopes"],
        trusted=list_trusted(record, names),
    )


def ask_uri(visit: Visit) -> Response:
    """`GET …/exposure/uri`: the Application ID URI to set or to change."""
    app = find_registration(visit)
    return _render_uri(visit, app, propose_uri(app.record), visit.query("then"))


def save_uri(visit: Visit) -> Response:
    """`POST …/exposure/uri`: the application goes by this URI, and on to the scope if asked to."""
    app, uri = find_registration(visit), visit.form.get("uri")
    if not uri:
        problem = visit.say("exposure.problem.required")
        return _render_uri(visit, app, uri, visit.form.get("then"), problem)
    fault = try_to_amend(visit, app, change_uri(app.record, uri))
    if fault is not None:
        problem = _explain(visit, app, uri, fault)
        return _render_uri(visit, app, uri, visit.form.get("then"), problem)
    visit.notify("exposure.uri_saved", uri=uri)
    ahead = ("scopes", "add") if visit.form.get("then") == "scope" else ()
    return _go_back(visit, app, *ahead)


def remove_uri(visit: Visit) -> Response:
    """`POST …/exposure/uri/remove`: the application goes by its client ID alone."""
    app = find_registration(visit)
    amend(visit, app, change_uri(app.record, ""))
    visit.notify("exposure.uri_removed")
    return _go_back(visit, app)


def ask_client(visit: Visit) -> Response:
    """`GET …/exposure/clients/{client}`: a client to authorize, or to change."""
    app, client = find_registration(visit), _find_client(visit)
    present = app.record["api"]["preAuthorizedApplications"]
    chosen = [
        scope
        for one in present
        if one["appId"] == client
        for scope in one["delegatedPermissionIds"]
    ]
    if client and not chosen:
        raise PortalFault(404, "entitlement", sought=client)
    return _render_client(visit, app, client, chosen, {})


def save_client(visit: Visit) -> Response:
    """`POST …/exposure/clients/{client}`: users are not asked to consent to it."""
    app, client = find_registration(visit), _find_client(visit)
    given, chosen = client or visit.form.get("client"), visit.form.each("scopes")
    problems = check_client(app.record, given, chosen, edited=bool(client))
    if problems:
        errors = say_each(visit, problems)
        return _render_client(visit, app, given, chosen, errors)
    fault = try_to_amend(visit, app, change_clients(app.record, given, chosen))
    if fault is not None:
        errors = {"client": visit.say("exposure.problem.refused", message=fault.message)}
        return _render_client(visit, app, given, chosen, errors)
    visit.notify("exposure.saved", value=given)
    return _go_back(visit, app)


def remove_client(visit: Visit) -> Response:
    """`POST …/exposure/clients/{client}/remove`: users are asked to consent to it again."""
    app, client = find_registration(visit), visit.key("client")
    amend(visit, app, change_clients(app.record, client, []))
    visit.notify("exposure.deleted", value=client)
    return _go_back(visit, app)


def _render_uri(
    visit: Visit, app: Registration, uri: str, then: str, problem: str = ""
) -> Response:
    errors = {"uri": problem} if problem else {}
    status = 400 if problem else 200
    values = {"app": app, "uri": uri, "then": then, "errors": errors}
    return render(visit, "exposure_uri.html", status=status, **values)


def _render_client(
    visit: Visit, app: Registration, given: str, chosen: list[str], errors: dict[str, str]
) -> Response:
    return render(
        visit,
        "exposure_client.html",
        status=400 if errors else 200,
        app=app,
        scopes=app.record["api"]["oauth2PermissionScopes"],
        client=_find_client(visit),
        given=given,
        chosen=chosen,
        errors=errors,
    )


def _explain(visit: Visit, app: Registration, uri: str, fault: GraphFault) -> str:
    """Why the app cannot go by this URI, and what it can go by."""
    codes = [fault.code, *(detail["code"] for detail in fault.details)]
    keys = [_URI_PROBLEMS[code] for code in codes if code in _URI_PROBLEMS]
    return visit.say(
        (keys or ["exposure.problem.uri_malformed"])[0],
        uri=uri,
        tenant=visit.tenant.display_name,
        client=app.app_id,
        domains=", ".join(visit.tenant.domains),
    )


def _find_client(visit: Visit) -> str:
    """The client in the address; empty for one that is to be added."""
    client = visit.key("client").lower()
    return "" if client == "add" else client


def _go_back(visit: Visit, app: Registration, *ahead: str) -> Response:
    return go_to(visit.at("applications", app.app_id, "exposure", *ahead))
