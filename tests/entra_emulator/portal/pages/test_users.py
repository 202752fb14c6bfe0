"""Users: found by the beginning of a name, page by page, and one in full."""

from __future__ import annotations

import msgspec
import pytest

from entra_emulator.directory.links import LinkQuery
from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    find_address,
    list_shown,
)
from tests.support.user_flows import holder, ordinary

HOSTILE = '<script>alert("x")</script>'

decode = msgspec.json.decode


@pytest.fixture
def visitor(staffed: Probe) -> Visitor:
    visitor = Visitor(staffed)
    visitor.sign_in()
    return visitor


def test_users_by_name(visitor: Visitor) -> None:
    """Everybody stands there by display name, a page at a time, there and back."""
    visitor.open(find_address(visitor, "users"))
    pages = [list_shown(visitor, "users")]
    assert "120 users in the directory" in visitor.page.text
    while "Next" in " ".join(visitor.page.links):
        link = next(link for words, link in visitor.page.links.items() if "Next" in words)
        visitor.open(link)
        pages.append(list_shown(visitor, "users"))
    back = next(link for words, link in visitor.page.links.items() if "Previous" in words)
    visitor.open(back)

    names = [name.casefold() for page in pages for name in page]
    assert names == sorted(names)
    assert [len(page) for page in pages[:-1]] == [25] * (len(pages) - 1)
    assert list_shown(visitor, "users") == pages[-2]


def test_search(visitor: Visitor) -> None:
    """Name, address and family name find the same person; what is typed is shown, not run."""
    directory, tenant = visitor.probe.emulator.directory, visitor.probe.emulator.tenant
    user = directory.users.find(tenant, ordinary(visitor.probe.emulator, 7))
    assert user is not None
    for text in (user["displayName"].upper(), user["userPrincipalName"], user["surname"]):
        visitor.open(find_address(visitor, "users"))
        visitor.press("Search", q=text)
        assert user["displayName"] in list_shown(visitor, "users"), text
    visitor.open(find_address(visitor, "users"))
    visitor.press("Search", q=HOSTILE)

    assert f"Nobody is called “{HOSTILE}…”." in visitor.page.text
    assert ("script", {}) not in visitor.page.elements


def test_user(visitor: Visitor) -> None:
    """One user: identity, every property by Graph's name, roles, groups with links."""
    emulator = visitor.probe.emulator
    admin = holder(emulator, "Global Administrator")
    record = emulator.directory.users.find(emulator.tenant, admin)
    assert record is not None
    found = emulator.directory.objects.find(emulator.tenant, record["id"])
    assert found is not None
    groups = emulator.directory.links.list_neighbours(
        emulator.tenant, LinkQuery("members", found.seq, reverse=True, kinds=["group"])
    )
    visitor.open(find_address(visitor, f"users/{admin}"))
    page = visitor.page

    assert page.headings[0] == (1, record["displayName"])
    assert (page.ids["upn"], page.ids["object-id"]) == (admin, record["id"])
    assert "Global Administrator" in page.text
    assert record["securityIdentifier"] in page.ids["properties"]
    assert "proxyAddresses" in page.ids["properties"]
    names = [decode(one.doc)["displayName"] for one in groups]
    assert names
    assert set(names[:25]) <= set(page.links)


def test_nobody(visitor: Visitor) -> None:
    """A user or group that is not there is refused in words; so is another kind's ID."""
    emulator = visitor.probe.emulator
    (group,) = emulator.directory.search.browse(emulator.tenant, "group", "All Employees").objects
    for path in ("users/nobody", "groups/nothing", f"users/{decode(group.doc)['id']}"):
        visitor.open(find_address(visitor, path))
        assert visitor.status == 404
        assert "That is not in the directory" in visitor.page.text


@pytest.mark.parametrize(
    "start", ["x", "eyJ9", "WzAsIiIsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld", "WzksIiIsMV0"]
)
def test_made_up_places(visitor: Visitor, start: str) -> None:
    """A page that begins nowhere is no error."""
    for path in ("users", "groups"):
        visitor.open(find_address(visitor, f"{path}?start={start}&back=yes"))
        assert visitor.status == 200
    (found,) = visitor.probe.emulator.directory.search.browse(
        visitor.probe.emulator.tenant, "group", "All Employees"
    ).objects
    visitor.open(find_address(visitor, f"groups/{decode(found.doc)['id']}?start={start}"))
    assert visitor.status == 200


def test_portuguese(staffed: Probe) -> None:
    """The pages are called as the admin center calls them in Brazil."""
    visitor = Visitor(staffed, language="pt-BR")
    visitor.sign_in()
    titles = [
        visitor.open(find_address(visitor, path)).headings[0][1] for path in ("users", "groups")
    ]

    assert titles == ["Usuários", "Grupos"]
