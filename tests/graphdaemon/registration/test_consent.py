"""`graphdaemon consent`: the right page, opened on request, waited for with a limit."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import Error, IdentityError, SettingsError
from graphdaemon.registration.consent import build_consent_url, read_awaited_roles, wait_for_consent
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App, register
from tests.support.emulator_probe import Probe
from tests.support.run_command import Command, Run, WriteParameters
from tests.support.scripted_browser import Browser
from tests.support.unsigned_tokens import make_token
from tests.support.user_flows import holder, sign_in

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "22222222-2222-4333-8444-555555555555"


def settings_of(**values: Any) -> Settings:
    given = {"authority": f"https://login.microsoftonline.com/{TENANT}", "client_id": CLIENT}
    return read_settings(None, {}, given | {"secret": "s"} | values)


@pytest.fixture
def waiting(emulator: Emulator, key_pair: tuple[str, bytes]) -> App:
    """An app that asks for User.Read.All, and has no consent."""
    return register(emulator, key_pair, consent=False)


def agree(emulator: Emulator, url: str) -> None:
    """What an administrator does in a browser."""
    probe = Probe(emulator)
    browser = Browser(probe)
    browser.open(url)
    sign_in(browser, holder(emulator, "Global Administrator"))
    browser.press("accept")
    probe.close()


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("public", "login.microsoftonline.com"),
        ("usgov", "login.microsoftonline.us"),
        ("usgovdod", "login.microsoftonline.us"),
        ("china", "login.partner.microsoftonline.cn"),
    ],
)
def test_each_cloud_has_its_own_page(cloud: str, host: str) -> None:
    """The tenant's authority with adminconsent behind it."""
    settings = settings_of(authority=None, tenant=TENANT, cloud=cloud)

    url = build_consent_url(settings)

    assert url == f"https://{host}/{TENANT}/adminconsent?client_id={CLIENT}"


def test_a_redirect_uri_means_version_2_with_scope_and_state() -> None:
    """It is asked for the API in scope alone; the state is new each time."""
    settings = settings_of(scope=["api://ledger/.default"])

    urls = [build_consent_url(settings, redirect_uri="https://app.example/back") for _ in "12"]

    parts = [urlsplit(url) for url in urls]
    values = [parse_qs(part.query) for part in parts]
    assert parts[0].path == f"/{TENANT}/v2.0/adminconsent"
    assert values[0]["scope"] == ["api://ledger/.default"]
    assert values[0]["redirect_uri"] == ["https://app.example/back"]
    assert values[0]["state"] != values[1]["state"]


@pytest.mark.parametrize(
    "values",
    [
        {"authority": None, "oidc_authority": "https://login.contoso.com/x/v2.0"},
        {"authority": None, "client_id": None, "secret": None, "managed_identity": "system"},
    ],
    ids=["custom issuer", "managed identity"],
)
def test_where_there_is_no_page_that_is_said(values: dict[str, Any]) -> None:
    """With what to do instead."""
    with pytest.raises(SettingsError) as caught:
        build_consent_url(settings_of(**values))

    assert caught.value.hint


def test_the_page_grants_what_the_app_asks_for(
    command: Command, parameters: WriteParameters, emulator: Emulator, waiting: App
) -> None:
    """An administrator who opens what is printed, and accepts, has consented."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)
    outcome = command("consent", path)

    agree(emulator, outcome.out.decode().strip())

    assert outcome.code == 0
    assert "AADSTS500113" in outcome.err
    assert command("users", path).code == 0


def test_waiting_ends_when_consent_is_visible(
    run: Run, parameters: WriteParameters, emulator: Emulator, waiting: App
) -> None:
    """The real command waits while an administrator consents in a browser."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)
    url = f"{emulator.url}/{emulator.tenant.id}/adminconsent?client_id={waiting.client_id}"
    administrator = threading.Thread(target=agree, args=(emulator, url))
    administrator.start()

    done = run("consent", path, "--wait", "30")
    administrator.join()

    assert (done.returncode, done.stdout.strip()) == (0, url)
    assert "Waiting up to 30 s for User.Read.All" in done.stderr
    assert done.stderr.splitlines()[-1] == "Granted: User.Read.All"


def test_waiting_has_a_limit_and_an_exit_code(
    command: Command, parameters: WriteParameters, waiting: App
) -> None:
    """What the newest token has is said, and where to consent."""
    path = parameters(client_id=waiting.client_id, secret=waiting.secret)

    outcome = command("consent", path, "--wait", "0.05")

    assert outcome.code == 4
    assert "the newest token has: no role" in outcome.err
    assert "adminconsent?client_id=" in outcome.err.splitlines()[-1]


def test_the_file_may_stand_behind_a_bare_wait(
    command: Command, parameters: WriteParameters
) -> None:
    """`--wait parameters.json` is what people write."""
    outcome = command("consent", "--wait", parameters())

    assert outcome.code == 0
    assert outcome.err.splitlines()[-1] == "Granted: User.Read.All"


@pytest.mark.parametrize("wait", ["soon", "0", "-1", "1e9", "nan"])
def test_a_wait_that_is_none_is_a_usage_error(
    command: Command, parameters: WriteParameters, wait: str
) -> None:
    """Seconds, and not too many."""
    assert command("consent", parameters(), "--wait", wait).code == 2


def test_the_page_is_opened_on_request(
    run: Run, parameters: WriteParameters, tmp_path: Path
) -> None:
    """In the browser that $BROWSER names."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n"
    )
    browser.chmod(0o755)

    done = run("consent", parameters(), "--open", env={"BROWSER": f"{browser} %s"})

    assert done.returncode == 0
    assert opened.read_text() == done.stdout.strip()


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


def wait(answers: Sequence[str | Error], seconds: float = 60, **wished: Any) -> tuple[Any, Clock]:
    settings, clock = settings_of(), Clock()
    awaited = read_awaited_roles(settings, wished.get("roles", ()), wished.get("calls", ()))
    demands: list[Demand] = []

    def fetch(_: Settings, demand: Demand) -> Token:
        demands.append(demand)
        answer = answers[min(len(demands), len(answers)) - 1]
        if isinstance(answer, Error):
            raise answer
        return Token(answer, 0)

    found = wait_for_consent(settings, awaited, seconds, fetch=fetch, sleep=clock.sleep, now=clock)
    assert all(demand.instead_of is not None for demand in demands)
    return found, clock


def test_every_probe_wants_a_new_token() -> None:
    """A kept one would never show the consent; pauses grow to ten seconds."""
    answers = [make_token()] * 6 + [make_token(roles=["User.ReadBasic.All"])]

    found, clock = wait(answers)

    assert found == ("User.ReadBasic.All",)
    assert clock.pauses == [2.0, 3.0, 4.5, 6.75, 10.0, 10.0]


def test_a_tenant_that_does_not_know_the_app_yet_is_waited_for() -> None:
    """Consent is what brings the app into the tenant."""
    unknown = IdentityError("AADSTS700016", code="client_unknown")

    found, _ = wait([unknown, unknown, make_token(roles=["User.Read.All"])])

    assert found == ("User.Read.All",)


def test_what_no_waiting_heals_ends_it_at_once() -> None:
    """A wrong secret is wrong after five minutes too."""
    with pytest.raises(IdentityError) as caught:
        wait([IdentityError("AADSTS7000215", code="secret_wrong")])

    assert caught.value.code == "secret_wrong"


def test_named_roles_and_calls_are_waited_for() -> None:
    """All roles named; for each call, any role that opens it."""
    both = make_token(roles=["Mail.Read", "Group.Read.All"])

    found, clock = wait(
        [make_token(roles=["Mail.Read"]), both], roles=["Mail.Read"], calls=["GET /groups"]
    )

    assert (found, len(clock.pauses)) == (("Mail.Read", "Group.Read.All"), 1)


def test_the_time_is_kept_to_the_second() -> None:
    """The last pause is what is left of it."""
    with pytest.raises(IdentityError) as caught:
        wait([make_token()], seconds=6)

    assert (caught.value.code, caught.value.case) == ("consent_pending", "consent_missing")


def test_a_call_that_the_table_does_not_know_cannot_be_waited_for() -> None:
    """Naming the role helps."""
    with pytest.raises(SettingsError) as caught:
        read_awaited_roles(settings_of(), (), ("GET /nobody/knows",))

    assert "--role" in (caught.value.hint or "")
