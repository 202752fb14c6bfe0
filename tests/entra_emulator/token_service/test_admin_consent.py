from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.support.emulator_probe import Answer, App, Probe, register
from tests.support.form_tokens import show_form
from tests.support.scripted_browser import Arrival, Browser
from tests.support.user_flows import CLI_TOOLS, holder, ordinary, sign_in

WEB = "https://app.example/back"
GRAPH = "https://graph.microsoft.com"
REFUSALS: dict[str, tuple[str, int]] = {
    "no scope in version 2": ("/{tenant}/v2.0/adminconsent?client_id={app}", 900144),
    "no client": ("/{tenant}/v2.0/adminconsent?scope=openid", 900144),
    "version 2 on common": ("/common/v2.0/adminconsent?client_id={app}&scope=openid", 90130),
    "unknown client": ("/organizations/v2.0/adminconsent?client_id=x&scope=openid", 700016),
    "unknown tenant": ("/no.such.tenant/v2.0/adminconsent?client_id={app}&scope=openid", 90002),
    "other redirect URI": (
        "/{tenant}/v2.0/adminconsent?client_id={app}&scope=openid&redirect_uri=https://evil.example",
        50011,
    ),
}


REDIRECT = "https://app.example/back?from=consent"
HOSTILE = '<script>alert("x")</script>'


class Page(HTMLParser):
    """What a browser would see: the hidden fields, the texts, the elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.elements: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.add(tag)
        if tag == "input":
            self.fields[values["name"] or ""] = values["value"] or ""
        if tag == "button":
            self.buttons.append(values["value"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def ask(app: App, **values: str) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    return f"/{app.tenant.id}/adminconsent?client_id={app.client_id}&{query}"


@pytest.fixture
def unconsented(probe: Probe) -> App:
    """An application that asks for two permissions and has none."""
    app, directory = register(probe, redirects=(REDIRECT,)), probe.emulator.directory
    for role in ("User.Read.All", "Group.Read.All"):
        directory.applications.add_application_permission(app.tenant, app.client_id, role)
    return app


def administrator(app: App) -> dict[str, str]:
    """The cookie of a signed-in administrator, as a header."""
    browser = Browser(app.probe)
    browser.open(f"/{app.tenant.id}/adminconsent?client_id={app.client_id}")
    sign_in(browser, holder(app.probe.emulator, "Global Administrator"))
    return {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}


def send(app: App, path: str, form: dict[str, str], **headers: str) -> Answer:
    """Send the page's form as a signed-in administrator."""
    cookies, hidden = show_form(app.probe, administrator(app)["Cookie"])
    return app.probe.post(path, hidden | form, **(cookies | headers))


def look(app: App, **values: str) -> Answer:
    """The page, as an administrator sees it."""
    return app.probe.get(ask(app, **values), **administrator(app))


def roles(app: App) -> list[str]:
    return app.probe.emulator.directory.consents.list_granted_roles(app.tenant, app.client_id)


def test_page(unconsented: App) -> None:
    """The page names application, tenant, role and each permission, and grants nothing yet."""
    answer = look(unconsented, redirect_uri=REDIRECT, state="s1")
    page = Page(answer.body.decode())

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for text in (
        "This is an emulator",
        "Nightly sync",
        unconsented.client_id,
        "Contoso",
        "Global Administrator",
        "Read all users' full profiles",
        "User.Read.All",
        "Group.Read.All",
    ):
        assert text in page.text
    assert page.buttons == ["accept", "cancel"]
    fields = {"client_id": unconsented.client_id, "redirect_uri": REDIRECT, "state": "s1"}
    assert page.fields.pop("token")
    assert page.fields == fields
    assert "script" not in page.elements
    assert roles(unconsented) == []


def test_policy(unconsented: App) -> None:
    """The page loads its stylesheet, cannot be framed, its form leads only to the application."""
    policy = look(unconsented, redirect_uri=REDIRECT).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' https://app.example")
    assert "style-src 'self'" in policy


def test_accept(unconsented: App) -> None:
    """Accepting grants the permissions and redirects; an old token does not change."""
    old = unconsented.token()
    form = {
        "client_id": unconsented.client_id,
        "redirect_uri": REDIRECT,
        "state": "a b&c",
        "decision": "accept",
    }
    path = f"/{unconsented.tenant.domains[0]}/adminconsent"
    origin = unconsented.probe.emulator.url
    answer = send(unconsented, path, form, Origin=origin, Sec_Fetch_Site="same-origin")

    assert answer.status == 302
    expected = f"{REDIRECT}&tenant={unconsented.tenant.id}&state=a+b%26c&admin_consent=True"
    assert answer.headers["location"] == expected
    assert roles(unconsented) == ["Group.Read.All", "User.Read.All"]
    assert unconsented.get("/v1.0/users", old).code == "Authorization_RequestDenied"
    assert unconsented.get("/v1.0/users").status == 200


def test_accept_without_redirect(unconsented: App) -> None:
    """Without a redirect URI a page says that the permissions are granted."""
    form = {"client_id": unconsented.client_id, "decision": "accept"}
    answer = send(unconsented, "/common/adminconsent", form)

    assert answer.status == 200
    assert "Permissions granted" in answer.body.decode()
    assert roles(unconsented) == ["Group.Read.All", "User.Read.All"]


def test_cancel(unconsented: App) -> None:
    """Cancelling grants nothing and says access_denied, with admin_consent=True as observed."""
    form = {
        "client_id": unconsented.client_id,
        "redirect_uri": REDIRECT,
        "state": "s1",
        "decision": "cancel",
    }
    path = f"/{unconsented.tenant.id}/adminconsent"
    answer = send(unconsented, path, form)

    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert list(query) == [
        "from",
        "error",
        "error_description",
        "error_uri",
        "admin_consent",
        "state",
    ]
    assert query["error"] == ["access_denied"]
    assert query["error_description"][0].startswith(
        "AADSTS65004: User declined to consent to access the app. Trace ID: "
    )
    assert (query["admin_consent"], query["state"]) == (["True"], ["s1"])
    assert roles(unconsented) == []


def test_cancel_without_redirect(unconsented: App) -> None:
    """Without a redirect URI a page says that nothing was granted."""
    form = {"client_id": unconsented.client_id, "decision": "cancel"}
    path = f"/{unconsented.tenant.id}/adminconsent"
    answer = send(unconsented, path, form)

    assert "Nothing was granted" in answer.body.decode()
    assert roles(unconsented) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://127.0.0.1"},
    ],
    ids=str,
)
def test_cross_site(unconsented: App, headers: dict[str, str]) -> None:
    """A form that another site sends is refused, and grants nothing."""
    form = {"client_id": unconsented.client_id, "decision": "accept"}
    answer = send(unconsented, f"/{unconsented.tenant.id}/adminconsent", form, **headers)

    assert (answer.status, answer.json()["error_codes"]) == (403, [165000])
    assert roles(unconsented) == []


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "https://app.example/back",
        "https://app.example.evil.example/back?from=consent",
        "https://app.example/back?from=consent/../x",
        "javascript:alert(1)",
        "//evil.example",
    ],
)
def test_unregistered_redirect(unconsented: App, uri: str) -> None:
    """A redirect URI that is not registered is refused before anything is shown."""
    answer = unconsented.probe.get(ask(unconsented, redirect_uri=uri))

    assert (answer.status, answer.json()["error_codes"]) == (400, [50011])
    assert f"'{uri}'" in answer.json()["error_description"]


def test_longer_redirect(launch: Callable[..., Probe]) -> None:
    """A redirect URI may have more path segments than the registered one, and nothing else."""
    probe = launch()
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    registered = ("https://app.example/base",)
    application = directory.applications.register(tenant, "x", redirect_uris=registered)
    app = App(probe, tenant, application.app_id, "")
    uris = {
        "https://app.example/base": 200,
        "https://app.example/base/deeper/still": 200,
        "https://app.example/based": 400,
        "https://app.example/base/../evil": 400,
        "https://app.example/base/?x=1": 400,
        "https://app.example/base@evil.example/": 400,
    }

    assert {uri: probe.get(ask(app, redirect_uri=uri)).status for uri in uris} == uris


def test_refusals(unconsented: App) -> None:
    """Missing and unknown clients and tenants are refused; a browser gets a page."""
    probe, tenant = unconsented.probe, unconsented.tenant
    unknown = f"/{tenant.id}/adminconsent?client_id={quote(HOSTILE)}"
    codes = {
        f"/{tenant.id}/adminconsent": 900144,
        unknown: 700016,
        "/no.such.tenant/adminconsent?client_id=x": 90002,
    }

    assert {path: probe.get(path).json()["error_codes"][0] for path in codes} == codes
    page = Page(probe.get(unknown, Accept="text/html,*/*").body.decode())
    assert HOSTILE in page.text
    assert "script" not in page.elements


def test_escaping(probe: Probe) -> None:
    """Names and states that look like HTML are shown, not run."""
    app = register(probe, "User.Read.All", name=HOSTILE)
    answer = look(app, state=f'"> {HOSTILE}')
    page = Page(answer.body.decode())

    assert HOSTILE in page.text
    assert page.fields["state"] == f'"> {HOSTILE}'
    assert "script" not in page.elements


def test_common_with_two_tenants(launch: Callable[..., Probe]) -> None:
    """On common the tenant is the one of whoever signs in."""
    probe = launch()
    app = register(probe)
    probe.emulator.directory.tenants.create("Fabrikam", ("fabrikam.example",))

    answer = probe.get(f"/common/adminconsent?client_id={app.client_id}", **administrator(app))

    assert app.tenant.id in Page(answer.body.decode()).text


@pytest.fixture
def app(probe: Probe) -> App:
    """An application that asks for application and delegated permissions, and has none."""
    app, directory = register(probe, redirects=(WEB,)), probe.emulator.directory
    directory.applications.add_application_permission(app.tenant, app.client_id, "User.Read.All")
    directory.applications.add_delegated_permission(app.tenant, app.client_id, "User.Read")
    directory.applications.add_delegated_permission(app.tenant, app.client_id, "Group.Read.All")
    return app


def link(app: App, *, version: int = 2, segment: str | None = None, **values: str) -> str:
    named = {"client_id": app.client_id, "redirect_uri": WEB, "state": "s1"} | values
    middle = "v2.0/" if version == 2 else ""
    return f"/{segment or app.tenant.id}/{middle}adminconsent?{urlencode(named)}"


def visit(app: App, role: str | None, url: str) -> Browser:
    """Open the page as somebody with this role."""
    emulator, browser = app.probe.emulator, Browser(app.probe)
    browser.open(url)
    sign_in(browser, holder(emulator, role) if role else ordinary(emulator))
    return browser


def granted(app: App) -> tuple[list[str], set[str]]:
    """The roles granted to the application, and the scopes granted for everybody."""
    directory = app.probe.emulator.directory
    scopes = directory.consents.list_granted_scopes(app.tenant, app.client_id, "nobody")
    return directory.consents.list_granted_roles(app.tenant, app.client_id), set(scopes)


@pytest.mark.parametrize(
    ("version", "segment", "scope"),
    [(1, None, ""), (1, "common", ""), (1, "organizations", ""), (2, None, f"{GRAPH}/.default")],
)
def test_everything(app: App, version: int, segment: str | None, scope: str) -> None:
    """Version 1, and version 2 with `/.default`, grant all that the registration asks for."""
    more = {"scope": scope} if scope else {}
    browser = visit(
        app, "Global Administrator", link(app, version=version, segment=segment, **more)
    )
    for text in ("User.Read.All", "Group.Read.All", "delegated permissions"):
        assert text in browser.page.text

    arrival = browser.press("accept")

    assert arrival is not None
    expected = {"tenant": app.tenant.id, "state": "s1", "admin_consent": "True"}
    assert arrival.values == expected | more
    assert granted(app) == (["User.Read.All"], {"User.Read", "Group.Read.All"})


def test_order_of_keys(app: App) -> None:
    """Version 2's success is as documented, in the documented order."""
    browser = visit(app, "Global Administrator", link(app, scope="User.Read openid"))
    arrival = browser.press("accept")

    assert arrival is not None
    query = parse_qs(urlsplit(arrival.url).query)
    assert list(query) == ["admin_consent", "tenant", "scope", "state"]
    assert granted(app) == ([], {"User.Read", "openid"})


def test_named_scopes(app: App) -> None:
    """Version 2 grants for everybody what `scope` names, and not what it does not."""
    browser = visit(
        app, "Application Administrator", link(app, scope=f"{GRAPH}/Application.ReadWrite.All")
    )
    assert "User.Read.All" not in browser.page.text

    assert browser.press("accept") is not None

    assert granted(app) == ([], {"Application.ReadWrite.All"})
    (grant,) = (
        g
        for g in app.probe.emulator.directory.consents.list_grants(app.tenant)
        if g["scope"] == "Application.ReadWrite.All"
    )
    assert (grant["consentType"], grant["principalId"]) == ("AllPrincipals", None)


@pytest.mark.parametrize(
    ("role", "roles_too", "allowed"),
    [
        ("Global Administrator", True, True),
        ("Privileged Role Administrator", True, True),
        ("Application Administrator", True, False),
        ("Application Administrator", False, True),
        ("Cloud Application Administrator", True, False),
        ("Cloud Application Administrator", False, True),
        (None, True, False),
        (None, False, False),
    ],
)
def test_who_may(app: App, role: str | None, *, roles_too: bool, allowed: bool) -> None:
    """Application permissions of Graph take more than scopes do; ordinary users may neither."""
    scope = f"{GRAPH}/.default" if roles_too else "Group.Read.All"
    url = link(app, scope=scope)
    browser = visit(app, role, url)
    form = {"client_id": app.client_id, "scope": scope, "decision": "accept"}

    assert ("Need admin approval" in browser.page.text) is not allowed
    assert (browser.status, bool(browser.page.forms)) == ((200, True) if allowed else (403, False))
    browser.post(url.partition("?")[0], form)
    assert bool(granted(app)[1]) is allowed
    if not allowed:
        assert "AADSTS90094" in browser.page.text


def test_roles_of_own_apis(app: App) -> None:
    """An application administrator consents to application permissions of other APIs."""
    directory = app.probe.emulator.directory
    api = directory.applications.register(app.tenant, "Ledger API")
    directory.applications.expose_api(
        app.tenant, api.app_id, app_roles=[("Read.All", "Read everything")]
    )
    caller = register(app.probe, redirects=(WEB,))
    directory.applications.add_application_permission(
        app.tenant, caller.client_id, "Read.All", resource_app_id=api.app_id
    )

    visit(caller, "Application Administrator", link(caller, version=1)).press("accept")

    assert directory.consents.list_granted_roles(app.tenant, caller.client_id, api.app_id) == [
        "Read.All"
    ]


def test_ask_an_administrator(app: App) -> None:
    """Who may not consent gets the address to send, and a way to sign in as who may."""
    url = link(app, version=1)
    browser = visit(app, None, url)
    assert f"{app.probe.emulator.url}/{app.tenant.id}/adminconsent?client_id=" in browser.page.text
    (other,) = browser.page.links

    browser.open(other)
    sign_in(browser, holder(app.probe.emulator, "Global Administrator"))

    assert browser.press("accept") is not None
    assert granted(app)[0] == ["User.Read.All"]


def test_decline(app: App) -> None:
    """Cancelling is told as observed: access_denied, and yet admin_consent=True."""
    arrival = visit(app, "Global Administrator", link(app, scope="User.Read")).press("cancel")

    assert arrival is not None
    assert (arrival.code, arrival.values["error"]) == (65004, "access_denied")
    assert (arrival.values["admin_consent"], arrival.values["state"]) == ("True", "s1")
    assert granted(app) == ([], set())


def test_first_party(probe: Probe) -> None:
    """Microsoft Graph's own tools can be consented to for everybody."""
    app = App(probe, probe.emulator.tenant, CLI_TOOLS, "")
    url = link(app, scope="Device.Read.All", redirect_uri="http://localhost:4711")

    arrival: Arrival | None = visit(app, "Global Administrator", url).press("accept")

    assert arrival is not None
    assert "Device.Read.All" in granted(app)[1]


def test_foreign_application(launch: Callable[..., Probe]) -> None:
    """Consent to another tenant's application makes its service principal here."""
    probe = launch(users=20)
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    home = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    registered = [
        directory.applications.register(home, name, sign_in_audience=name, redirect_uris=(WEB,))
        for name in ("AzureADMultipleOrgs", "AzureADMyOrg")
    ]
    directory.applications.add_application_permission(home, registered[0].app_id, "User.Read.All")
    apps = [App(probe, tenant, one.app_id, "") for one in registered]

    visit(apps[0], "Global Administrator", link(apps[0], version=1)).press("accept")
    refused = visit(apps[1], "Global Administrator", link(apps[1], version=1))

    assert directory.consents.list_granted_roles(tenant, apps[0].client_id) == ["User.Read.All"]
    assert "AADSTS700016" in refused.page.text


def test_without_sign_in(app: App) -> None:
    """A form from nobody grants nothing."""
    form = {"client_id": app.client_id, "decision": "accept"}
    cookies, hidden = show_form(app.probe)
    answer = app.probe.post(f"/{app.tenant.id}/adminconsent", form | hidden, **cookies)

    assert (answer.status, answer.json()["error_codes"]) == (400, [50058])
    assert granted(app) == ([], set())


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refused(app: App, case: tuple[str, int]) -> None:
    """What makes no sense is refused before anybody signs in."""
    path, code = case
    answer = app.probe.get(path.format(tenant=app.tenant.id, app=app.client_id))

    assert (answer.status, answer.json()["error_codes"]) == (400, [code])
