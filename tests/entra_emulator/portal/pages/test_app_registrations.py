from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    register_by_hand,
)
from tests.support.user_flows import ordinary

HOSTILE = '<script>alert("x")</script>'


def test_register(user: Visitor) -> None:
    """An ordinary user registers an application, with its service principal, and owns both."""
    emulator = user.probe.emulator
    directory, tenant = emulator.directory, emulator.tenant

    app_id = register_by_hand(user, "By hand", audience="AzureADMultipleOrgs")

    page = user.page
    assert page.headings[0] == (1, "By hand | Overview")
    assert "By hand is registered." in page.text
    application, principal = (
        directory.applications.find(tenant, app_id),
        directory.service_principals.find(tenant, app_id),
    )
    assert application is not None
    assert principal is not None
    assert application.record["signInAudience"] == "AzureADMultipleOrgs"
    assert page.ids["object-id"] == application.id
    assert page.ids["tenant-id"] == tenant.id
    assert page.ids["principal-id"] == principal.id
    (asked,) = directory.applications.list_requested_scopes(tenant, app_id).values()
    assert [scope["value"] for scope in asked] == ["User.Read"]
    user.open(page.links["App registrations"])
    user.open(user.page.links["Owned applications"])
    assert "By hand" in user.page.links


def test_same_as_graph(admin: Visitor) -> None:
    """What the portal makes is what Graph makes, but for what the portal asks for besides."""
    emulator = admin.probe.emulator
    made = emulator.directory.applications.register(emulator.tenant, "Twin")
    app_id = register_by_hand(admin, "Twin")
    found = emulator.directory.applications.find(emulator.tenant, app_id)
    assert found is not None

    own = {"id", "appId", "createdDateTime", "requiredResourceAccess"}
    differing = {name for name in made.record if made.record[name] != found.record[name]}
    assert differing <= own


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"name": " "}, "Give the application a name."),
        ({"name": "n" * 257}, "A name has at most 256 characters."),
        ({"name": "n", "audience": "Everybody"}, "Choose one of these."),
        ({"name": "n", "redirect": "https://a.example"}, "Select the platform"),
        ({"name": "n", "redirect": "no address", "platform": "web"}, "is an https address"),
    ],
)
def test_refused_names(admin: Visitor, typed: dict[str, str], complaint: str) -> None:
    """What is wrong is said at its field, and what was typed is kept."""
    count = admin.probe.emulator.directory.collections.count(
        admin.probe.emulator.tenant, "application"
    )
    admin.open(f"/portal/{admin.probe.emulator.tenant.id}/applications/new")
    page = admin.press("Register", typed)

    assert admin.status == 400
    assert complaint in page.text
    (error,) = (key for key in page.ids if key.endswith("-error"))
    described = {
        word for _, attrs in page.elements for word in attrs.get("aria-describedby", "").split()
    }
    assert error in described
    assert dict(page.form("Register").fields)["name"] == typed["name"].strip()
    directory = admin.probe.emulator.directory
    assert directory.collections.count(admin.probe.emulator.tenant, "application") == count


def test_redirect(admin: Visitor) -> None:
    """A redirect URI belongs to the chosen platform."""
    app_id = register_by_hand(admin, "Web app", platform="web", redirect="https://app.example/back")
    emulator = admin.probe.emulator
    found = emulator.directory.applications.find(emulator.tenant, app_id)

    assert found is not None
    assert found.record["web"]["redirectUris"] == ["https://app.example/back"]
    assert "1 web, 0 spa, 0 public client" in admin.page.text


def test_guest(probe: Probe, visitor: Visitor) -> None:
    """Guests may not register applications."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    users = (json.loads(doc) for _, doc in directory.collections.scan(tenant, "user"))
    guest = next(u for u in users if u["userType"] == "Guest" and u["accountEnabled"])
    visitor.sign_in(guest["userPrincipalName"])
    visitor.open(f"/portal/{tenant.id}/applications/new")
    visitor.press("Register", name="Mine")

    assert visitor.status == 403
    assert "Guests cannot register applications" in visitor.page.text


def test_hostile_name(admin: Visitor) -> None:
    """A name with a script in it is shown as it is, on every page, and never run."""
    app_id = register_by_hand(admin, HOSTILE)
    home = f"/portal/{admin.probe.emulator.tenant.id}/applications"
    places = ["", f"?q={HOSTILE[:8]}", "/owned", f"/{app_id}", f"/{app_id}/branding"]
    places += [f"/{app_id}/{end}" for end in ("credentials", "manifest", "delete", "permissions")]
    for place in places:
        page = admin.open(home + place)
        assert (admin.status, HOSTILE[:20] in page.text) == (200, True), place
        scripts = [attrs for tag, attrs in page.elements if tag == "script"]
        assert [set(attrs) for attrs in scripts] == [{"src", "defer"}]
    admin.open(f"{home}/{app_id}/delete")
    admin.press("Delete")
    assert HOSTILE in admin.page.text


def test_search_and_pages(launch: Callable[..., Probe]) -> None:
    """The list is sorted by name, turns pages, and finds by name or client ID."""
    probe = launch(users=5)
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    made = [directory.applications.register(tenant, f"Zeta {n:02}") for n in range(60)]
    visitor = Visitor(probe)
    visitor.sign_in()
    page = visitor.open(f"/portal/{tenant.id}/applications?q=ZETA")
    seen: list[str] = []
    while True:
        names = [name for name in page.links if name.startswith("Zeta")]
        seen += names
        if "Next page" not in page.links:
            break
        page = visitor.open(page.links["Next page"])
    assert seen == [f"Zeta {n:02}" for n in range(60)]
    page = visitor.open(page.links["Previous page"])
    assert "Zeta 25" in page.links

    page = visitor.open(f"/portal/{tenant.id}/applications?q={made[7].app_id[:13]}")
    assert [name for name in page.links if name.startswith("Zeta")] == ["Zeta 07"]
    page = visitor.open(f"/portal/{tenant.id}/applications?q=nothing+like+it")
    assert "No application's name or client ID begins so." in page.text


def test_not_the_owner(admin: Visitor, user: Visitor) -> None:
    """Who does not own an application may look at it; a change is refused, and said how to get."""
    app_id = register_by_hand(admin, "Somebody's")
    home = f"/portal/{admin.probe.emulator.tenant.id}/applications/{app_id}"
    for place in ("", "/branding", "/credentials"):
        page = user.open(home + place)
        assert "You can view this application" in page.text
        assert not {"Delete", "New client secret", "Change the display name"} & page.links.keys()
    token = dict(page.forms[0].fields)["token"]
    for place in ("/branding", "/delete", "/credentials/secrets/new"):
        user.post(home + place, {"token": token, "name": "Mine", "expires": "180"})
        assert user.status == 403
        assert "Application Administrator" in user.page.text
        assert "Sign in as somebody else" in user.page.links

    user.sign_in(ordinary(admin.probe.emulator, 1))
    assert user.open(home).ids["client-id"] == app_id


def test_application_administrator(user: Visitor, visitor: Visitor) -> None:
    """Application administrators may change what others own."""
    app_id = register_by_hand(user, "A user's")
    visitor.sign_in("Cloud Application Administrator")
    visitor.open(f"/portal/{user.probe.emulator.tenant.id}/applications/{app_id}/branding")
    visitor.press("Save", name="An administrator's")

    assert visitor.status == 200
    assert "The application is called An administrator's." in visitor.page.text
