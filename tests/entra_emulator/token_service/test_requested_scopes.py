from __future__ import annotations

from typing import Any

import pytest

from tests.support.emulator_probe import Probe
from tests.support.scripted_browser import Arrival, Browser
from tests.support.user_flows import (
    AZURE_CLI,
    CLI_TOOLS,
    NATIVE,
    Client,
    native_client,
    read,
    sign_in,
    web_client,
)

GRAPH = "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("scope", "expected", "audience"),
    [
        ("User.Read", "User.Read", "00000003-0000-0000-c000-000000000000"),
        ("user.read openid", "openid user.read", "00000003-0000-0000-c000-000000000000"),
        (f"{GRAPH}/User.Read", f"{GRAPH}/User.Read", GRAPH),
        (f"{GRAPH}//.default openid", f"openid {GRAPH}/User.Read {GRAPH}//.default", f"{GRAPH}/"),
        ("openid profile", "openid profile User.Read", "00000003-0000-0000-c000-000000000000"),
    ],
)
def test_scope_echo(probe: Probe, anna: str, scope: str, expected: str, audience: str) -> None:
    """The answer names each scope as it was asked for, and what else is granted."""
    client = web_client(probe)
    directory = probe.emulator.directory
    directory.applications.add_delegated_permission(client.tenant, client.client_id, "User.Read")
    if scope == "openid profile":
        directory.consents.grant_scopes(client.tenant, client.client_id, ["User.Read"])

    content = client.tokens(anna, scope)

    assert content["scope"] == expected
    assert read(content["access_token"])["aud"] == audience
    assert ("id_token" in content, "refresh_token" in content) == ("openid" in scope, False)


def test_own_api(probe: Probe, anna: str) -> None:
    """An API of one's own has scopes, and tokens in its own version."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    api = directory.applications.register(tenant, "Ledger API")
    uri = f"api://{api.app_id}"
    directory.applications.expose_api(
        tenant, api.app_id, token_version=2, optional_claims=["idtyp"]
    )
    directory.applications.add_api_scope(tenant, api.app_id, "Entries.Read", "Read entries")
    client = native_client(probe)

    content = client.tokens(anna, f"{uri}/Entries.Read openid offline_access")

    claims = read(content["access_token"])
    assert content["scope"] == f"{uri}/Entries.Read"
    expected = {
        "aud": api.app_id,
        "azp": client.client_id,
        "azpacr": "0",
        "idtyp": "user",
        "iss": f"{probe.emulator.url}/{tenant.id}/v2.0",
        "preferred_username": anna,
        "scp": "Entries.Read",
        "ver": "2.0",
    }
    assert claims | expected == claims
    assert "wids" not in claims


def test_several_resources(probe: Probe, anna: str) -> None:
    """One consent may cover several resources; a token is for one of them."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    api = directory.applications.register(tenant, "Stock API")
    directory.applications.expose_api(tenant, api.app_id)
    directory.applications.add_api_scope(tenant, api.app_id, "Read")
    client = web_client(probe)
    both = f"{GRAPH}/User.Read api://{api.app_id}/Read offline_access"

    code = client.visit(anna, scope=both).values["code"]
    first = client.redeem(code=code).json()
    second = client.refresh(first["refresh_token"], scope=f"api://{api.app_id}/Read").json()
    too_much = client.refresh(first["refresh_token"], scope=both)

    assert read(first["access_token"])["aud"] == GRAPH
    assert read(second["access_token"])["aud"] == f"api://{api.app_id}"
    assert too_much.json()["error_codes"] == [28000]


def test_azure_cli(probe: Probe, anna: str) -> None:
    """Azure CLI is known without a registration, asks for no consent, and is of the family."""
    client = Client(probe, probe.emulator.tenant, AZURE_CLI, NATIVE, segment="organizations")
    browser = Browser(probe)
    browser.open(client.link(scope=f"{GRAPH}/.default openid offline_access"))
    arrival = sign_in(browser, anna)
    assert arrival is not None

    content = client.redeem(code=arrival.values["code"]).json()

    assert content["foci"] == "1"
    assert content["scope"].startswith(f"email openid profile {GRAPH}/Application.ReadWrite.All ")
    assert content["scope"].endswith(f" {GRAPH}/.default")
    assert "Directory.AccessAsUser.All" in read(content["access_token"])["scp"]
    fixed = browser.open(client.link(scope="Mail.Send"))
    assert fixed is not None
    assert fixed.code == 65002


def test_graph_command_line_tools(probe: Probe, anna: str) -> None:
    """Microsoft Graph's own tools are known, and ask for consent like anybody's."""
    client = Client(probe, probe.emulator.tenant, CLI_TOOLS, "http://localhost:40123")

    arrival: Arrival = client.visit(anna, scope="User.ReadBasic.All")
    content: Any = client.redeem(code=arrival.values["code"]).json()

    # An administrator of another test may have consented to more.
    assert "User.ReadBasic.All" in content["scope"].split()
    assert "foci" not in content
