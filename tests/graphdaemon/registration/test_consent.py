"""The address of the consent page, and waiting until new tokens show the consent."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import Error, IdentityError, SettingsError
from graphdaemon.registration.consent import build_consent_url, read_awaited_roles, wait_for_consent
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.unsigned_tokens import make_token

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "22222222-2222-4333-8444-555555555555"


def settings_of(**values: Any) -> Settings:
    defaults = {"authority": f"https://login.microsoftonline.com/{TENANT}", "client_id": CLIENT}
    return read_settings(None, {}, defaults | {"secret": "s"} | values)


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


def wait(answers: Sequence[str | Error], seconds: float = 60, **names: Any) -> tuple[Any, Clock]:
    settings, clock = settings_of(), Clock()
    awaited = read_awaited_roles(settings, names.get("roles", ()), names.get("calls", ()))
    demands: list[Demand] = []

    def fetch(_: Settings, demand: Demand) -> Token:
        demands.append(demand)
        answer = answers[min(len(demands), len(answers)) - 1]
        if isinstance(answer, Error):
            raise answer
        return Token(answer, 0)

    roles = wait_for_consent(settings, awaited, seconds, fetch=fetch, sleep=clock.sleep, now=clock)
    assert all(demand.instead_of is not None for demand in demands)
    return roles, clock


def test_every_probe_wants_a_new_token() -> None:
    """A kept one would never show the consent; pauses grow to ten seconds."""
    answers = [make_token()] * 6 + [make_token(roles=["User.ReadBasic.All"])]

    roles, clock = wait(answers)

    assert roles == ("User.ReadBasic.All",)
    assert clock.pauses == [2.0, 3.0, 4.5, 6.75, 10.0, 10.0]


def test_a_tenant_that_does_not_know_the_app_yet_is_waited_for() -> None:
    """Consent is what brings the app into the tenant."""
    unknown = IdentityError("AADSTS700016", code="client_unknown")

    roles, _ = wait([unknown, unknown, make_token(roles=["User.Read.All"])])

    assert roles == ("User.Read.All",)


def test_what_no_waiting_heals_ends_it_at_once() -> None:
    """A wrong secret is wrong after five minutes too."""
    with pytest.raises(IdentityError) as caught:
        wait([IdentityError("AADSTS7000215", code="secret_wrong")])

    assert caught.value.code == "secret_wrong"


def test_named_roles_and_calls_are_waited_for() -> None:
    """All roles named; for each call, any role that opens it."""
    both = make_token(roles=["Mail.Read", "Group.Read.All"])

    roles, clock = wait(
        [make_token(roles=["Mail.Read"]), both], roles=["Mail.Read"], calls=["GET /groups"]
    )

    assert (roles, len(clock.pauses)) == (("Mail.Read", "Group.Read.All"), 1)


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
