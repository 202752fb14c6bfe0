"""Federated credentials: tokens of other issuers that prove who the application is."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

from entra_emulator.directory.credentials import TOKEN_EXCHANGE
from entra_emulator.errors import GraphRefusal
from entra_emulator.portal.application import ApplicationView, go_to_application
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.credential_tabs import render_credentials, render_removal
from entra_emulator.portal.routes import application_page
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

GITHUB = "https://token.actions.githubusercontent.com"

# What a workflow on GitHub runs for, and the end of its token's subject ("Configure an app to trust
# an external identity provider").
ENTITIES = {
    "branch": "ref:refs/heads/{}",
    "tag": "ref:refs/tags/{}",
    "environment": "environment:{}",
    "pull_request": "pull_request",
}


class Scenario(NamedTuple):
    """A kind of issuer: the fields of its form that must be filled in, and those that need not."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of the form, in their order."""
        return (*self.required, *self.optional, "name", "description", "audience")


SCENARIOS = {
    "github": Scenario(("organization", "repository", "entity"), ("entity_name",)),
    "kubernetes": Scenario(("issuer", "namespace", "account")),
    "other": Scenario(("issuer", "subject")),
}


@application_page("GET", "credentials/federated")
def list_federated(request: PageRequest, app: ApplicationView) -> Response:
    """List the application's federated credentials."""
    rows = request.directory.credentials.list_federated(app.app_id)
    return render_credentials(request, app, "federated", rows=rows)


@application_page("GET", "credentials/federated/new")
def show_federated_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form of the scenario that the address names."""
    typed = {"audience": TOKEN_EXCHANGE, "entity": "branch"}
    return _show_form(request, app, typed, {})


@application_page("POST", "credentials/federated/new")
def add_federated(request: PageRequest, app: ApplicationView) -> Response:
    """Add a federated credential: the application can prove its identity by such tokens."""
    scenario = _find_scenario(request)
    typed = {name: request.form.get(name) for name in scenario.fields}
    errors = {
        name: request.say("federated.missing")
        for name in (*scenario.required, "name", "audience")
        if not typed[name]
    }
    if typed.get("entity", "pull_request") != "pull_request" and not typed["entity_name"]:
        errors["entity_name"] = request.say("federated.missing")
    if errors:
        return _show_form(request, app, typed, errors)
    issuer, subject = _make_trust(typed)
    body = {
        "name": typed["name"],
        "issuer": issuer,
        "subject": subject,
        "audiences": [typed["audience"]],
        "description": typed["description"] or None,
    }
    try:
        ask_graph(request, "POST", f"{app.path}/federatedIdentityCredentials", body)
    except GraphRefusal as refusal:
        if refusal.status == 403:  # no other entry in the form would help
            raise
        return _show_form(request, app, typed, {"name": refusal.message})
    request.notify("federated.added", name=typed["name"])
    return go_to_application(request, app, "credentials", "federated")


@application_page("GET", "credentials/federated/{key}/delete")
def confirm_removal(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the federated credential."""
    return render_removal(request, app, "federated", _find_name(request, app))


@application_page("POST", "credentials/federated/{key}/delete")
def remove_federated(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the federated credential; such tokens are refused from now on."""
    name = _find_name(request, app)
    ask_graph(request, "DELETE", f"{app.path}/federatedIdentityCredentials/{request.param('key')}")
    request.notify("federated.removed", name=name)
    return go_to_application(request, app, "credentials", "federated")


def _find_name(request: PageRequest, app: ApplicationView) -> str:
    """What the credential in the address is called."""
    for credential in request.directory.credentials.list_federated(app.app_id):
        if credential.id == request.param("key"):
            return credential.name
    raise PortalRefusal(404, "credential")


def _find_scenario(request: PageRequest) -> Scenario:
    scenario = SCENARIOS.get(request.query("scenario") or "github")
    if scenario is None:
        raise PortalRefusal(404, "page")
    return scenario


def _make_trust(typed: Mapping[str, str]) -> tuple[str, str]:
    """The issuer that the form means, and the subject of its tokens."""
    if "repository" in typed:
        entity = ENTITIES.get(typed["entity"], "{}").format(typed["entity_name"])
        return GITHUB, f"repo:{typed['organization']}/{typed['repository']}:{entity}"
    if "namespace" in typed:
        account = f"{typed['namespace']}:{typed['account']}"
        return typed["issuer"], f"system:serviceaccount:{account}"
    return typed["issuer"], typed["subject"]


def _show_form(
    request: PageRequest, app: ApplicationView, typed: Mapping[str, str], errors: dict[str, str]
) -> Response:
    scenario = _find_scenario(request)
    return render(
        request,
        "federated_new.html",
        app=app,
        scenario=request.query("scenario") or "github",
        scenarios=SCENARIOS,
        entities=ENTITIES,
        typed={**dict.fromkeys(scenario.fields, ""), **typed},
        errors=errors,
    )
