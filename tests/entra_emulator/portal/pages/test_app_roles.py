from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest

from entra_emulator.model.records import Record
from tests.support.emulator_probe import App, Probe, register
from tests.support.portal_visitor import (
    Sheet,
    Visitor,
)

ROLE = {
    "displayName": "Order readers",
    "value": "Orders.Read.All",
    "description": "Read every order.",
    "members": "applications",
}


class Roles:
    """App roles of an application of its own, as somebody sees them."""

    def __init__(self, probe: Probe, who: str | None, **values: Any) -> None:
        self.app: App = register(probe, **values)
        self.visitor = Visitor(probe)
        self.visitor.sign_in(who)
        self.base = f"/portal/{self.app.tenant.id}/applications/{self.app.client_id}"
        self.url = f"{self.base}/roles"

    @property
    def records(self) -> list[Record]:
        directory = self.app.probe.emulator.directory
        found = directory.applications.find(self.app.tenant, self.app.client_id)
        assert found is not None
        roles: list[Record] = found.record["appRoles"]
        return roles

    def create(self, **changes: str) -> Sheet:
        self.visitor.open(f"{self.url}/add")
        return self.visitor.fill("Apply", ROLE | changes)

    def post(self, part: str, **fields: str) -> Sheet:
        token = dict(self.visitor.open(self.url).forms[0].fields)["token"]
        return self.visitor.post(f"{self.url}/{part}", {"token": token} | fields)


@pytest.fixture
def start(probe: Probe) -> Callable[..., Roles]:
    def begin(who: str | None = "Global Administrator", **values: Any) -> Roles:
        return Roles(probe, who, **values)

    return begin


def test_protected_api(start: Callable[..., Roles]) -> None:
    """Through pages alone an app gets a role of one's own API, and its token says so."""
    api, client = start(name=f"Orders-{uuid4()}"), start(name="Order sync")
    visitor = api.visitor
    visitor.open(f"{api.base}/exposure/uri")
    visitor.press("Save")
    visitor.open(visitor.open(api.url).links["Create app role"])
    visitor.fill("Apply", ROLE)
    assert "Orders.Read.All saved." in visitor.page.text

    name = visitor.page.headings[0][1].partition(" |")[0]
    visitor.open(f"{client.base}/permissions/add?from=organization&q={name[:12]}")
    visitor.open(visitor.page.links[name])
    (kind,) = (u for words, u in visitor.page.links.items() if "Application permissions" in words)
    visitor.open(kind)
    role = api.records[0]["id"]
    key = f"{api.app.client_id}/Role/{role}"
    visitor.press("Add permissions", ticked=[("permission", key)])
    grant = f"Grant admin consent for {api.app.tenant.display_name}"
    visitor.open(visitor.page.links[f"✓ {grant}"])
    visitor.press("Yes")

    token = client.app.token(scope=f"api://{api.app.client_id}/.default")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == f"api://{api.app.client_id}"
    assert claims["roles"] == ["Orders.Read.All"]


@pytest.mark.parametrize(
    ("members", "types"),
    [
        ("users", ["User"]),
        ("applications", ["Application"]),
        ("both", ["User", "Application"]),
    ],
)
def test_member_types(start: Callable[..., Roles], members: str, types: list[str]) -> None:
    """A role is for users and groups, for applications, or for both; the page shows it again."""
    roles = start()
    roles.create(members=members)
    (record,) = roles.records
    page = roles.visitor.open(f"{roles.url}/{record['id']}")

    assert sorted(record["allowedMemberTypes"]) == sorted(types)
    assert ("members", members) in page.form("Apply").fields
    assert record["isEnabled"]


def test_edit_disable_delete(start: Callable[..., Roles]) -> None:
    """A role is changed; it can be deleted once it is disabled, and no sooner."""
    roles = start()
    roles.create()
    key = roles.records[0]["id"]
    page = roles.visitor.open(f"{roles.url}/{key}")
    assert page.ids["why"].startswith("To delete it")
    assert "Only a disabled one" in roles.visitor.open(f"{roles.url}/{key}/delete").text
    roles.post(f"{key}/delete")
    assert roles.visitor.status == 400
    assert "CannotDeleteOrUpdateEnabledEntitlement" in roles.visitor.page.text

    disabled = {name: text for name, text in ROLE.items() if name != "displayName"}
    roles.post(key, displayName="Readers", **disabled)
    (record,) = roles.records
    assert (record["id"], record["displayName"], record["isEnabled"]) == (key, "Readers", False)
    roles.visitor.open(roles.visitor.open(f"{roles.url}/{key}").links["Delete"])
    roles.visitor.press("Yes, delete")
    assert roles.records == []


def test_disabled_role_is_not_offered(start: Callable[..., Roles]) -> None:
    """Nobody can ask for a disabled role, nor for one that is for users alone."""
    roles = start()
    roles.create(members="users")
    page = roles.visitor.open(f"{roles.base}/permissions/add/{roles.app.client_id}")

    assert "This API exposes no application permissions." in page.text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"displayName": ""}, "displayName", "Enter a value."),
        ({"value": ""}, "value", "Enter a value."),
        ({"value": "Orders Read"}, "value", "no spaces"),
        ({"value": "Taken"}, "value", "Another scope or app role"),
        ({"description": "x" * 1025}, "description", "longer than allowed"),
        ({"members": ""}, "members", "Choose who can be given this role."),
        ({"members": "everybody"}, "members", "Choose who can be given this role."),
    ],
)
def test_refused(
    start: Callable[..., Roles], changes: dict[str, str], field: str, words: str
) -> None:
    """Each mistake is named at its field, and everything that was typed is kept."""
    roles = start()
    roles.create(value="Taken")
    page = roles.create(**changes)

    assert roles.visitor.status == 400
    assert words in page.ids[f"{field}-error"]
    kept = dict(page.form("Apply").fields)
    typed = ROLE | changes
    assert {n: kept[n] for n in ("displayName", "value", "description")} == {
        n: typed[n] for n in ("displayName", "value", "description")
    }
    assert len(roles.records) == 1


def test_ordinary_user(start: Callable[..., Roles]) -> None:
    """Somebody who neither owns the application nor administers it changes nothing of it."""
    roles = start(None)
    assert "Create app role" not in roles.visitor.open(roles.url).links
    roles.post("add", **ROLE)

    assert (roles.visitor.status, roles.records) == (403, [])


def test_stored_script(start: Callable[..., Roles]) -> None:
    """Names that hold HTML stay text, listed or typed again."""
    roles = start(name="<i>Orders</i>")
    script = "<script>alert(1)</script>"
    page = roles.create(displayName=script, description="</textarea><b>")
    key = roles.records[0]["id"]

    assert script in page.text
    for part in ("", f"/{key}", f"/{key}/delete"):
        source = roles.visitor.open(roles.url + part).source
        assert "<script>alert" not in source
        assert "<b>" not in source


def test_cross_site_post(start: Callable[..., Roles]) -> None:
    """Another site's form creates nothing."""
    roles = start()
    token = dict(roles.visitor.open(roles.url).forms[0].fields)["token"]
    form = {"token": token} | ROLE
    roles.visitor.post(f"{roles.url}/add", form, Origin="https://evil.example")

    assert (roles.visitor.status, roles.records) == (403, [])


def test_missing(start: Callable[..., Roles]) -> None:
    """A role that is not there is 404."""
    roles = start()
    for part in (str(uuid4()), f"{uuid4()}/delete"):
        roles.visitor.open(f"{roles.url}/{part}")
        assert roles.visitor.status == 404
