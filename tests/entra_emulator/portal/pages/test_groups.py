from __future__ import annotations

import msgspec
import pytest

from entra_emulator.directory.links import LinkQuery
from entra_emulator.model.records import Record
from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    find_address,
    list_shown,
)
from tests.support.user_flows import ordinary

decode = msgspec.json.decode


@pytest.fixture
def visitor(staffed: Probe) -> Visitor:
    visitor = Visitor(staffed)
    visitor.sign_in()
    return visitor


def test_group(visitor: Visitor) -> None:
    """One group: its type, owners and members page by page, with how many there are."""
    emulator = visitor.probe.emulator
    directory, tenant = emulator.directory, emulator.tenant
    (found,) = directory.search.browse(tenant, "group", "All Employees").objects
    links = LinkQuery("members", found.seq)
    total = directory.links.count_neighbours(tenant, links)
    visitor.open(find_address(visitor, f"groups/{decode(found.doc)['id']}"))
    seen: list[str] = []
    while True:
        seen += list_shown(visitor, "users")
        onward = [link for words, link in visitor.page.links.items() if "Next" in words]
        if not onward:
            break
        visitor.open(onward[0])

    assert visitor.page.ids["member-count"] == str(total)
    members = [
        decode(one.doc)["displayName"] for one in directory.links.list_neighbours(tenant, links)
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
        visitor.open(find_address(visitor, f"groups/{record['id']}"))
        told[who["displayName"] if who else "admin"] = "hides its members" in visitor.page.text
        assert "Microsoft 365" in visitor.page.text

    assert told == {
        decode(member.doc)["displayName"]: False,
        decode(stranger.doc)["displayName"]: True,
        "admin": False,
    }
