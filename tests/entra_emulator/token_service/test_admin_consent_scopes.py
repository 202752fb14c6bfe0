from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.emulator_probe import App, Probe, register
from tests.support.scripted_browser import Arrival, Browser
from tests.support.user_flows import CLI_TOOLS, holder, ordinary, sign_in

WEB = "https://app.example/back"
GRAPH = "https://graph.microsoft.com"


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


def test_cancel(app: App) -> None:
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
    answer = app.probe.post(f"/{app.tenant.id}/adminconsent", form)

    assert (answer.status, answer.json()["error_codes"]) == (400, [50058])
    assert granted(app) == ([], set())


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


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refused(app: App, case: tuple[str, int]) -> None:
    """What makes no sense is refused before anybody signs in."""
    path, code = case
    answer = app.probe.get(path.format(tenant=app.tenant.id, app=app.client_id))

    assert (answer.status, answer.json()["error_codes"]) == (400, [code])
