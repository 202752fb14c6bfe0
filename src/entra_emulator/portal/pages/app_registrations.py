"""App registrations: the list of them, and a new one."""

from typing import Any

from starlette.responses import Response

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.resources.applications import RULE
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Record
from entra_emulator.model.scopes import find_scope
from entra_emulator.portal.application import list_owned_applications
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.credential_tabs import name_state
from entra_emulator.portal.lists import list_by_name
from entra_emulator.portal.routes import TENANT, MenuItem, page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

MENU = (MenuItem("tenant", 40, "applications", "menu.applications", ("applications",)),)

LONGEST_NAME = RULE.lengths["displayName"]

# Supported account types, in the portal's order.
AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
# Platforms of redirect URIs, by the property of `application` that holds them.
PLATFORMS = ("publicClient", "web", "spa")


@page("GET", f"{TENANT}/applications")
def list_registrations(request: PageRequest) -> Response:
    """List the tenant's applications by name, or those that a search finds."""
    values = list_by_name(request, "application")
    values["rows"] = [_describe(request, record) for record in values["rows"]]
    return render(request, "registrations.html", tab="all", **values)


@page("GET", f"{TENANT}/applications/owned")
def list_owned(request: PageRequest) -> Response:
    """List the applications that the signed-in user owns."""
    owned, text = list_owned_applications(request), request.query("q")
    matching = [record for record in owned if _matches(record, text.casefold())]
    matching.sort(key=lambda record: str(record["displayName"]).casefold())
    return render(
        request,
        "registrations.html",
        tab="owned",
        rows=[_describe(request, record) for record in matching],
        search=text,
        known=len(owned),
        before=None,
        after=None,
    )


@page("GET", f"{TENANT}/applications/new")
def show_registration_form(request: PageRequest) -> Response:
    """Show the form for a new application."""
    return _show_form(request, {"audience": AUDIENCES[0]}, {})


@page("POST", f"{TENANT}/applications/new")
def create_registration(request: PageRequest) -> Response:
    """
    Make an application and its service principal, owned by the signed-in user.

    As in the real portal, every new application asks for `User.Read`.
    """
    typed = {name: request.form.get(name) for name in ("name", "audience", "platform", "redirect")}
    errors = _check(request, typed)
    if errors:
        return _show_form(request, typed, errors)
    try:
        # In one transaction, because an application without a service principal gets no token.
        with request.directory.transaction():
            app = ask_graph(request, "POST", "/v1.0/applications", _make_body(request, typed))
            ask_graph(request, "POST", "/v1.0/servicePrincipals", {"appId": app["appId"]})
    except GraphRefusal as refusal:
        if refusal.status != 400:
            raise
        # Everything else was checked before, so a refusal by Graph is about the redirect URI.
        if typed["redirect"]:
            return _show_form(request, typed, {"redirect": request.say("new.redirect_wrong")})
        return _show_form(request, typed, {"name": refusal.message})
    request.notify("new.done", name=app["displayName"])
    return go_to(request.at("applications", app["appId"]))


def _check(request: PageRequest, typed: dict[str, str]) -> dict[str, str]:
    """
    What is wrong with which field.

    Raises:
        PortalRefusal: 403, the signed-in user is a guest.
    """
    # "Guest users can't register applications" ("Default user permissions").
    if request.user.get("userType") == "Guest":
        raise PortalRefusal(403, "guest")
    errors = {}
    if not typed["name"]:
        errors["name"] = request.say("new.name_missing")
    elif len(typed["name"]) > LONGEST_NAME:
        errors["name"] = request.say("new.name_long", most=LONGEST_NAME)
    if typed["audience"] not in AUDIENCES:
        errors["audience"] = request.say("new.audience_missing")
    if typed["redirect"] and typed["platform"] not in PLATFORMS:
        errors["platform"] = request.say("new.platform_missing")
    return errors


def _make_body(request: PageRequest, typed: dict[str, str]) -> Record:
    graph = request.directory.service_principals.find(request.tenant, GRAPH_APP_ID)
    scope = find_scope(graph, "User.Read") if graph else None
    body: Record = {"displayName": typed["name"], "signInAudience": typed["audience"]}
    if scope is not None:
        access = [{"id": scope["id"], "type": "Scope"}]
        body["requiredResourceAccess"] = [{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access}]
    if typed["redirect"]:
        body[typed["platform"]] = {"redirectUris": [typed["redirect"]]}
    return body


def _show_form(request: PageRequest, typed: dict[str, str], errors: dict[str, str]) -> Response:
    return render(
        request,
        "registration_new.html",
        typed={"name": "", "platform": "", "redirect": "", **typed},
        errors=errors,
        audiences=AUDIENCES,
        platforms=PLATFORMS,
        longest=LONGEST_NAME,
    )


def _describe(request: PageRequest, record: Record) -> dict[str, Any]:
    """A line of the list: the application, and the state of its credentials."""
    credentials = [*record["passwordCredentials"], *record["keyCredentials"]]
    return {"record": record, "state": name_state(request, credentials)}


def _matches(record: Record, text: str) -> bool:
    """Whether the application's name or its client ID begins with this text."""
    names = (str(record["displayName"]).casefold(), record["appId"])
    return any(name.startswith(text) for name in names)
