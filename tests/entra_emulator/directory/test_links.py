from collections.abc import Iterator

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.representation import read_id
from entra_emulator.model.records import Tenant
from tests.support.directory_objects import add_people, draft_group


@pytest.fixture(scope="module")
def contoso() -> Iterator[tuple[Directory, Tenant]]:
    directory = Directory(clock=Clock(at=1_800_000_000))
    yield directory, seed_directory(directory, users=250, groups=12)
    directory.close()


def test_links(directory: Directory, tenant: Tenant) -> None:
    """Members are found through nested groups, both ways, each once, also in a circle."""
    first, second = add_people(directory, tenant, 2)
    inner, outer = (directory.objects.create(tenant, "group", draft_group(n)) for n in (1, 2))
    directory.links.add(tenant, "members", inner, first)
    directory.links.add(tenant, "members", inner, second)
    directory.links.add(tenant, "members", outer, inner)
    directory.links.add(tenant, "members", outer, first)
    directory.links.add(tenant, "members", inner, outer)

    def seqs(links: LinkQuery, after: int = 0, limit: int = -1) -> list[int]:
        found = directory.links.list_neighbours(tenant, links, after=after, limit=limit)
        if not after:
            assert directory.links.count_neighbours(tenant, links) == len(found)
        return [one.seq for one in found]

    assert seqs(LinkQuery("members", outer.seq)) == [first.seq, inner.seq]
    firsts = directory.links.list_firsts(tenant, "members", [inner.seq, outer.seq, first.seq])
    assert firsts == {inner.seq: first, outer.seq: first}
    directory.recycle_bin.delete(tenant, first)
    firsts = directory.links.list_firsts(tenant, "members", [inner.seq, outer.seq])
    assert firsts == {inner.seq: second, outer.seq: inner}
    item = directory.recycle_bin.find(tenant, read_id(first.doc))
    assert item is not None
    directory.recycle_bin.restore(tenant, item, {})
    deep = LinkQuery("members", outer.seq, deep=True, kinds=["user"])
    assert seqs(deep) == [first.seq, second.seq]
    assert seqs(deep, after=first.seq, limit=1) == [second.seq]
    assert seqs(LinkQuery("members", second.seq, reverse=True)) == [inner.seq]
    assert seqs(LinkQuery("members", second.seq, reverse=True, deep=True)) == [inner.seq, outer.seq]
    assert not directory.links.add(tenant, "members", inner, first)
    assert directory.links.remove(tenant, "members", inner, first)
    assert not directory.links.remove(tenant, "members", inner, first)


def test_what_is_unlinked_as_a_whole_does_not_come_back(
    directory: Directory, tenant: Tenant
) -> None:
    """Also what was in the recycle bin: nobody has two managers when one is restored."""
    user, old, new = add_people(directory, tenant, 3)
    directory.links.add(tenant, "manager", user, old)
    directory.recycle_bin.delete(tenant, old)

    directory.links.clear(tenant, "manager", user)
    directory.links.add(tenant, "manager", user, new)
    deleted = directory.recycle_bin.find(tenant, read_id(old.doc))
    assert deleted is not None
    directory.recycle_bin.restore(tenant, deleted)

    (manager,) = directory.links.list_neighbours(tenant, LinkQuery("manager", user.seq))
    assert manager.seq == new.seq


def test_members_there_and_back(contoso: tuple[Directory, Tenant]) -> None:
    """Linked objects are paged in both directions, and counted up to a limit."""
    directory, tenant = contoso
    (found,) = directory.search.browse(tenant, "group", "All Employees").objects
    links = LinkQuery("members", found.seq)
    first = directory.links.list_neighbours(tenant, links, limit=5)
    second = directory.links.list_neighbours(tenant, links, after=first[-1].seq, limit=5)

    back = directory.links.list_neighbours(tenant, links, after=second[0].seq, limit=5, back=True)

    assert back == first[::-1]
    total = directory.links.count_neighbours(tenant, links)
    assert directory.links.count_neighbours(tenant, links, most=7) == 7 < total


@pytest.mark.parametrize("limit", [1, 3, 5, 6])
def test_joined_neighbours_are_the_summaries_of_the_listed_ones_whatever_their_types(
    directory: Directory, tenant: Tenant, limit: int
) -> None:
    group = directory.objects.create(tenant, "group", draft_group(0))
    people = (directory.objects.create(tenant, "user", user) for user in draw_users(9, 0))
    members = [
        directory.objects.create(tenant, "group", draft_group(number))
        if kind == "group"
        else next(people)
        for number, kind in enumerate("group user user group user".split(), 1)
    ]
    for member in members:
        directory.links.add(tenant, "members", group, member)
    links = LinkQuery("members", group.seq)
    summaries = {
        seq: summary
        for kind in ("user", "group")
        for _, seq, summary in directory.collections.read_rows(tenant, kind, limit=99)
    }

    after, bodies, kinds = 0, [], []
    while directory.links.has_more(tenant, links, after):
        page = directory.links.join_neighbours(tenant, links, after=after, limit=limit)
        assert 0 < len(page.kinds) <= limit
        bodies.append(page.body)
        kinds += page.kinds
        after = page.last

    assert b",".join(bodies) == b",".join(summaries[member.seq] for member in members)
    assert kinds == [member.kind for member in members]
    assert directory.links.join_neighbours(tenant, links, after=after, limit=limit).kinds == []
