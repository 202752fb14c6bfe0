from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from tests.entra_emulator.token_service import (
    test_admin_consent,
    test_authorize,
    test_device_code,
    test_user_grants,
)
from tests.scenarios import test_refresh
from tests.support.emulator_probe import Probe
from tests.support.form_tokens import show_form
from tests.support.scripted_browser import Browser
from tests.support.user_flows import (
    NATIVE,
    WEB,
    Client,
    native_client,
    ordinary,
    read,
    sign_in,
    web_client,
)
from tools.fidelity import list_reached

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def client(probe: Probe) -> Client:
    return web_client(probe)


def at_sign_in(client: Client) -> Browser:
    browser = Browser(client.probe)
    browser.open(client.link())
    return browser


def test_page(client: Client) -> None:
    """The page says what it is, lists people with their roles, and asks for no password."""
    browser = at_sign_in(client)
    assert browser.answer is not None
    page, headers = browser.page, browser.answer.headers

    for text in ("This is an emulator", "Nobody here has a password", "Global Administrator"):
        assert text in page.text
    assert "20 of 250 people shown." in page.text
    assert {"label", "form", "button"} <= page.elements
    assert "script" not in page.elements
    assert b'type="password"' not in browser.answer.body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert "no-store" in headers["cache-control"]


def test_search(client: Client) -> None:
    """Part of a name, in any script and case, finds people; what is typed is shown, not run."""
    browser = at_sign_in(client)
    (search, _) = browser.page.forms
    browser.submit(search, q="ALLAN")
    names = [label for _, _, label in browser.page.forms[1].buttons]
    assert names
    assert all("allan" in name.casefold() for name in names)

    browser.submit(browser.page.forms[0], q=HOSTILE)

    assert "Nobody is called that." in browser.page.text
    assert browser.page.forms[0].fields["q"] == HOSTILE
    assert "script" not in browser.page.elements


def test_login_hint(client: Client) -> None:
    """`login_hint` is searched for at once."""
    user = ordinary(client.probe.emulator, 3)
    browser = Browser(client.probe)
    browser.open(client.link(login_hint=user))

    assert len(browser.page.forms[1].buttons) == 1
    assert user in browser.page.text


def test_cookie(client: Client) -> None:
    """The session's cookie is bound to this host, to https, and is out of scripts' reach."""
    browser = at_sign_in(client)
    form = browser.page.forms[1]
    name, value, _ = form.buttons[0]

    cookies = "; ".join(f"{key}={secret}" for key, secret in browser.cookies.items())
    answer = client.probe.post(form.action, form.fields | {name: value}, Cookie=cookies)

    cookie = answer.headers["set-cookie"]
    assert (answer.status, cookie.partition("=")[0]) == (303, "__Host-graphdaemon-emulator")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/"}
    secret = cookie.partition("=")[2].partition(";")[0]
    files = client.probe.emulator.data.glob("directory.sqlite*")
    assert not any(secret.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["signin", "consent", "adminconsent", "v2.0/adminconsent"])
def test_cross_site(client: Client, path: str, headers: dict[str, str]) -> None:
    """No other site can sign anybody in, or consent for them."""
    answer = client.probe.post(f"/{client.tenant.id}/{path}", {}, **headers)

    assert (answer.status, answer.json()["error_codes"]) == (403, [165000])


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/common/adminconsent",
        "//evil.example/devicelogin",
        "/\\evil.example/devicelogin",
        "///devicelogin",
        "/v1.0/me",
        "/devicelogin\r\nx: y",
        "javascript:alert(1)",
        "//[/devicelogin",
        "",
    ],
)
def test_open_redirect(client: Client, after: str) -> None:
    """Signing in leads back to this emulator's own pages, and nowhere else."""
    path = f"/{client.tenant.id}/signin"
    cookies, hidden = show_form(client.probe)
    answers = [
        client.probe.get(f"{path}?next={quote(after, safe='')}"),
        client.probe.post(path, hidden | {"next": after, "user": "x"}, **cookies),
        client.probe.post(f"/{client.tenant.id}/consent", hidden | {"next": after}, **cookies),
    ]

    assert [a.json()["error_codes"] for a in answers] == [[90023]] * 3


def test_refused_people(launch: Callable[..., Probe]) -> None:
    """Nobody unknown, disabled or of another tenant gets in."""
    probe = launch(users=60)
    client = web_client(probe)
    directory, tenant = probe.emulator.directory, client.tenant
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    user = {
        "id": "00000000-0000-4000-8000-000000000001",
        "displayName": "Fabian",
        "userPrincipalName": "fabian@fabrikam.example",
        "userType": "Member",
        "accountEnabled": True,
    }
    directory.objects.fill(other, "user", [user])
    users = [json.loads(doc) for _, doc in directory.collections.scan(tenant, "user")]
    disabled = next(u for u in users if not u["accountEnabled"])
    picked = {
        f"{tenant.id}/nobody": 50034,
        f"{other.id}/{disabled['id']}": 50034,
        "": 50034,
        f"{tenant.id}/{disabled['id']}": 50057,
        f"{other.id}/{user['id']}": 50020,
    }
    cookies, hidden = show_form(probe)
    form, path = hidden | {"next": client.link()}, f"/{tenant.id}/signin"

    found = {
        key: probe.post(path, form | {"user": key}, **cookies).json()["error_codes"][0]
        for key in picked
    }

    assert found == picked


def test_two_tenants(launch: Callable[..., Probe]) -> None:
    """On organizations everybody is listed; a session of one tenant is none in the other."""
    probe = launch(users=20)
    directory = probe.emulator.directory
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    user = {
        "id": "00000000-0000-4000-8000-000000000001",
        "displayName": "Fabian",
        "userPrincipalName": "fabian@fabrikam.example",
    }
    directory.objects.fill(other, "user", [user | {"userType": "Member", "accountEnabled": True}])
    home = native_client(probe, sign_in_audience="AzureADMultipleOrgs")
    client = Client(probe, other, home.client_id, NATIVE, segment="organizations")

    browser = Browser(probe)
    browser.open(client.link())
    assert "Contoso" in browser.page.text
    sign_in(browser, "fabian@fabrikam.example")
    arrival = browser.press("accept")
    assert arrival is not None
    content = client.redeem(code=arrival.values["code"]).json()

    assert read(content["access_token"])["tid"] == other.id
    assert directory.service_principals.find(other, home.client_id) is not None
    assert browser.open(home.link()) is None
    assert "Pick somebody" in browser.page.text


def test_logout(client: Client) -> None:
    """Signing out ends the session, and goes back to a registered address only."""
    browser, user = Browser(client.probe), ordinary(client.probe.emulator)
    client.visit(user, browser)
    values = {"client_id": client.client_id, "post_logout_redirect_uri": WEB, "state": "s"}
    path = f"/{client.tenant.id}/oauth2/v2.0/logout"

    arrival = browser.open(f"{path}?{urlencode(values)}")
    silent = browser.open(client.link(prompt="none"))

    assert arrival is not None
    assert arrival.url == f"{WEB}?state=s"
    assert silent is not None
    assert silent.code == 50058
    values["post_logout_redirect_uri"] = "https://evil.example/"
    assert browser.open(f"{path}?{urlencode(values)}") is None
    assert "You are signed out" in browser.page.text


def test_me(probe: Probe) -> None:
    """A user's token reads the user; an application's does not."""
    client, user = web_client(probe), ordinary(probe.emulator)
    token = client.tokens(user)["access_token"]
    bearer = f"Bearer {token}"

    me = probe.get("/v1.0/me", Authorization=bearer).json()
    selected = probe.get("/v1.0/me?$select=id", Authorization=bearer).json()

    assert me["userPrincipalName"] == user
    assert me["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert len(me) == 12
    assert selected["id"] == me["id"] == read(token)["oid"]


def test_scopes_at_users(probe: Probe) -> None:
    """What a user's client may read of others depends on its scopes."""
    user = ordinary(probe.emulator)
    expected = {"User.Read": 403, "User.ReadBasic.All": 200, "openid": 403}

    tokens = {scope: web_client(probe).tokens(user, scope)["access_token"] for scope in expected}
    found = {
        scope: probe.get("/v1.0/users?$top=1", Authorization=f"Bearer {token}").status
        for scope, token in tokens.items()
    }

    assert found == expected
    bearer = f"Bearer {tokens['User.ReadBasic.All']}"
    one = probe.get("/v1.0/users?$top=1&$select=id,jobTitle", Authorization=bearer).json()
    assert one["value"][0]["jobTitle"] is None
    assert probe.get("/v1.0/me", Authorization=f"Bearer {tokens['openid']}").status == 403


def test_every_refusal_is_tested() -> None:
    """No number where a user signs in is without a test that reaches it."""
    tables = (
        *((case[1], case[2]) for case in test_authorize.AT_THE_APPLICATION.values()),
        *((case[1], case[2]) for case in test_authorize.SIGNED_IN.values()),
        *(("", case[2]) for case in test_authorize.ON_A_PAGE.values()),
        *((case[2], case[3]) for case in test_user_grants.AT_REDEMPTION.values()),
        *((case[2], case[3]) for case in test_refresh.REFUSALS.values()),
        *((case[2], case[3]) for case in test_device_code.POLLS.values()),
        *(("", case[1]) for case in test_device_code.STARTS.values()),
        *(("", case[1]) for case in test_admin_consent.REFUSALS.values()),
    )
    # Reached by tests of their own: what a device is told, who may not sign in, what pages say.
    elsewhere = {28000, 50034, 65002, 70016, 70020, 90094, 90119, 90120, 700171, 900971}

    assert {code for _, code in tables} | elsewhere >= list_reached("test_sign_in_page")
