from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application
from tests.support.emulator_probe import App, Probe, register
from tests.support.portal_visitor import (
    Visitor,
)
from tests.support.user_flows import ordinary

USER_READ_ALL = f"{GRAPH_APP_ID}/Role/df021288-bdef-4463-88db-98f22de89214"
USER_READ = f"{GRAPH_APP_ID}/Scope/e1fe6dd8-ba31-4d61-89e7-88639da4683d"
GRANT = "Grant admin consent for Contoso"


@dataclass(frozen=True)
class Place:
    """An application's API permissions, as one visitor sees them."""

    app: App
    visitor: Visitor

    @property
    def url(self) -> str:
        return f"/portal/{self.app.tenant.id}/applications/{self.app.client_id}/permissions"

    def ask_for(self, *names: str, delegated: bool = False, resource: str = GRAPH_APP_ID) -> None:
        directory = self.app.probe.emulator.directory
        add = (
            directory.applications.add_delegated_permission
            if delegated
            else directory.applications.add_application_permission
        )
        for name in names:
            add(self.app.tenant, self.app.client_id, name, resource_app_id=resource)

    def post(self, part: str, **fields: str) -> None:
        token = dict(self.visitor.open(self.url).forms[0].fields)["token"]
        self.visitor.post(f"{self.url}/{part}", {"token": token} | fields)

    @property
    def configured(self) -> set[tuple[str, str]]:
        application = self.app.probe.emulator.directory.applications.find(
            self.app.tenant, self.app.client_id
        )
        assert application is not None
        return {
            (one["type"], one["id"])
            for entry in application.record["requiredResourceAccess"]
            for one in entry["resourceAccess"]
        }

    @property
    def granted(self) -> tuple[list[str], set[str]]:
        directory = self.app.probe.emulator.directory
        scopes = directory.consents.list_granted_scopes(
            self.app.tenant, self.app.client_id, "nobody"
        )
        return directory.consents.list_granted_roles(self.app.tenant, self.app.client_id), set(
            scopes
        )


@pytest.fixture
def visit(probe: Probe) -> Callable[..., Place]:
    def start(who: str | None = "Global Administrator", **values: Any) -> Place:
        visitor = Visitor(probe)
        visitor.sign_in(who)
        return Place(register(probe, **values), visitor)

    return start


def make_api(place: Place, name: str = "Ledger API") -> Application:
    directory, tenant = place.app.probe.emulator.directory, place.app.tenant
    api = directory.applications.register(tenant, name)
    directory.applications.expose_api(
        tenant, api.app_id, app_roles=[("Ledger.Read.All", "Read the ledger")]
    )
    return api


def test_click_by_click(visit: Callable[..., Place]) -> None:
    """Add a permission, Microsoft Graph, application permissions, search, select, add, consent."""
    place = visit()
    visitor = place.visitor
    page = visitor.open(place.url)
    assert "No permissions added" in page.text
    visitor.open(page.links["Add a permission"])
    (graph,) = (url for words, url in visitor.page.links.items() if "Microsoft Graph" in words)
    visitor.open(graph)
    (kind,) = (u for words, u in visitor.page.links.items() if "Application permissions" in words)
    visitor.open(kind)
    assert "User.Read.All" in visitor.page.text
    visitor.press("Search", q="user.read")
    assert "User.Read.All" in visitor.page.text
    assert "Mail.Read" not in visitor.page.text
    visitor.press("Add permissions", ticked=[("permission", USER_READ_ALL)])

    assert "Permissions added: 1." in visitor.page.text
    assert "Microsoft Graph (1)" in visitor.page.text
    assert "⚠ Not granted for Contoso" in visitor.page.text
    assert place.configured == {("Role", "df021288-bdef-4463-88db-98f22de89214")}
    assert place.granted == ([], set())

    visitor.open(visitor.page.links[f"✓ {GRANT}"])
    assert "for all accounts in Contoso?" in visitor.page.text
    visitor.press("Yes")

    assert "Grant consent successful." in visitor.page.text
    assert "✓ Granted for Contoso" in visitor.page.text
    assert place.granted == (["User.Read.All"], set())


def test_search_keeps_what_is_chosen(visit: Callable[..., Place]) -> None:
    """What was ticked stays in sight and ticked through the next search, and is added with it."""
    place = visit()
    visitor = place.visitor
    visitor.open(f"{place.url}/add/{GRAPH_APP_ID}?kind=Role&q=user.read")
    group = f"{GRAPH_APP_ID}/Role/5b567255-7703-4780-807c-7be8301ae99b"
    visitor.press("Search", ticked=[("permission", USER_READ_ALL)], q="group.read.all")
    assert ("permission", USER_READ_ALL) in visitor.page.form("Add permissions").fields
    visitor.press("Add permissions", ticked=[("permission", group)])

    assert "Permissions added: 2." in visitor.page.text


def test_the_permission_that_was_searched_for_comes_first(visit: Callable[..., Place]) -> None:
    """Then those whose names begin so, and then those that have it in the middle."""
    place = visit()
    page = place.visitor.open(f"{place.url}/add/{GRAPH_APP_ID}?kind=Role&q=user.read")
    names = [name for name in re.findall(r"[\w-]+(?:\.[\w-]+)+", page.text) if "User.Read" in name]
    exact = place.visitor.open(f"{place.url}/add/{GRAPH_APP_ID}?kind=Role&q=USER.READ.ALL")

    beginning = [name.startswith("User.Read") for name in names]
    assert beginning == sorted(beginning, reverse=True)
    assert set(beginning) == {True, False}
    assert exact.text.index(" User.Read.All") < exact.text.index("IdentityRiskyUser.Read.All")


def test_consent_to_both_kinds(visit: Callable[..., Place]) -> None:
    """Admin consent grants delegated permissions for everybody, and application permissions."""
    place = visit()
    place.ask_for("User.Read", "Group.Read.All", delegated=True)
    place.ask_for("User.Read.All")
    page = place.visitor.open(place.url)
    assert page.text.count("⚠ Not granted for Contoso") == 2, "User.Read needs no administrator"
    place.visitor.open(f"{place.url}/consent")
    place.visitor.press("Yes")

    assert place.visitor.page.text.count("✓ Granted for Contoso") == 3
    assert place.granted == (["User.Read.All"], {"User.Read", "Group.Read.All"})


def test_removing_is_not_revoking(visit: Callable[..., Place]) -> None:
    """A removed permission stays granted, listed apart, until its consent is revoked."""
    place = visit()
    place.ask_for("User.Read.All")
    place.post("consent")
    visitor = place.visitor
    visitor.open(f"{place.url}/remove?{urlencode({'permission': USER_READ_ALL})}")
    assert "does not revoke the consent" in visitor.page.text
    visitor.press("Yes, remove")

    assert (place.configured, place.granted[0]) == (set(), ["User.Read.All"])
    assert "Other permissions granted for Contoso" in visitor.page.text
    visitor.press("Add to configured permissions")
    assert "Other permissions granted" not in visitor.page.text
    assert place.configured == {("Role", "df021288-bdef-4463-88db-98f22de89214")}

    visitor.open(f"{place.url}/revoke?{urlencode({'permission': USER_READ_ALL})}")
    visitor.press("Yes, revoke")
    assert place.granted == ([], set())
    assert "⚠ Not granted for Contoso" in visitor.page.text


def test_revoking_one_scope(visit: Callable[..., Place]) -> None:
    """Of the scopes of one consent the others stay."""
    place = visit()
    place.ask_for("User.Read", "Group.Read.All", delegated=True)
    place.post("consent")
    place.post("revoke", permission=USER_READ)

    assert place.granted == ([], {"Group.Read.All"})


@pytest.mark.parametrize(
    ("others", "configured", "granted"),
    [("keep", 1, True), ("adopt", 2, True), ("drop", 1, False)],
)
def test_other_permissions(
    visit: Callable[..., Place], others: str, configured: int, *, granted: bool
) -> None:
    """Whoever consents decides what becomes of permissions that are granted and not configured."""
    place = visit()
    place.ask_for("User.Read.All")
    directory = place.app.probe.emulator.directory
    directory.consents.grant_scopes(place.app.tenant, place.app.client_id, ["Group.Read.All"])
    place.visitor.open(f"{place.url}/consent")
    assert "What should happen to them?" in place.visitor.page.text
    place.visitor.press("Yes", others=others)

    assert len(place.configured) == configured
    assert place.granted == (["User.Read.All"], {"Group.Read.All"} if granted else set())


@pytest.mark.parametrize(
    ("role", "own_api", "allowed"),
    [
        ("Privileged Role Administrator", False, True),
        ("Application Administrator", False, False),
        ("Application Administrator", True, True),
        ("Cloud Application Administrator", False, False),
        (None, False, False),
        (None, True, False),
    ],
)
def test_who_may_consent(
    visit: Callable[..., Place], role: str | None, *, own_api: bool, allowed: bool
) -> None:
    """Who may not gets a disabled button, the address for an administrator, and 403 for a post."""
    place = visit(role)
    if own_api:
        place.ask_for("Ledger.Read.All", resource=make_api(place).app_id)
    else:
        place.ask_for("User.Read.All")
    page = place.visitor.open(place.url)
    button = next(values for _, values in page.elements if values.get("id") == "grant")
    link = f"{place.app.probe.emulator.url}/{place.app.tenant.id}/adminconsent?client_id="

    assert ("disabled" in button) is not allowed
    assert (page.ids.get("consent-link") == f"{link}{place.app.client_id}") is not allowed
    place.visitor.open(f"{place.url}/consent")
    assert place.visitor.status == (200 if allowed else 403)
    place.post("consent")
    assert place.visitor.status == (200 if allowed else 403)
    assert (link in place.visitor.page.text) is not allowed
    directory = place.app.probe.emulator.directory
    principal = directory.service_principals.find(place.app.tenant, place.app.client_id)
    assert principal is not None
    assert (
        bool(directory.consents.list_assignments(place.app.tenant, principal=principal.id))
        is allowed
    )


def test_address_for_an_administrator(visit: Callable[..., Place]) -> None:
    """The address that the ordinary user copies leads an administrator to the consent page."""
    place = visit(None)
    place.ask_for("User.Read.All")
    link = place.visitor.open(place.url).ids["consent-link"]
    admin = Visitor(place.app.probe)
    admin.sign_in("Global Administrator")
    parts = urlsplit(link)
    page = admin.open(f"{parts.path}?{parts.query}")
    assert "Nightly sync" in page.text
    admin.press("Accept")

    assert place.granted == (["User.Read.All"], set())


def test_consent_page(probe: Probe) -> None:
    """The consent page says who asks, that nobody has verified them, for what, and who is asked."""
    visitor = Visitor(probe, "pt-BR")
    upn = visitor.sign_in()
    place = Place(register(probe), visitor)
    api = make_api(place, "Ledger <API>")
    place.ask_for("Ledger.Read.All", resource=api.app_id)
    page = visitor.open(f"/{place.app.tenant.id}/adminconsent?client_id={place.app.client_id}")

    for words in (
        "Permissões solicitadas",
        "Nightly sync",
        "não verificado",
        "Contoso",
        upn,
        "Read the ledger",
        "Ledger.Read.All de Ledger <API>",
    ):
        assert words in page.text
    consent = visitor.url
    referer = {"Referer": f"{probe.emulator.url}{consent}"}
    answer = visitor._send("GET", page.links["EN"], None, None, referer)
    assert answer.headers["location"] == consent
    visitor.cookies.pop("graphdaemon-language")
    assert page.links["Trocar de conta"].startswith(f"/{place.app.tenant.id}/signin?next=")
    visitor.press("Cancelar")
    assert "Nada foi concedido" in visitor.page.text
    assert visitor.page.links["Ir para o portal"] == f"/portal/{place.app.tenant.id}"
    assert place.granted == ([], set())


def test_others_may_not_change(visit: Callable[..., Place]) -> None:
    """Somebody who neither owns the application nor administers it reads, and changes nothing."""
    place = visit(None)
    place.ask_for("User.Read.All")
    assert "Add a permission" not in place.visitor.open(place.url).links
    place.post(f"add/{GRAPH_APP_ID}", kind="Scope", permission=USER_READ)
    assert place.visitor.status == 403
    place.post("remove", permission=USER_READ_ALL)
    assert place.visitor.status == 403

    assert place.configured == {("Role", "df021288-bdef-4463-88db-98f22de89214")}


def test_owner_may_change(visit: Callable[..., Place]) -> None:
    """An ordinary user who owns the application adds permissions, and sees its own APIs."""
    place = visit(None)
    directory, tenant = place.app.probe.emulator.directory, place.app.tenant
    user = directory.objects.find(tenant, ordinary(place.app.probe.emulator), kind="user")
    api = make_api(place, "Mine")
    for app_id in (place.app.client_id, api.app_id):
        owned = directory.objects.find(tenant, app_id, kind="application")
        assert user is not None
        assert owned is not None
        directory.links.add(tenant, "owners", owned, user)
    visitor = place.visitor
    visitor.open(f"{place.url}/add?from=mine")
    visitor.open(visitor.page.links["Mine"] + "?kind=Role")
    role = api_role(place, api)
    visitor.press("Add permissions", ticked=[("permission", f"{api.app_id}/Role/{role}")])

    assert place.configured == {("Role", role)}
    assert "Mine (1)" in visitor.page.text


def api_role(place: Place, api: Application) -> str:
    found = place.app.probe.emulator.directory.applications.find(place.app.tenant, api.app_id)
    assert found is not None
    return str(found.record["appRoles"][0]["id"])


def test_apis_of_the_organization(visit: Callable[..., Place]) -> None:
    """APIs are found by the beginning of their name or by client ID; others are not there."""
    place = visit(name="Zebra reader")
    api = make_api(place, "Zebra API")
    search = f"{place.url}/add?from=organization"
    for words in ("zebra", api.app_id):
        assert "Zebra API" in place.visitor.open(f"{search}&q={words}").links
    assert "No API that exposes permissions" in place.visitor.open(f"{search}&q=nobody").text
    page = place.visitor.open(f"{search}&q=zebra%20r")
    assert "No API that exposes permissions" in page.text, "it exposes nothing"
    page = place.visitor.open(f"{place.url}/add/{api.app_id}")
    assert "This API exposes no delegated permissions." in page.text
    place.visitor.open(f"{place.url}/add/{place.app.tenant.id}")
    assert place.visitor.status == 404


def test_nothing_selected(visit: Callable[..., Place]) -> None:
    """Adding nothing is a mistake that the page names, and the search is kept."""
    place = visit()
    place.visitor.open(f"{place.url}/add/{GRAPH_APP_ID}?kind=Role")
    page = place.visitor.press("Add permissions", q="user.read")

    assert place.visitor.status == 400
    assert "Select at least one permission." in page.text
    assert ("q", "user.read") in page.form("Add permissions").fields


def test_unknown_permissions(visit: Callable[..., Place]) -> None:
    """A permission that its API has not is shown by its ID; one that nobody has is 404."""
    place = visit()
    directory, tenant = place.app.probe.emulator.directory, place.app.tenant
    api = make_api(place, "Gone API")
    role = api_role(place, api)
    place.ask_for("Ledger.Read.All", resource=api.app_id)
    principal = directory.objects.find(tenant, api.app_id, kind="servicePrincipal")
    assert principal is not None
    directory.recycle_bin.delete(tenant, principal)

    assert role in place.visitor.open(place.url).text
    place.visitor.open(f"{place.url}/remove?permission=nonsense")
    assert place.visitor.status == 404
    place.post("remove", permission=f"{api.app_id}/Role/{role}")
    assert place.configured == set()


def test_stored_script(visit: Callable[..., Place]) -> None:
    """Names that hold HTML are text on every page."""
    place = visit(name="<script>alert(1)</script>")
    api = make_api(place, "<img src=x onerror=alert(2)>")
    place.ask_for("Ledger.Read.All", resource=api.app_id)
    for part in ("", "/add?from=organization", f"/add/{api.app_id}?kind=Role", "/consent"):
        source = place.visitor.open(place.url + part).source
        assert place.visitor.status == 200
        assert "<script>alert" not in source
        assert "<img" not in source


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}],
)
def test_cross_site_post(visit: Callable[..., Place], headers: dict[str, str]) -> None:
    """Another site's form grants nothing, even with the page's token."""
    place = visit()
    place.ask_for("User.Read.All")
    token = dict(place.visitor.open(place.url).forms[0].fields)["token"]
    place.visitor.post(f"{place.url}/consent", {"token": token}, **headers)
    assert place.visitor.status == 403
    place.visitor.post(f"{place.url}/consent", {"token": "guessed"})
    assert place.visitor.status == 403

    assert place.granted == ([], set())


def test_portuguese(probe: Probe) -> None:
    """The page has the portal's own words in Brazilian Portuguese."""
    visitor = Visitor(probe, "pt-BR")
    visitor.sign_in()
    place = Place(register(probe), visitor)
    place.ask_for("User.Read.All")
    page = visitor.open(place.url)

    for words in (
        "Permissões de API",
        "Adicionar uma permissão",
        "Conceder consentimento do administrador para Contoso",
        "Não concedido para Contoso",
    ):
        assert words in page.text
    assert "Permissões de aplicativo" in visitor.open(f"{place.url}/add/{GRAPH_APP_ID}").text
