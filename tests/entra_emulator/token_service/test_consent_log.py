"""Consent on a page, in the log of changes."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.support.audit_log_scene import LogScene
from tests.support.emulator_probe import Probe, register
from tests.support.scripted_browser import Browser
from tests.support.user_flows import holder, ordinary, sign_in, web_client

AUDITS = "/auditLogs/directoryAudits"


def list_consents(scene: LogScene) -> list[dict[str, Any]]:
    return scene.list(AUDITS, condition="activityDisplayName eq 'Consent to application'")


def properties(entry: dict[str, Any]) -> dict[str, str]:
    modified = entry["targetResources"][0]["modifiedProperties"]
    return {one["displayName"]: one["newValue"] for one in modified}


def test_a_user_consents_once_for_themselves(launch: Callable[..., Probe]) -> None:
    scene = LogScene(launch)
    client, somebody = web_client(scene.probe), ordinary(scene.probe.emulator)
    client.tokens(somebody)
    client.tokens(somebody)

    (entry,) = list_consents(scene)
    assert entry["category"] == "ApplicationManagement"
    assert entry["initiatedBy"]["user"]["userPrincipalName"] == somebody
    assert entry["targetResources"][0]["displayName"] == "Orders web"
    written = properties(entry)
    assert written["ConsentContext.IsAdminConsent"] == '"False"'
    assert "User.Read" in written["ConsentAction.Permissions"]


def test_an_administrator_consents_for_everybody(launch: Callable[..., Probe]) -> None:
    scene = LogScene(launch)
    back = "https://daemon.example/back"
    app = register(scene.probe, name="Daemon", redirects=(back,))
    administrator = holder(scene.probe.emulator, "Global Administrator")
    browser = Browser(scene.probe)
    query = urlencode({"client_id": app.client_id, "redirect_uri": back})
    browser.open(f"/{app.tenant.id}/adminconsent?{query}")
    sign_in(browser, administrator)
    browser.press("accept")

    (entry,) = list_consents(scene)
    assert entry["initiatedBy"]["user"]["userPrincipalName"] == administrator
    assert entry["targetResources"][0]["displayName"] == "Daemon"
    assert properties(entry)["ConsentContext.OnBehalfOfAll"] == '"True"'
