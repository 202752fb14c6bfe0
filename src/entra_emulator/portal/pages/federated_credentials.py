"""Federated credentials: whose tokens prove who the application is, without a secret."""

from collections.abc import Mapping
from typing import NamedTuple

from starlette.responses import Response

from entra_emulator.directory.credentials import TOKEN_EXCHANGE
from entra_emulator.errors import GraphFault
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.ask_graph import ask
from entra_emulator.portal.credential_tabs import render_credentials, render_removal
from entra_emulator.web.pages.fault import PortalFault
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

GITHUB = "https://token.actions.githubusercontent.com"

# What GitHub's tokens can be for, and how the subject says it ("Configure an app to trust an
# external identity provider").
ENTITIES = {
    "branch": "ref:refs/heads/{}",
    "tag": "ref:refs/tags/{}",
    "environment": "environment:{}",
    "pull_request": "pull_request",
}


class Scenario(NamedTuple):
    """What is asked for: the fields that must be filled in, besides name and audience."""

    fields: tuple[str, ...]
    optional: tuple[str, ...] = ()


SCENARIOS = {
    "github": Scenario(("organization", "repository", "entity"), ("entity_name",)),
    "kubernetes": Scenario(("issuer", "namespace", "account")),
    "other": Scenario(("issuer", "subject")),
}


def list_federated(visit: Visit) -> Response:
    """`GET …/credentials/federated`: the application's federated credentials."""
    app = find_registration(visit)
    rows = visit.directory.federated_credentials(app.app_id)
    return render_credentials(visit, app, "federated", rows=rows)


def ask_federated(visit: Visit) -> Response:
    """`GET …/credentials/federated/new`: which issuer's tokens, and for whom."""
    typed = {"audience": TOKEN_EXCHANGE, "entity": "branch"}
    return _show_form(visit, find_registration(visit), typed, {})


def add_federated(visit: Visit) -> Response:
    """`POST …/credentials/federated/new`: such tokens prove who the application is."""
    app, scenario = find_registration(visit), _find_scenario(visit)
    names = (*scenario.fields, *scenario.optional, "name", "description", "audience")
    typed = {name: visit.form.get(name) for name in names}
    errors = {
        name: visit.say("federated.missing")
        for name in (*scenario.fields, "name", "audience")
        if not typed[name]
    }
    if typed.get("entity", "pull_request") != "pull_request" and not typed["entity_name"]:
        errors["entity_name"] = visit.say("federated.missing")
    if errors:
        return _show_form(visit, app, typed, errors)
    issuer, subject = _name_subject(typed)
    body = {
        "name": typed["name"],
        "issuer": issuer,
        "subject": subject,
        "audiences": [typed["audience"]],
        "description": typed["description"] or None,
    }
    try:
        ask(visit, "POST", f"{app.path}/federatedIdentityCredentials", body)
    except GraphFault as fault:
        if fault.status == 403:
            raise
        return _show_form(visit, app, typed, {"name": fault.message})
    visit.notify("federated.added", name=typed["name"])
    return go_to(visit.at("applications", app.app_id, "credentials", "federated"))


def ask_removal(visit: Visit) -> Response:
    """`GET …/credentials/federated/{key}/delete`: whether it is really to go."""
    app = find_registration(visit)
    lead = visit.say("federated.delete_lead", name=_find_name(visit, app))
    return render_removal(visit, app, "federated", visit.say("federated.delete_title"), lead)


def remove_federated(visit: Visit) -> Response:
    """`POST …/credentials/federated/{key}/delete`: such tokens prove nothing any more."""
    app = find_registration(visit)
    name = _find_name(visit, app)
    ask(visit, "DELETE", f"{app.path}/federatedIdentityCredentials/{visit.key('key')}")
    visit.notify("federated.removed", name=name)
    return go_to(visit.at("applications", app.app_id, "credentials", "federated"))


def _find_name(visit: Visit, app: Registration) -> str:
    for one in visit.directory.federated_credentials(app.app_id):
        if one.id == visit.key("key"):
            return one.name
    raise PortalFault(404, "credential")


def _find_scenario(visit: Visit) -> Scenario:
    found = SCENARIOS.get(visit.query("scenario") or next(iter(SCENARIOS)))
    if found is None:
        raise PortalFault(404, "page")
    return found


def _name_subject(typed: Mapping[str, str]) -> tuple[str, str]:
    """The issuer, and the subject as its tokens have it."""
    if "repository" in typed:
        entity = ENTITIES.get(typed["entity"], "{}").format(typed["entity_name"])
        return GITHUB, f"repo:{typed['organization']}/{typed['repository']}:{entity}"
    if "namespace" in typed:
        account = f"{typed['namespace']}:{typed['account']}"
        return typed["issuer"], f"system:serviceaccount:{account}"
    return typed["issuer"], typed["subject"]


def _show_form(
    visit: Visit, app: Registration, typed: Mapping[str, str], errors: dict[str, str]
) -> Response:
    scenario = _find_scenario(visit)
    names = (*scenario.fields, *scenario.optional, "name", "description", "audience")
    return render(
        visit,
        "federated_new.html",
        status=400 if errors else 200,
        app=app,
        scenario=visit.query("scenario") or next(iter(SCENARIOS)),
        scenarios=SCENARIOS,
        entities=ENTITIES,
        typed={**dict.fromkeys(names, ""), **typed},
        errors=errors,
    )
