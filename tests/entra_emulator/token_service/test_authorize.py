from __future__ import annotations

import re
import threading
import webbrowser
from collections.abc import Iterator
from urllib.parse import urlsplit

import jwt
import pytest

from entra_emulator.model.directory_roles import ROLES
from tests.support.emulator_probe import Probe
from tests.support.scripted_browser import Browser, deliver
from tests.support.user_flows import (
    CHALLENGE,
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
        result = client.acquire_token_interactive(["User.Read"], timeout=60)
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
    # It would part a popup from the page that opened it and waits for its answer.
    assert "cross-origin-opener-policy" not in browser.answer.headers


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
    stranger = Browser(probe)
    stranger.open(client.link())
    nobody = stranger.post(path, form)

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
