"""Users and groups: found by the beginning of a name, page by page, and one in full."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from entra_emulator.directory.links import LinkQuery
from entra_emulator.model.records import Record
from tests.support.emulator_probe import Probe, running
from tests.support.portal_visitor import Visitor
from tests.support.user_flows import holder, ordinary

HOSTILE = '<script>alert("x")</script>'

decode = msgspec.json.decode


@pytest.fixture(scope="module")
def staffed(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("staffed")
    with running(keys, data, users=120, groups=40) as probe:  # type: ignore[arg-type]  # the fixture
        yield probe


@pytest.fixture
def visitor(staffed: Probe) -> Visitor:
    visitor = Visitor(staffed)
    visitor.sign_in()
    return visitor


def at(visitor: Visitor, path: str) -> str:
    return f"/portal/{visitor.probe.emulator.tenant.id}/{path}"


def shown(visitor: Visitor, section: str) -> list[str]:
    """The names in the list, which are links to their pages."""
    beginning = at(visitor, f"{section}/")
    return [name for name, link in visitor.page.links.items() if link.startswith(beginning)]


def test_users_by_name(visitor: Visitor) -> None:
    """Everybody stands there by display name, a page at a time, there and back."""
    visitor.open(at(visitor, "users"))
    pages = [shown(visitor, "users")]
    assert "120 users in the directory" in visitor.page.text
    while "Next" in " ".join(visitor.page.links):
        link = next(link for words, link in visitor.page.links.items() if "Next" in words)
        visitor.open(link)
        pages.append(shown(visitor, "users"))
    back = next(link for words, link in visitor.page.links.items() if "Previous" in words)
    visitor.open(back)

    names = [name.casefold() for page in pages for name in page]
    assert names == sorted(names)
    assert [len(page) for page in pages[:-1]] == [25] * (len(pages) - 1)
    assert shown(visitor, "users") == pages[-2]


def test_search(visitor: Visitor) -> None:
    """Name, address and family name find the same person; what is typed is shown, not run."""
    directory, tenant = visitor.probe.emulator.directory, visitor.probe.emulator.tenant
    user = directory.users.find(tenant, ordinary(visitor.probe.emulator, 7))
    assert user is not None
    for text in (user["displayName"].upper(), user["userPrincipalName"], user["surname"]):
        visitor.open(at(visitor, "users"))
        visitor.press("Search", q=text)
        assert user["displayName"] in shown(visitor, "users"), text
    visitor.open(at(visitor, "users"))
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
    visitor.open(at(visitor, f"users/{admin}"))
    page = visitor.page

    assert page.headings[0] == (1, record["displayName"])
    assert (page.ids["upn"], page.ids["object-id"]) == (admin, record["id"])
    assert "Global Administrator" in page.text
    assert record["securityIdentifier"] in page.ids["properties"]
    assert "proxyAddresses" in page.ids["properties"]
    names = [decode(one.content)["displayName"] for one in groups]
    assert names
    assert set(names[:25]) <= set(page.links)


def test_nobody(visitor: Visitor) -> None:
    """A user or group that is not there is refused in words; so is another kind's ID."""
    emulator = visitor.probe.emulator
    (group,) = emulator.directory.search.browse(emulator.tenant, "group", "All Employees").objects
    for path in ("users/nobody", "groups/nothing", f"users/{decode(group.doc)['id']}"):
        visitor.open(at(visitor, path))
        assert visitor.status == 404
        assert "That is not in the directory" in visitor.page.text


def test_group(visitor: Visitor) -> None:
    """One group: its type, owners and members page by page, with how many there are."""
    emulator = visitor.probe.emulator
    directory, tenant = emulator.directory, emulator.tenant
    (found,) = directory.search.browse(tenant, "group", "All Employees").objects
    links = LinkQuery("members", found.seq)
    total = directory.links.count_neighbours(tenant, links)
    visitor.open(at(visitor, f"groups/{decode(found.doc)['id']}"))
    seen: list[str] = []
    while True:
        seen += shown(visitor, "users")
        onward = [link for words, link in visitor.page.links.items() if "Next" in words]
        if not onward:
            break
        visitor.open(onward[0])

    assert visitor.page.ids["member-count"] == str(total)
    members = [
        decode(one.content)["displayName"] for one in directory.links.list_neighbours(tenant, links)
    ]
    assert set(members) == set(seen)
    assert total > 75


def test_hidden_members(staffed: Probe) -> None:
    """A group that hides its members shows them to members and administrators alone."""
    emulator = staffed.emulator
    directory, tenant = emulator.directory, emulator.tenant
    member, stranger = (
        directory.objects.find(tenant, ordinary(emulator, number), kind="user") for number in (3, 4)
    )
    assert member is not None
    assert stranger is not None
    record: Record = {
        "id": "00000000-0000-4000-8000-000000000077",
        "displayName": "Secret circle",
        "groupTypes": ["Unified"],
        "mailEnabled": True,
        "mailNickname": "circle",
        "securityEnabled": False,
        "visibility": "HiddenMembership",
    }
    group = directory.objects.create(tenant, "group", record)
    directory.links.add(tenant, "members", group, member)
    told = {}
    for who in (decode(member.doc), decode(stranger.doc), None):
        visitor = Visitor(staffed)
        visitor.sign_in(who["userPrincipalName"] if who else "Global Administrator")
        visitor.open(at(visitor, f"groups/{record['id']}"))
        told[who["displayName"] if who else "admin"] = "hides its members" in visitor.page.text
        assert "Microsoft 365" in visitor.page.text

    assert told == {
        decode(member.doc)["displayName"]: False,
        decode(stranger.doc)["displayName"]: True,
        "admin": False,
    }


@pytest.mark.parametrize(
    "start", ["x", "eyJ9", "WzAsIiIsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld", "WzksIiIsMV0"]
)
def test_made_up_places(visitor: Visitor, start: str) -> None:
    """A page that begins nowhere is no error."""
    for path in ("users", "groups"):
        visitor.open(at(visitor, f"{path}?start={start}&back=yes"))
        assert visitor.status == 200
    (found,) = visitor.probe.emulator.directory.search.browse(
        visitor.probe.emulator.tenant, "group", "All Employees"
    ).objects
    visitor.open(at(visitor, f"groups/{decode(found.doc)['id']}?start={start}"))
    assert visitor.status == 200


def test_portuguese(staffed: Probe) -> None:
    """The pages are called as the admin center calls them in Brazil."""
    visitor = Visitor(staffed, language="pt-BR")
    visitor.sign_in()
    titles = [visitor.open(at(visitor, path)).headings[0][1] for path in ("users", "groups")]

    assert titles == ["Usuários", "Grupos"]
