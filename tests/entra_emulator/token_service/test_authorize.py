from __future__ import annotations

import re
import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from entra_emulator.clock import Clock
from entra_emulator.errors.token_service import TOKEN_REFUSALS
from entra_emulator.model.directory_roles import ROLES
from tests.support.emulator_probe import Answer, Probe
from tests.support.scripted_browser import Arrival, Browser, deliver
from tests.support.user_flows import (
    AZURE_CLI,
    CHALLENGE,
    CLI_TOOLS,
    NATIVE,
    VERIFIER,
    WEB,
    Client,
    holder,
    msal_client,
    native_client,
    ordinary,
    read,
    sign_in,
    web_client,
)

GRAPH = "https://graph.microsoft.com"
ANSWER_KEYS = (
    "token_type scope expires_in ext_expires_in access_token refresh_token id_token client_info"
).split()
ACCESS_CLAIMS = (
    "aud iss iat nbf exp acct acr aio amr app_displayname appid appidacr family_name given_name "
    "idtyp ipaddr name oid rh scp sub tenant_region_scope tid unique_name upn uti ver wids xms_tcdt"
).split()
ID_CLAIMS = (
    "aud iss iat nbf exp aio idp name nonce oid preferred_username rh sub tid uti ver"
).split()


@pytest.fixture(scope="module")
def web(probe: Probe) -> Client:
    return web_client(probe)


@pytest.fixture(scope="module")
def native(probe: Probe) -> Client:
    return native_client(probe)


@pytest.fixture(scope="module")
def anna(probe: Probe) -> str:
    """Somebody without a role."""
    return ordinary(probe.emulator)


@pytest.fixture
def scripted(probe: Probe, anna: str) -> Iterator[Browser]:
    """The default browser of this machine, for whatever opens one."""
    browser, deliveries = Browser(probe), []

    class Controller(webbrowser.BaseBrowser):
        def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002 - webbrowser's
            arrival = browser.open(url) or sign_in(browser, anna) or browser.press("accept")
            assert arrival is not None
            deliveries.append(threading.Thread(target=deliver, args=(arrival,)))
            deliveries[-1].start()
            probe.close()  # this thread's connection
            return True

    order = list(webbrowser._tryorder or [])  # type: ignore[attr-defined] # no public way back
    webbrowser.register("scripted", None, Controller(), preferred=True)
    yield browser
    webbrowser._tryorder[:] = order  # type: ignore[attr-defined] # the same
    for delivery in deliveries:
        delivery.join()


def test_msal_interactive(native: Client, scripted: Browser) -> None:
    """Unmodified MSAL signs in through its loopback listener, PKCE and form_post included."""
    with msal_client(native) as client:
        result = client.acquire_token_interactive(["User.Read"], timeout=20)
        again = client.acquire_token_silent(["User.Read"], client.get_accounts()[0])

    assert "access_token" in result, result
    assert again["access_token"] == result["access_token"]
    claims = result["id_token_claims"]
    assert claims["preferred_username"] == ordinary(native.probe.emulator)
    assert len(claims["nonce"]) == 64


def test_msal_authorization_code(web: Client, anna: str) -> None:
    """Unmodified MSAL redeems a web application's code with its secret."""
    with msal_client(web) as client:
        flow = client.initiate_auth_code_flow(
            ["User.Read"], redirect_uri=WEB, response_mode="form_post"
        )
        browser = Browser(web.probe)
        arrival = (
            browser.open(flow["auth_uri"]) or sign_in(browser, anna) or browser.press("accept")
        )
        assert arrival is not None
        result = client.acquire_token_by_auth_code_flow(flow, arrival.values)
        account = client.get_accounts()[0]

    assert read(result["access_token"])["appidacr"] == "1"
    assert account["home_account_id"] == f"{read(result['id_token'])['oid']}.{web.tenant.id}"


def test_code(web: Client, anna: str) -> None:
    """A code buys the recorded keys, and tokens with the documented claims."""
    scope = f"{GRAPH}/User.Read openid profile offline_access"
    arrival = web.visit(anna, scope=scope, nonce="n-1", client_info="1")

    answer = web.redeem(code=arrival.values["code"])

    assert list(arrival.values) == ["code", "client_info", "state", "session_state"]
    content = answer.json()
    assert list(content) == ANSWER_KEYS
    assert content["scope"] == f"openid profile {GRAPH}/User.Read"
    access, identity = read(content["access_token"]), read(content["id_token"])
    assert (list(access), list(identity)) == (ACCESS_CLAIMS, ID_CLAIMS)
    expected = {
        "aud": GRAPH,
        "idtyp": "user",
        "scp": "openid profile User.Read",
        "upn": anna,
        "unique_name": anna,
        "ver": "1.0",
        "appid": web.client_id,
        "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
    }
    assert access | expected == access
    issuer = f"{web.probe.emulator.url}/{web.tenant.id}/v2.0"
    expected = {"aud": web.client_id, "iss": issuer, "nonce": "n-1", "ver": "2.0"}
    assert identity | expected == identity
    assert identity["sub"] != access["sub"]
    assert identity["oid"] == access["oid"]


def test_signatures(web: Client, anna: str) -> None:
    """Both tokens are signed by a published key."""
    tokens = web.tokens(anna)
    keys = web.probe.get(f"/{web.tenant.id}/discovery/v2.0/keys").json()["keys"]
    named = {key["kid"]: jwt.PyJWK(key) for key in keys}

    for token, audience in (
        (tokens["access_token"], read(tokens["access_token"])["aud"]),
        (tokens["id_token"], web.client_id),
    ):
        key = named[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["RS256"], audience=audience)


def test_roles_in_token(web: Client) -> None:
    """A token for Graph names its user's directory roles."""
    admin = holder(web.probe.emulator, "Global Administrator")

    claims = read(web.tokens(admin)["access_token"])

    assert claims["wids"][0] == ROLES["Global Administrator"]


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


def test_modes(web: Client, anna: str) -> None:
    """A code comes in the query, in the fragment, or in a form that posts itself."""
    found = {mode: web.visit(anna, response_mode=mode) for mode in ("query", "fragment")}
    browser = Browser(web.probe)
    posted = web.visit(anna, browser, response_mode="form_post", state='"><script>x</script>')

    assert urlsplit(found["query"].url).query.startswith("code=")
    assert urlsplit(found["fragment"].url).fragment.startswith("code=")
    assert (posted.method, posted.url) == ("POST", WEB)
    assert posted.values["state"] == '"><script>x</script>'
    assert browser.answer is not None
    policy = browser.answer.headers["content-security-policy"]
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='; ", policy)
    assert policy.endswith("form-action 'self' https://app.example")
    # On localhost it would keep browsers from MSAL's listener.
    assert "strict-transport-security" not in browser.answer.headers


def test_id_token(probe: Probe, anna: str) -> None:
    """An application that is allowed to gets an ID token from the endpoint itself."""
    client = web_client(probe)
    refused = client.visit(anna, response_type="code id_token", nonce="n")
    probe.emulator.directory.applications.enable_id_tokens(client.tenant, client.client_id)

    both = client.visit(anna, response_type="id_token code", nonce="n", scope="openid email")
    alone = client.visit(anna, response_type="id_token", nonce="n", scope="openid")

    assert refused.code == 700054
    assert client.visit(anna, response_type="id_token").code == 900144
    assert (
        client.visit(anna, response_type="id_token", response_mode="query", nonce="n").code == 70007
    )
    assert urlsplit(both.url).fragment
    claims = read(both.values["id_token"])
    assert (claims["nonce"], "c_hash" in claims, claims["email"]) == ("n", True, anna)
    assert "code" not in alone.values
    assert "name" not in read(alone.values["id_token"])


def test_form_request(web: Client, anna: str) -> None:
    """The parameters may come in a form."""
    query = dict(part.split("=") for part in web.link().split("?")[1].split("&"))
    form = {
        k: v.replace("%3A", ":").replace("%2F", "/").replace("+", " ") for k, v in query.items()
    }

    answer = web.probe.post(f"{web.path}/authorize", form)

    assert answer.status == 200
    assert b"Pick somebody" in answer.body


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


def test_prompts(web: Client, anna: str) -> None:
    """`prompt` decides what is asked again."""
    browser = Browser(web.probe)
    silent = browser.open(web.link(prompt="none"))
    web.visit(anna, browser)

    assert silent is not None
    assert (silent.code, silent.values["error"]) == (50058, "login_required")
    again = browser.open(web.link(prompt="none"))
    assert again is not None
    assert "code" in again.values
    unconsented = browser.open(web.link(prompt="none", scope="Mail.Read"))
    assert unconsented is not None
    assert (unconsented.code, unconsented.values["error"]) == (65001, "interaction_required")
    for prompt in ("login", "select_account"):
        assert browser.open(web.link(prompt=prompt)) is None
        assert "Pick somebody" in browser.page.text
        assert sign_in(browser, anna) is not None
    assert browser.open(web.link(prompt="consent")) is None
    assert "It would like to" in browser.page.text
    assert browser.press("accept") is not None


def test_decline(probe: Probe, anna: str) -> None:
    """Who cancels sends the application away, with its state."""
    client, browser = web_client(probe), Browser(probe)
    browser.open(client.link())
    sign_in(browser, anna)

    arrival = browser.press("cancel")
    path, form = f"/{client.tenant.id}/consent", {"next": client.link(), "decision": "accept"}
    nobody = Browser(probe).post(path, form)

    assert nobody is not None
    assert nobody.code == 50058
    assert arrival is not None
    assert (arrival.code, arrival.values["error"]) == (65004, "access_denied")
    assert arrival.values["state"] == "s1"


AT_THE_APPLICATION: dict[str, tuple[dict[str, str | None], str, int]] = {
    "no response type": ({"response_type": None}, "invalid_request", 900144),
    "unknown response type": ({"response_type": "token"}, "unsupported_response_type", 70005),
    "ID token not enabled": (
        {"response_type": "id_token", "nonce": "n"},
        "unsupported_response_type",
        700054,
    ),
    "unknown response mode": ({"response_mode": "pigeon"}, "invalid_request", 70007),
    "no scope": ({"scope": None}, "invalid_request", 900144),
    "unknown prompt": ({"prompt": "maybe"}, "invalid_request", 90023),
    "unknown method": (
        {"code_challenge": CHALLENGE, "code_challenge_method": "S512"},
        "invalid_request",
        50149,
    ),
    "method without challenge": ({"code_challenge_method": "S256"}, "invalid_request", 501491),
    "short challenge": (
        {"code_challenge": "x", "code_challenge_method": "S256"},
        "invalid_request",
        501491,
    ),
    "challenge of another size": (
        {"code_challenge": "x" * 44, "code_challenge_method": "S256"},
        "invalid_request",
        501491,
    ),
    "not signed in": ({"prompt": "none"}, "login_required", 50058),
}

SIGNED_IN: dict[str, tuple[dict[str, str | None], str, int]] = {
    "unknown resource": ({"scope": "api://nobody/x"}, "invalid_resource", 500011),
    "unknown scope": ({"scope": "User.Dance"}, "invalid_client", 650053),
}


@pytest.mark.parametrize("case", AT_THE_APPLICATION.values(), ids=AT_THE_APPLICATION)
def test_refused_at_the_application(
    web: Client, case: tuple[dict[str, str | None], str, int]
) -> None:
    """What is wrong with a request from a known client is told to the client."""
    changes, error, code = case

    arrival = Browser(web.probe).open(web.link(**changes))

    assert arrival is not None
    assert arrival.url.startswith(WEB)
    assert (arrival.values["error"], arrival.code) == (error, code)
    assert arrival.values["state"] == "s1"


@pytest.mark.parametrize("case", SIGNED_IN.values(), ids=SIGNED_IN)
def test_refused_after_sign_in(
    web: Client, anna: str, case: tuple[dict[str, str | None], str, int]
) -> None:
    """What depends on the user's tenant is told once the user is known."""
    changes, error, code = case

    arrival = web.visit(anna, **changes)

    assert (arrival.values["error"], arrival.code) == (error, code)


NO_CLIENT = "11111111-1111-4111-8111-111111111111"

ON_A_PAGE: dict[str, tuple[str | None, dict[str, str | None], int]] = {
    "no client": (None, {"client_id": None}, 900144),
    "unknown client": (None, {"client_id": NO_CLIENT}, 700016),
    "other redirect URI": (None, {"redirect_uri": "https://evil.example/"}, 50011),
    "longer redirect URI": (None, {"redirect_uri": f"{WEB}/more"}, 50011),
    "script as redirect URI": (None, {"redirect_uri": "javascript:alert(1)"}, 50011),
    "single tenant on common": ("common", {}, 50194),
    "unknown tenant": ("no.such.tenant", {}, 90002),
}


@pytest.mark.parametrize("case", ON_A_PAGE.values(), ids=ON_A_PAGE)
def test_refused_on_a_page(
    web: Client, case: tuple[str | None, dict[str, str | None], int]
) -> None:
    """Nobody is sent to an address that does not belong to the client."""
    segment, changes, code = case
    link = web.link(**changes)
    if segment:
        link = link.replace(web.tenant.id, segment, 1)
    browser = Browser(web.probe)

    assert browser.open(link) is None
    assert browser.status == 400
    assert f"AADSTS{code}: " in browser.page.text


def test_no_redirect_uri(probe: Probe) -> None:
    """Without a redirect URI the only one counts; of several, or none, no one does."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    several = directory.applications.register(
        tenant, "x", redirect_uris=(WEB, "https://app.example/other")
    )
    client = Client(probe, tenant, several.app_id, WEB)
    one, many = Browser(probe), Browser(probe)

    arrival = one.open(web_client(probe).link(redirect_uri=None, prompt="none"))

    assert arrival is not None
    assert arrival.code == 50058
    assert many.open(client.link(redirect_uri=None)) is None
    assert "AADSTS900971: " in many.page.text


Redeem = Callable[["Scene"], Answer]


class Scene:
    """A client with a fresh code, on a clock that a test may move."""

    def __init__(self, probe: Probe, clock: Clock) -> None:
        self.probe, self.clock = probe, clock
        self.client = native_client(probe, sign_in_audience="AzureADMultipleOrgs")
        self.user = ordinary(probe.emulator)

    def code(self, **changes: str | None) -> str:
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        return self.client.visit(self.user, **(pkce | changes)).values["code"]

    def redeem(self, **changes: str | None) -> Answer:
        return self.client.redeem(**({"code_verifier": VERIFIER} | changes))


@pytest.fixture
def scene(launch: Callable[..., Probe]) -> Scene:
    clock = Clock(at=1_800_000_000)
    return Scene(launch(users=40, clock=clock), clock)


def redeem_twice(scene: Scene) -> Answer:
    code = scene.code()
    assert scene.redeem(code=code).status == 200
    return scene.redeem(code=code)


def redeem_late(scene: Scene) -> Answer:
    code = scene.code()
    scene.clock.move(600)
    return scene.redeem(code=code)


def redeem_elsewhere(scene: Scene) -> Answer:
    code = scene.code()
    path = "/common/oauth2/v2.0/token"
    return scene.probe.post(path, scene.client.form(code=code, code_verifier=VERIFIER))


def redeem_as_another(scene: Scene) -> Answer:
    code = scene.code()
    other = native_client(scene.probe)
    return other.redeem(code=code, code_verifier=VERIFIER)


def redeem_with_secret(scene: Scene) -> Answer:
    return scene.redeem(code=scene.code(), client_secret="x")


def redeem_as_web(scene: Scene) -> Answer:
    return web_client(scene.probe).redeem(code="x", client_secret=None)


def redeem_with_wrong_secret(scene: Scene) -> Answer:
    return web_client(scene.probe).redeem(code="x", client_secret="wrong")


def redeem_plainly(scene: Scene) -> Answer:
    code = scene.client.visit(scene.user).values["code"]
    return scene.redeem(code=code)


def redeem_at_version_1(scene: Scene) -> Answer:
    return scene.probe.post(f"/{scene.client.tenant.id}/oauth2/token", scene.client.form(code="x"))


def redeem_for_nobody(scene: Scene) -> Answer:
    """The user's sign-ins are revoked between code and redemption."""
    code = scene.code()
    scene.probe.emulator.directory.users.revoke_sign_ins(scene.client.tenant, scene.user)
    return scene.redeem(code=code)


AT_REDEMPTION: dict[str, tuple[Redeem, int, str, int]] = {
    "no code": (lambda s: s.redeem(), 400, "invalid_request", 900144),
    "no redirect URI": (
        lambda s: s.redeem(code="x", redirect_uri=None),
        400,
        "invalid_request",
        900144,
    ),
    "garbage": (lambda s: s.redeem(code="x"), 400, "invalid_grant", 9002313),
    "twice": (redeem_twice, 400, "invalid_grant", 54005),
    "late": (redeem_late, 400, "invalid_grant", 70008),
    "at another tenant": (redeem_elsewhere, 400, "invalid_grant", 700005),
    "as another client": (redeem_as_another, 400, "invalid_grant", 700007),
    "other redirect URI": (
        lambda s: s.redeem(code=s.code(), redirect_uri="http://localhost:1"),
        401,
        "invalid_client",
        500112,
    ),
    "no verifier": (
        lambda s: s.redeem(code=s.code(), code_verifier=None),
        400,
        "invalid_grant",
        50148,
    ),
    "wrong verifier": (
        lambda s: s.redeem(code=s.code(), code_verifier="w" * 43),
        400,
        "invalid_grant",
        501481,
    ),
    "verifier without challenge": (redeem_plainly, 400, "invalid_grant", 501481),
    "a secret of a public client": (redeem_with_secret, 401, "invalid_client", 700025),
    "no secret": (redeem_as_web, 401, "invalid_client", 7000218),
    "wrong secret": (redeem_with_wrong_secret, 401, "invalid_client", 7000215),
    "version 1": (redeem_at_version_1, 400, "unsupported_grant_type", 70003),
    "revoked": (redeem_for_nobody, 400, "invalid_grant", 50173),
}


@pytest.mark.parametrize("case", AT_REDEMPTION.values(), ids=AT_REDEMPTION)
def test_refused_at_redemption(scene: Scene, case: tuple[Redeem, int, str, int]) -> None:
    """A code is for one client, one address, one tenant, one time, and ten minutes."""
    make, status, error, code = case

    answer = make(scene)

    content = answer.json()
    assert (answer.status, content["error"], content["error_codes"]) == (status, error, [code])
    # Recorded: a code redeemed twice is refused without error_uri.
    assert ("error_uri" in content) == (code != 54005)
    assert content.get("suberror", "") == TOKEN_REFUSALS[code].suberror


def test_plain_challenge(scene: Scene) -> None:
    """A challenge without a method is the verifier itself."""
    code = scene.client.visit(scene.user, code_challenge=VERIFIER).values["code"]

    assert scene.redeem(code=code).status == 200


def test_graph_command_line_tools(probe: Probe, anna: str) -> None:
    """Microsoft Graph's own tools are known, and ask for consent like anybody's."""
    client = Client(probe, probe.emulator.tenant, CLI_TOOLS, "http://localhost:40123")

    arrival: Arrival = client.visit(anna, scope="User.ReadBasic.All")
    content: Any = client.redeem(code=arrival.values["code"]).json()

    # An administrator of another test may have consented to more.
    assert "User.ReadBasic.All" in content["scope"].split()
    assert "foci" not in content
