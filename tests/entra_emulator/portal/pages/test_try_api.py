"""Try it: what the page shows is what a client has to send, and what its token says."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from tests.support.emulator_probe import App, register
from tests.support.portal_exposure import Exposure
from tests.support.portal_visitor import Visitor
from tests.support.user_flows import read

ROLE = "Orders.Read.All"


def offer(api: Exposure, version: int = 2) -> None:
    api.app.probe.emulator.directory.applications.expose_api(
        api.app.tenant, api.app.client_id, app_roles=[(ROLE, "Read orders")], token_version=version
    )


def grant(api: Exposure, name: str) -> App:
    """A client that holds the role."""
    directory, caller = api.app.probe.emulator.directory, register(api.app.probe, name=name)
    directory.applications.add_application_permission(
        api.app.tenant, caller.client_id, ROLE, resource_app_id=api.app.client_id
    )
    directory.consents.grant_admin_consent(api.app.tenant, caller.client_id)
    return caller


@pytest.mark.parametrize("version", [1, 2])
def test_the_request_that_is_shown_gets_the_token_that_is_described(
    expose: Callable[..., Exposure], version: int
) -> None:
    """Sent as it stands, with the secret put in; the claims are those of the token."""
    api = expose()
    offer(api, version)
    caller = grant(api, "Orders caller")

    page = api.visitor.open(f"{api.url}/try")

    words = page.ids["token-request"].split()
    method, target, protocol, _, host, *kind = words[:-1]
    assert (method, protocol) == ("POST", "HTTP/1.1")
    assert host == api.app.probe.emulator.url.removeprefix("https://")
    assert page.ids["token-url"] == f"{api.app.probe.emulator.url}{target}"
    form = {name: values[0] for name, values in parse_qs(words[-1]).items()}
    assert form["client_secret"] == "{secret}"
    assert kind == ["Content-Type:", "application/x-www-form-urlencoded"]
    answer = api.app.probe.post(target, form | {"client_secret": caller.secret})
    claims = read(answer.json()["access_token"])
    shown = {name: page.ids[f"claim-{name}"] for name in ("aud", "iss", "tid", "ver", "roles")}
    assert shown == {
        name: claims[name] if name != "roles" else ", ".join(claims[name]) for name in shown
    }
    assert "Authorization: Bearer {access_token}" in page.ids["call"]
    settings = json.loads(page.ids["parameters"])
    assert settings["client_id"] == caller.client_id
    assert settings["scope"] == [f"api://{api.app.client_id}/.default"]


def test_what_is_missing_is_said_first(expose: Callable[..., Exposure]) -> None:
    """No URI, no role, no client: each with the place where it is made."""
    api = expose()

    page = api.visitor.open(f"{api.url}/try")

    assert "AADSTS500011" in page.text
    assert "every app of the tenant gets a token" in page.text
    assert "No app holds a role of this API yet" in page.text
    assert f"{api.url}/uri" in page.links.values()
    assert "{client_id}" in page.ids["token-request"]
    assert "absent: no role was given" in page.ids["claim-roles"]
    # The client ID names an API without a URI.
    assert f"{api.app.client_id}%2F.default" in page.ids["token-request"]


def test_the_client_is_chosen(expose: Callable[..., Exposure]) -> None:
    """Of several, the first by its name, or the one that is followed; an unknown one is none."""
    api = expose()
    offer(api)
    second, first = grant(api, "Zoe's job"), grant(api, "Anna's job")

    page = api.visitor.open(f"{api.url}/try")
    assert first.client_id in page.ids["token-request"]
    page = api.visitor.open(page.links["Zoe's job"])
    assert second.client_id in page.ids["token-request"]
    page = api.visitor.open(f"{api.url}/try?client=<b>nobody</b>")
    assert first.client_id in page.ids["token-request"]


def test_the_page_in_portuguese(expose: Callable[..., Exposure]) -> None:
    """As all pages of the portal; what is sent is the same."""
    api = expose()
    visitor = Visitor(api.app.probe, language="pt-BR")
    visitor.sign_in("Global Administrator")

    page = visitor.open(f"{api.url}/try")

    assert "Solicitar um token" in page.text
    assert page.ids["token-request"] == api.visitor.open(f"{api.url}/try").ids["token-request"]
