from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Answer, Probe
from tests.support.form_tokens import show_form
from tests.support.scripted_browser import Browser
from tests.support.user_flows import (
    AZURE_CLI,
    Client,
    holder,
    msal_client,
    native_client,
    ordinary,
    read,
    sign_in,
    web_client,
)

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "User.Read openid profile offline_access"


class Device:
    """A device that shows a code, and polls."""

    def __init__(self, client: Client, scope: str = SCOPE) -> None:
        self.client = client
        answer = client.probe.post(
            f"{client.path}/devicecode", {"client_id": client.client_id, "scope": scope}
        )
        assert answer.status == 200, answer.body
        self.shown: dict[str, Any] = answer.json()

    def poll(self, **changes: str | None) -> Answer:
        values: dict[str, str | None] = {
            "grant_type": GRANT,
            "client_id": self.client.client_id,
            "device_code": self.shown["device_code"],
            "client_info": "1",
        }
        form = {k: v for k, v in (values | changes).items() if v is not None}
        return self.client.probe.post(f"{self.client.path}/token", form)

    def code_of(self, **changes: str | None) -> tuple[str, int]:
        content = self.poll(**changes).json()
        return content["error"], content["error_codes"][0]

    def open(self, user: str) -> Browser:
        """Type the code, as this user."""
        browser = Browser(self.client.probe)
        browser.open(urlsplit(self.shown["verification_uri"]).path)
        (form,) = browser.page.forms
        browser.submit(form, user_code=self.shown["user_code"].lower())
        if "Pick somebody" in browser.page.text:
            sign_in(browser, user)
        return browser


@pytest.fixture
def timed(launch: Callable[..., Probe]) -> tuple[Client, Clock]:
    clock = Clock(at=1_800_000_000)
    return native_client(launch(users=40, clock=clock)), clock


def test_msal_device_flow(launch: Callable[..., Probe]) -> None:
    """Unmodified MSAL polls until the user has approved."""
    probe = launch(users=40, device_interval=1)
    client, user = native_client(probe), ordinary(probe.emulator)

    with msal_client(client) as app:
        flow = app.initiate_device_flow(["User.Read"])
        rounds: list[int] = []

        def approve(_: Any) -> bool:
            if not rounds:
                page = Browser(probe)
                page.open(f"/devicelogin?user_code={flow['user_code']}")
                sign_in(page, user)
                page.press("accept")
            rounds.append(1)
            return False

        result = app.acquire_token_by_device_flow(flow, exit_condition=approve)

    assert "access_token" in result, result
    assert result["id_token_claims"]["preferred_username"] == user
    assert rounds == [1]


def test_start(probe: Probe) -> None:
    """The answer has the recorded keys; the code has nine letters that nobody mistakes."""
    shown = Device(native_client(probe)).shown

    assert (
        list(shown)
        == ("user_code device_code verification_uri expires_in interval message").split()
    )
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{9}", shown["user_code"])
    assert (shown["expires_in"], shown["interval"]) == (900, 5)
    assert shown["verification_uri"] == f"{probe.emulator.url}/devicelogin"
    assert shown["message"] == (
        f"To sign in, use a web browser to open the page {probe.emulator.url}/devicelogin and "
        f"enter the code {shown['user_code']} to authenticate."
    )


@pytest.mark.parametrize("grant", [GRANT, "device_code"])
@pytest.mark.parametrize("field", ["device_code", "code"])
def test_approve(probe: Probe, grant: str, field: str) -> None:
    """Once the user approved, the device gets its tokens, once."""
    user, device = ordinary(probe.emulator), Device(native_client(probe))
    assert device.code_of() == ("authorization_pending", 70016)

    browser = device.open(user)
    assert "Orders desk" in browser.page.text
    browser.press("accept")
    assert "You may now close this window" in browser.page.text

    changes = {"grant_type": grant, "device_code": None, field: device.shown["device_code"]}
    content = device.poll(**changes).json()
    assert (content["scope"], content["token_type"]) == ("openid profile User.Read", "Bearer")
    assert read(content["access_token"])["appidacr"] == "0"
    assert {"refresh_token", "id_token", "client_info"} <= set(content)
    assert device.code_of() == ("bad_verification_code", 70018)


def test_azure_cli_at_organizations(probe: Probe) -> None:
    """As `az login --use-device-code` without a tenant does it: the user's tenant counts."""
    client = Client(probe, probe.emulator.tenant, AZURE_CLI, "", segment="organizations")
    device = Device(client, "https://graph.microsoft.com/.default offline_access openid profile")

    device.open(holder(probe.emulator, "Global Administrator")).press("accept")
    content = device.poll().json()

    assert content["foci"] == "1"
    assert read(content["access_token"])["tid"] == probe.emulator.tenant.id


def test_decline(probe: Probe) -> None:
    """Who cancels tells the device so."""
    device = Device(native_client(probe))

    browser = device.open(ordinary(probe.emulator))
    browser.press("cancel")

    assert "The device was refused" in browser.page.text
    assert device.code_of() == ("authorization_declined", 700171)


def test_restricted_scope(probe: Probe) -> None:
    """What only an administrator may grant ends at the approval page, and the device waits on."""
    device = Device(native_client(probe), "Application.ReadWrite.All openid")

    browser = device.open(ordinary(probe.emulator))
    assert (browser.status, "Need admin approval" in browser.page.text) == (403, True)
    (link,) = browser.page.links
    browser.post("/devicelogin", {"user_code": device.shown["user_code"], "decision": "accept"})
    assert "AADSTS90094" in browser.page.text
    assert device.code_of() == ("authorization_pending", 70016)
    browser.open(link)
    sign_in(browser, holder(probe.emulator, "Application Administrator"))
    browser.press("accept")

    assert device.poll().status == 200


def test_slow_down(timed: tuple[Client, Clock]) -> None:
    """Who polls too fast is told to slow down, by five seconds more each time."""
    client, clock = timed
    device = Device(client)
    pending, slow = ("authorization_pending", 70016), ("slow_down", 70016)

    found = []
    for pause in (0, 1, 5, 10, 10, 15):
        clock.move(pause)
        found.append(device.code_of())

    # Five seconds at first; ten after the second poll, fifteen after the third.
    assert found == [pending, slow, slow, slow, slow, slow]


def test_patience(timed: tuple[Client, Clock]) -> None:
    """Who waits five seconds between polls is only told to go on."""
    client, clock = timed
    device = Device(client)

    found = set()
    for _ in range(4):
        clock.move(5)
        found.add(device.code_of())

    assert found == {("authorization_pending", 70016)}


def test_expiry(timed: tuple[Client, Clock]) -> None:
    """After a quarter of an hour neither device nor user get anywhere."""
    client, clock = timed
    device = Device(client)
    clock.move(900)

    assert device.code_of() == ("expired_token", 70020)
    browser = device.open("nobody")
    assert "AADSTS70020" in browser.page.text


def test_restart(launch: Callable[..., Probe], tmp_path: Any) -> None:
    """A device's code outlives the emulator's process."""
    first = launch(users=40, data=tmp_path / "kept")
    device = Device(native_client(first))
    tenant = first.emulator.tenant
    first.close()
    first.emulator.stop()

    second = launch(users=40, data=tmp_path / "kept")
    client = Client(second, tenant, device.client.client_id, "")
    device.client = client
    device.shown["verification_uri"] = f"{second.emulator.url}/devicelogin"
    device.open(ordinary(second.emulator)).press("accept")

    assert device.poll().status == 200


POLLS: dict[str, tuple[dict[str, str | None], int, str, int]] = {
    "no code": ({"device_code": None}, 400, "invalid_request", 900144),
    "garbage": ({"device_code": "x"}, 400, "bad_verification_code", 70018),
    "no client": ({"client_id": None}, 400, "invalid_request", 900144),
    "another client": ({"client_id": AZURE_CLI}, 400, "bad_verification_code", 70018),
    "a secret": ({"client_secret": "x"}, 401, "invalid_client", 700025),
}


@pytest.mark.parametrize("case", POLLS.values(), ids=POLLS)
def test_refused_poll(probe: Probe, case: tuple[dict[str, str | None], int, str, int]) -> None:
    """A poll must name its client and its code."""
    changes, status, error, code = case

    answer = Device(native_client(probe)).poll(**changes)

    content = answer.json()
    assert (answer.status, content["error"], content["error_codes"]) == (status, error, [code])


def test_other_tenant(probe: Probe) -> None:
    """A device polls where it started."""
    client = native_client(probe, sign_in_audience="AzureADMultipleOrgs")
    device = Device(client)
    device.client = Client(probe, client.tenant, client.client_id, "", segment="organizations")

    assert device.code_of() == ("invalid_grant", 700005)


def test_confidential_client(probe: Probe) -> None:
    """An application that is not for public flows must prove itself."""
    client = web_client(probe)
    device = Device(client)

    assert device.code_of() == ("invalid_client", 7000218)
    assert device.code_of(client_secret=client.secret) == ("authorization_pending", 70016)


STARTS: dict[str, tuple[dict[str, str], int]] = {
    "no client": ({"scope": "openid"}, 900144),
    "unknown client": (
        {"client_id": "11111111-1111-4111-8111-111111111111", "scope": "openid"},
        700016,
    ),
    "no scope": ({"client_id": AZURE_CLI}, 900144),
    "unknown resource": ({"client_id": AZURE_CLI, "scope": "api://nobody/.default"}, 500011),
    "unknown scope": ({"client_id": AZURE_CLI, "scope": "User.Dance"}, 650053),
}


@pytest.mark.parametrize("case", STARTS.values(), ids=STARTS)
def test_refused_start(probe: Probe, case: tuple[dict[str, str], int]) -> None:
    """No code for what cannot come to anything."""
    form, code = case
    answer = probe.post(f"/{probe.emulator.tenant.id}/oauth2/v2.0/devicecode", form)

    assert (answer.status, answer.json()["error_codes"]) == (400, [code])


def test_page_refusals(probe: Probe) -> None:
    """An empty, an unknown and a used code are told apart; other sites' forms are refused."""
    user, device = ordinary(probe.emulator), Device(native_client(probe))
    used = device.open(user)
    used.press("accept")

    used.post("/devicelogin", {"user_code": device.shown["user_code"], "decision": "accept"})
    assert "AADSTS90120" in used.page.text
    used.open("/devicelogin?user_code=BBBBBBBBB")
    assert "AADSTS70018" in used.page.text
    used.post("/devicelogin", {"decision": "accept"})
    assert "AADSTS90119" in used.page.text
    waiting = Device(native_client(probe)).shown["user_code"]
    form = {"user_code": waiting, "decision": "accept"}
    cookies, hidden = show_form(probe)
    assert probe.post("/devicelogin", form | hidden, **cookies).json()["error_codes"] == [50058]
    foreign = probe.post("/devicelogin", form | hidden, Origin="https://evil.example", **cookies)
    assert foreign.json()["error_codes"] == [165000]
