from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Answer, Probe
from tests.support.scripted_browser import Browser
from tests.support.user_flows import (
    AZURE_CLI,
    NATIVE,
    Client,
    msal_client,
    native_client,
    ordinary,
    read,
    sign_in,
    web_client,
)

DAY = 86_400
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"


class Scene:
    """A signed-in user's client on a clock that the test may move."""

    def __init__(self, probe: Probe, clock: Clock) -> None:
        self.probe, self.clock = probe, clock
        self.client = native_client(probe, sign_in_audience="AzureADMultipleOrgs")
        self.user = ordinary(probe.emulator)
        self.token = self.client.tokens(self.user)["refresh_token"]

    def refresh(self, **changes: str | None) -> Answer:
        return self.client.refresh(changes.pop("token", None) or self.token, **changes)


@pytest.fixture
def scene(launch: Callable[..., Probe]) -> Scene:
    clock = Clock(at=1_800_000_000)
    return Scene(launch(users=40, clock=clock), clock)


def test_msal_silent(launch: Callable[..., Probe]) -> None:
    """Unmodified MSAL refreshes by itself when its access token is about to expire."""
    probe = launch(users=40, token_lifetime=200)  # under MSAL's five minutes of margin
    client, user = native_client(probe), ordinary(probe.emulator)

    with msal_client(client) as app:
        flow = app.initiate_auth_code_flow(
            ["User.Read"], redirect_uri=NATIVE, response_mode="form_post"
        )
        browser = Browser(probe)
        arrival = (
            browser.open(flow["auth_uri"]) or sign_in(browser, user) or browser.press("accept")
        )
        assert arrival is not None
        first = app.acquire_token_by_auth_code_flow(flow, arrival.values)
        second = app.acquire_token_silent(["User.Read"], app.get_accounts()[0])

    assert "access_token" in second, second
    assert second["token_source"] == "identity_provider"
    assert second["access_token"] != first["access_token"]


def test_refresh(scene: Scene) -> None:
    """A refresh token stays good, and a new one comes each time."""
    first = scene.refresh(scope="User.Read offline_access").json()
    scene.clock.move(89 * DAY)
    second = scene.refresh(scope="openid profile User.Read").json()

    assert (
        list(first)
        == (
            "token_type scope expires_in ext_expires_in access_token refresh_token client_info"
        ).split()
    )
    assert "id_token" in second
    assert len({scene.token, first["refresh_token"], second["refresh_token"]}) == 3
    scene.clock.move(30 * DAY)
    assert scene.refresh(token=second["refresh_token"]).status == 200


def test_without_scope(scene: Scene) -> None:
    """Without a scope the token is for what was asked for at first."""
    content = scene.refresh().json()

    assert content["scope"] == "openid profile User.Read"
    assert "id_token" in content


def test_only_with_offline_access(probe: Probe) -> None:
    """Who does not ask for offline_access gets no refresh token."""
    tokens = native_client(probe).tokens(ordinary(probe.emulator), "User.Read openid")

    assert "refresh_token" not in tokens


def test_family(probe: Probe) -> None:
    """Clients of Microsoft's family share refresh tokens, and nobody else's are good for them."""
    user, tenant = ordinary(probe.emulator), probe.emulator.tenant
    cli = Client(probe, tenant, AZURE_CLI, NATIVE)
    token = cli.tokens(user, "https://graph.microsoft.com/.default offline_access")["refresh_token"]
    scope = "https://graph.microsoft.com/.default"
    sister = Client(probe, tenant, AZURE_POWERSHELL, NATIVE)

    content = sister.refresh(token, scope=scope).json()
    stranger = native_client(probe).refresh(token, scope=scope).json()

    assert read(content["access_token"])["appid"] == AZURE_POWERSHELL
    assert (stranger["error_codes"], stranger["suberror"]) == ([700007], "client_mismatch")


def test_roles_are_fresh(scene: Scene) -> None:
    """A role assigned since then is in the next token."""
    directory, tenant = scene.probe.emulator.directory, scene.client.tenant
    directory.role_members.assign(tenant, scene.user, "Global Reader")

    token = scene.refresh().json()["access_token"]

    assert "f2ef992c-3afb-46b9-b7cf-a126ee74c451" in read(token)["wids"]


def test_challenges(scene: Scene) -> None:
    """A client that handles challenges gets a long token, which revocation ends at once."""
    claims = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
    content = scene.refresh(claims=claims).json()
    token, directory = content["access_token"], scene.probe.emulator.directory
    before = scene.probe.get("/v1.0/me", Authorization=f"Bearer {token}")

    scene.clock.move(5)
    directory.users.revoke_sign_ins(scene.client.tenant, scene.user)
    after = scene.probe.get("/v1.0/me", Authorization=f"Bearer {token}")

    assert read(token)["xms_cc"] == ["cp1"]
    assert content["refresh_in"] == content["expires_in"] // 2 >= 36_000
    assert (before.status, after.status) == (200, 401)
    assert 'error="insufficient_claims"' in after.headers["www-authenticate"]


def test_secrets_are_not_kept(launch: Callable[..., Probe], tmp_path: Path) -> None:
    """The database has no refresh token in it."""
    folder, clock = tmp_path / "data", Clock(at=1_800_000_000)
    scene = Scene(launch(folder, users=40, clock=clock), clock)

    content = b"".join(path.read_bytes() for path in folder.glob("directory.sqlite*"))

    assert content.count(scene.token[10:].encode()) == 0
    assert b"refresh " in content


def expired(scene: Scene) -> Answer:
    scene.clock.move(90 * DAY)
    return scene.refresh()


def revoked(scene: Scene) -> Answer:
    scene.clock.move(60)
    scene.probe.emulator.directory.users.revoke_sign_ins(scene.client.tenant, scene.user)
    return scene.refresh()


def of_another_client(scene: Scene) -> Answer:
    return native_client(scene.probe).refresh(scene.token)


def of_a_disabled_user(scene: Scene) -> Answer:
    directory, tenant = scene.probe.emulator.directory, scene.client.tenant
    user = directory.users.find(tenant, scene.user)
    assert user is not None
    path = f"/{tenant.id}/oauth2/v2.0/token"
    disabled = [user | {"id": user["id"][:-1] + "0", "userPrincipalName": "off@contoso.example"}]
    directory.objects.fill(tenant, "user", [one | {"accountEnabled": True} for one in disabled])
    token = scene.client.tokens("off@contoso.example")["refresh_token"]
    directory.objects.update(tenant, "user", disabled[0]["id"], {"accountEnabled": False})
    return scene.probe.post(
        path, scene.client.form(grant_type="refresh_token", refresh_token=token)
    )


def at_another_tenant(scene: Scene) -> Answer:
    directory = scene.probe.emulator.directory
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    client = directory.applications.find_client(scene.client.client_id)
    assert client is not None
    directory.service_principals.find_or_create(other, client)
    return Client(scene.probe, other, scene.client.client_id, NATIVE).refresh(scene.token)


def of_a_web_client(scene: Scene) -> Answer:
    client = web_client(scene.probe)
    token = client.tokens(scene.user)["refresh_token"]
    return client.refresh(token, client_secret=None)


def of_a_disabled_client(scene: Scene) -> Answer:
    directory = scene.probe.emulator.directory
    directory.service_principals.enable(scene.client.tenant, scene.client.client_id, enabled=False)
    return scene.refresh()


def of_an_empty_api(scene: Scene) -> Answer:
    directory = scene.probe.emulator.directory
    api = directory.applications.register(scene.client.tenant, "Nothing API")
    return scene.refresh(scope=f"{api.app_id}/.default")


REFUSALS: dict[str, tuple[Callable[[Scene], Answer], int, str, int, str]] = {
    "no token": (lambda s: s.refresh(refresh_token=None), 400, "invalid_request", 900144, ""),
    "garbage": (lambda s: s.refresh(token="x"), 400, "invalid_grant", 9002313, ""),
    "expired": (expired, 400, "invalid_grant", 700082, "bad_token"),
    "revoked": (revoked, 400, "invalid_grant", 50173, "bad_token"),
    "another client's": (of_another_client, 400, "invalid_grant", 700007, "client_mismatch"),
    "a disabled user's": (of_a_disabled_user, 400, "invalid_grant", 50057, ""),
    "another tenant": (at_another_tenant, 400, "invalid_grant", 50020, ""),
    "a secret shown": (
        lambda s: s.refresh(client_secret="x"),
        401,
        "invalid_client",
        700025,
        "",
    ),
    "no secret shown": (of_a_web_client, 401, "invalid_client", 7000218, ""),
    "a disabled client": (of_a_disabled_client, 400, "unauthorized_client", 7000112, ""),
    "no consent": (
        lambda s: s.refresh(scope="Mail.Read"),
        400,
        "invalid_grant",
        65001,
        "consent_required",
    ),
    "an API without scopes": (of_an_empty_api, 400, "invalid_client", 650057, ""),
    "claims that are no JSON": (
        lambda s: s.refresh(claims="x"),
        400,
        "invalid_request",
        90100,
        "",
    ),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refused(scene: Scene, case: tuple[Callable[[Scene], Answer], int, str, int, str]) -> None:
    """Every refusal of a refresh has its status, its error, its number and its suberror."""
    make, status, error, code, suberror = case

    answer = make(scene)

    content = answer.json()
    found = (answer.status, content["error"], content["error_codes"], content.get("suberror", ""))
    assert found == (status, error, [code], suberror)


def test_revoked_text(scene: Scene) -> None:
    """The refusal of a revoked token says when it was issued, and since when others count."""
    assert (
        "was issued on '2027-01-15T08:00:00.0000000Z'" in revoked(scene).json()["error_description"]
    )
