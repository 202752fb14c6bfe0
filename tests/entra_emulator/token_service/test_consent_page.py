from __future__ import annotations

from tests.support.emulator_probe import Probe
from tests.support.scripted_browser import Browser
from tests.support.user_flows import Client, holder, read, sign_in, web_client


def test_consent(probe: Probe, anna: str) -> None:
    """A user is asked once, and what they accept is written down for them alone."""
    client, browser = web_client(probe), Browser(probe)
    browser.open(client.link())
    assert sign_in(browser, anna) is None
    for text in ("View your basic profile", "User.Read", "Orders web", anna):
        assert text in browser.page.text
    assert "script" not in browser.page.elements

    first = browser.press("accept")
    second = browser.open(client.link())

    assert first is not None
    assert second is not None
    grants = [
        grant
        for grant in probe.emulator.directory.consents.list_grants(client.tenant)
        if grant["clientId"] == principal_id(client)
    ]
    assert [(g["consentType"], g["scope"]) for g in grants] == [
        ("Principal", "openid profile offline_access User.Read")
    ]
    assert (
        grants[0]["principalId"]
        == read(client.redeem(code=second.values["code"]).json()["id_token"])["oid"]
    )


def principal_id(client: Client) -> str:
    principal = client.probe.emulator.directory.service_principals.find(
        client.tenant, client.client_id
    )
    assert principal is not None
    return principal.id


def test_consent_for_everybody(probe: Probe, anna: str) -> None:
    """An administrator may consent for the organization; then nobody else is asked."""
    client, browser = web_client(probe), Browser(probe)
    browser.open(client.link(scope="Application.Read.All"))
    sign_in(browser, holder(probe.emulator, "Cloud Application Administrator"))
    assert "Consent on behalf of your organization" in browser.page.text
    assert browser.press("accept", everybody="yes") is not None

    other = Browser(probe)
    other.open(client.link(scope="Application.Read.All"))

    assert sign_in(other, anna) is not None


def test_restricted_scope(probe: Probe, anna: str) -> None:
    """A scope for administrators ends an ordinary user at the approval page, whatever they post."""
    client, browser = web_client(probe), Browser(probe)
    link = client.link(scope="Application.ReadWrite.All openid")
    browser.open(link)
    sign_in(browser, anna)
    assert browser.status == 403
    assert "Need admin approval" in browser.page.text
    assert "/v2.0/adminconsent?client_id=" in browser.page.text

    other_account = browser.page.links[0]
    path = f"/{client.tenant.id}/consent"
    forced = browser.post(path, {"next": link, "decision": "accept"})

    assert forced is not None
    assert (forced.code, forced.values["error"]) == (90094, "access_denied")
    browser.open(other_account)
    sign_in(browser, holder(probe.emulator, "Privileged Role Administrator"))
    accepted = browser.press("accept")
    assert accepted is not None
    assert "code" in accepted.values
