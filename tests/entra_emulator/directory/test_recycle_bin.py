import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.model.records import Tenant
from tests.support.directory_objects import add_people, draft_group

decode = msgspec.json.decode


def test_delete_and_restore(directory: Directory, tenant: Tenant) -> None:
    """A deleted object keeps its number and links, and comes back with them."""
    (user,) = add_people(directory, tenant, 1)
    team = directory.objects.create(tenant, "group", draft_group(1))
    directory.links.add(tenant, "members", team, user)
    user_id = decode(user.doc)["id"]
    directory.recycle_bin.delete(tenant, user)

    assert directory.objects.find(tenant, user_id) is None
    assert directory.links.list_neighbours(tenant, LinkQuery("members", team.seq)) == []
    item = directory.recycle_bin.find(tenant, user_id)
    assert item is not None
    assert (item.seq, item.moment) == (user.seq, 1_800_000_000)
    assert [one.seq for one in directory.recycle_bin.list_objects(tenant, "user")] == [user.seq]
    assert directory.recycle_bin.restore(tenant, item) == user
    assert [
        one.seq for one in directory.links.list_neighbours(tenant, LinkQuery("members", team.seq))
    ] == [user.seq]
    assert [c.what for c in directory.changes.list_between(tenant, "user", 0, 99)] == [
        "created",
        "deleted",
        "restored",
    ]


def test_purge(directory: Directory, tenant: Tenant) -> None:
    """What is removed for ever takes its links along; its number is not given again."""
    first, second = add_people(directory, tenant, 2)
    team = directory.objects.create(tenant, "group", draft_group(1))
    directory.links.add(tenant, "members", team, second)
    directory.recycle_bin.delete(tenant, second)
    item = directory.recycle_bin.find(tenant, decode(second.doc)["id"])
    assert item is not None
    directory.recycle_bin.purge(tenant, item)
    directory.recycle_bin.delete(tenant, team, forever=True)

    assert directory.objects.read_document(second.seq) is None
    assert directory.links.count_neighbours(tenant, LinkQuery("members", team.seq)) == 0
    assert directory.objects.create(tenant, "group", draft_group(2)).seq > team.seq > first.seq


def test_who_is_restored_under_another_name_is_found_by_that_name(
    directory: Directory, tenant: Tenant
) -> None:
    (user,) = add_people(directory, tenant, 1)
    user_id = decode(user.doc)["id"]
    directory.recycle_bin.delete(tenant, user)
    item = directory.recycle_bin.find(tenant, user_id)
    assert item is not None
    changes = {
        "userPrincipalName": "nova@contoso.example",
        "mailNickname": "estrela",
        "displayName": "Nova Lua",
    }
    directory.recycle_bin.restore(tenant, item, changes)

    for text in ("nova@", "estrela", "lua"):
        found = directory.search.browse(tenant, "user", text).objects
        assert [decode(one.doc)["id"] for one in found] == [user_id], text
    was = decode(user.doc)["displayName"].split()[-1]
    assert directory.search.browse(tenant, "user", was).objects == []
    # What is read of an object for a filter is read of the restored one as well.
    ((_, _, brief),) = directory.collections.read_rows(tenant, "user", "brief", limit=9)
    restored = directory.objects.find(tenant, user_id)
    assert restored is not None
    assert decode(brief)["userPrincipalName"] == "nova@contoso.example"
    assert len(brief) < len(restored.doc)
