"""When applications and their credentials were last used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from entra_emulator.clock import Clock
from entra_emulator.directory.last_uses import LastUse
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import App, Probe, register
from tests.support.user_flows import ordinary, web_client

APPS = "/beta/reports/servicePrincipalSignInActivities"
KEYS = "/beta/reports/appCredentialSignInActivities"


@pytest.fixture
def own(launch: Callable[..., Probe]) -> Probe:
    """An emulator of the test's own, whose applications nobody else uses."""
    return launch(users=20, clock=Clock(at=1_800_000_000))


def find(app: App, target: str, condition: str) -> list[dict[str, Any]]:
    answer = app.get(f"{target}?$filter={quote(condition)}")
    assert answer.status == 200, answer.body
    return list(answer.json()["value"])


def test_an_application_that_got_a_token_has_signed_in(own: Probe) -> None:
    """As a client by itself, and Graph as the API; of a user it has no word."""
    app = register(own, "AuditLog.Read.All")
    asked = own.post(app.token_path, app.form())

    (entry,) = find(app, APPS, f"appId eq '{app.client_id}'")

    use = entry["applicationAuthenticationClientSignInActivity"]
    assert entry["appId"] == app.client_id
    assert use.keys() == {"lastSignInDateTime", "lastSignInRequestId"}
    assert use["lastSignInDateTime"][:4] == "2027"
    assert entry["lastSignInActivity"] == use
    assert entry["delegatedClientSignInActivity"] is None
    assert asked.status == 200
    (graph,) = find(app, APPS, f"appId eq '{GRAPH_APP_ID}'")
    assert graph["applicationAuthenticationResourceSignInActivity"] is not None
    shown = app.get(f"{APPS}/{entry['id']}").json()
    assert shown["appId"] == app.client_id
    assert app.get(f"{APPS}/nobody").code == "Request_ResourceNotFound"


def test_a_user_signs_in_to_an_application(own: Probe) -> None:
    app, client = register(own, "Directory.Read.All"), web_client(own)
    client.tokens(ordinary(own.emulator))

    (entry,) = find(app, APPS, f"appId eq '{client.client_id}'")

    assert entry["delegatedClientSignInActivity"] is not None
    assert entry["applicationAuthenticationClientSignInActivity"] is None


def test_a_secret_that_was_shown_was_used(own: Probe) -> None:
    """A wrong secret is no use, nor is an old one that was not shown."""
    app = register(own, "AuditLog.Read.All")
    credentials, tenant = own.emulator.directory.credentials, own.emulator.tenant
    other = credentials.add_password(tenant, app.client_id, "never shown")
    own.post(app.token_path, app.form(client_secret="wrong"))

    (entry,) = find(app, KEYS, f"appId eq '{app.client_id}'")

    assert entry["keyType"] == "clientSecret"
    assert entry["credentialOrigin"] == "application"
    assert entry["keyId"] != other.key_id
    assert entry["signInActivity"]["lastSignInDateTime"][:4] == "2027"
    assert find(app, KEYS, f"keyId eq '{other.key_id}'") == []
    assert app.get(f"{KEYS}/{quote(entry['id'])}").json()["keyId"] == entry["keyId"]


def test_what_was_used_before_is_told_until_it_is_used_again(own: Probe) -> None:
    app = register(own, "AuditLog.Read.All")
    directory, tenant = own.emulator.directory, own.emulator.tenant
    directory.last_uses.fill(tenant, [LastUse("application", app.client_id, 1_600_000_000)])

    (entry,) = find(app, APPS, f"appId eq '{app.client_id}'")
    assert entry["lastSignInActivity"]["lastSignInDateTime"][:4] == "2027"
    directory.last_uses.fill(tenant, [LastUse("delegated", "seeded", 1_600_000_000)])
    (seeded,) = find(app, APPS, "appId eq 'seeded'")
    assert seeded["lastSignInActivity"]["lastSignInDateTime"] == "2020-09-13T12:26:40Z"


def test_pages_hold_what_is_asked_for(own: Probe) -> None:
    app = register(own, "AuditLog.Read.All")
    whole = app.get(APPS).json()["value"]

    first = app.get(f"{APPS}?$top=3").json()
    rest = app.get(first["@odata.nextLink"]).json()["value"]
    assert [one["id"] for one in (*first["value"], *rest)][:6] == [one["id"] for one in whole][:6]


def test_only_beta_has_them_and_only_for_who_reads_reports(own: Probe) -> None:
    app, poor = register(own, "AuditLog.Read.All"), register(own, "User.Read.All")

    assert "Resource not found for the segment" in app.get(APPS.replace("beta", "v1.0")).message
    assert poor.get(APPS).status == poor.get(KEYS).status == 403


def test_a_tenant_needs_a_premium_licence(own: Probe) -> None:
    directory = own.emulator.directory
    tenant = directory.tenants.create("Free", ("free-of-use.onmicrosoft.com",))
    app = register(own, "AuditLog.Read.All", tenant=tenant)

    assert app.get(KEYS).code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
