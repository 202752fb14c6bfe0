"""Directory objects of every type, and what is noted about them."""

import sqlite3
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.object_collections import Position, Span
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.records import Record, Tenant

decode = msgspec.json.decode


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory(clock=Clock(at=1_800_000_000))
    yield directory
    directory.close()


@pytest.fixture
def tenant(directory: Directory) -> Tenant:
    return directory.tenants.create("Contoso", ("contoso.example",))


def group(number: int, name: str = "Team") -> Record:
    return {"id": f"00000000-0000-4000-8000-{number:012}", "displayName": name, "mailNickname": "t"}


def people(directory: Directory, tenant: Tenant, count: int) -> list[StoredObject]:
    users = list(islice(draw_users(count, 0), count))
    return [directory.objects.create(tenant, "user", user) for user in users]


def test_find(directory: Directory, tenant: Tenant) -> None:
    """An object is found by ID among all types, and by its key in its own."""
    made = directory.objects.create(tenant, "group", group(1))
    (user,) = people(directory, tenant, 1)
    upn = decode(user.doc)["userPrincipalName"]

    assert directory.objects.find(tenant, group(1)["id"].upper()) == made
    assert directory.objects.find(tenant, upn.upper(), kind="user") == user
    assert directory.objects.find(tenant, upn) is None
    assert directory.objects.find(tenant, group(1)["id"], kind="user") is None
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    assert directory.objects.find(other, group(1)["id"]) is None


def test_unique(directory: Directory, tenant: Tenant) -> None:
    """Two users do not share a name to sign in with; two groups may share a nickname."""
    (user,) = people(directory, tenant, 1)
    twin = decode(user.doc) | {"id": group(9)["id"]}
    directory.objects.create(tenant, "group", group(1))
    directory.objects.create(tenant, "group", group(2))

    with pytest.raises(ValueError, match="already"):
        directory.objects.create(tenant, "user", twin)
    assert directory.collections.count(tenant, "user") == 1
    assert directory.collections.count(tenant, "group") == 2


def test_update(directory: Directory, tenant: Tenant) -> None:
    """A change is kept, cleared by null, indexed, and noted with what was there before."""
    (user,) = people(directory, tenant, 1)
    record = decode(user.doc)
    directory.objects.update(tenant, "user", record["id"], {"department": "Legal", "city": None})

    changed = directory.objects.find(tenant, record["id"])
    assert changed is not None
    assert decode(changed.doc)["department"] == "Legal"
    assert "city" not in decode(changed.doc)
    (_, change) = directory.changes.list_between(
        tenant, "user", 0, directory.changes.read_watermark()
    )
    assert (change.what, set(change.names), change.before) == (
        "updated",
        {"department", "city"},
        user.doc,
    )


def test_no_change(directory: Directory, tenant: Tenant) -> None:
    """Setting what is set already is no change."""
    (user,) = people(directory, tenant, 1)
    directory.objects.update(tenant, "user", decode(user.doc)["id"], {})

    assert [c.what for c in directory.changes.list_between(tenant, "user", 0, 99)] == ["created"]


def test_delete_and_restore(directory: Directory, tenant: Tenant) -> None:
    """A deleted object keeps its number and links, and comes back with them."""
    (user,) = people(directory, tenant, 1)
    team = directory.objects.create(tenant, "group", group(1))
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
    first, second = people(directory, tenant, 2)
    team = directory.objects.create(tenant, "group", group(1))
    directory.links.add(tenant, "members", team, second)
    directory.recycle_bin.delete(tenant, second)
    item = directory.recycle_bin.find(tenant, decode(second.doc)["id"])
    assert item is not None
    directory.recycle_bin.purge(tenant, item)
    directory.recycle_bin.delete(tenant, team, forever=True)

    assert directory.objects.read_document(second.seq) is None
    assert directory.links.count_neighbours(tenant, LinkQuery("members", team.seq)) == 0
    assert directory.objects.create(tenant, "group", group(2)).seq > team.seq > first.seq


def test_links(directory: Directory, tenant: Tenant) -> None:
    """Members are found through nested groups, both ways, each once, also in a circle."""
    first, second = people(directory, tenant, 2)
    inner, outer = (directory.objects.create(tenant, "group", group(n)) for n in (1, 2))
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
    deep = LinkQuery("members", outer.seq, deep=True, kinds=["user"])
    assert seqs(deep) == [first.seq, second.seq]
    assert seqs(deep, after=first.seq, limit=1) == [second.seq]
    assert seqs(LinkQuery("members", second.seq, reverse=True)) == [inner.seq]
    assert seqs(LinkQuery("members", second.seq, reverse=True, deep=True)) == [inner.seq, outer.seq]
    assert not directory.links.add(tenant, "members", inner, first)
    assert directory.links.remove(tenant, "members", inner, first)
    assert not directory.links.remove(tenant, "members", inner, first)


@pytest.mark.parametrize("order", ["name", "key"])
@pytest.mark.parametrize("descending", [False, True])
def test_spans(directory: Directory, tenant: Tenant, order: str, *, descending: bool) -> None:
    """A span holds what lies between its bounds, the bounds included, in its order."""
    directory.objects.fill(tenant, "user", draw_users(60, 0))
    everything = list(directory.collections.scan(tenant, "user", Span(order, descending)))
    values = sorted(position.value or "" for position, _ in everything)
    low, high = values[10], values[40]

    rows = list(
        directory.collections.scan(tenant, "user", Span(order, descending, low, high), chunk=7)
    )

    expected = [row for row in everything if low <= (row[0].value or "") <= high]
    assert rows == expected
    assert len(expected) >= 31
    middle: Position = expected[15][0]
    span = Span(order, descending, low, high)
    assert list(directory.collections.scan(tenant, "user", span, after=middle)) == expected[16:]


def test_another_version(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A store of another version is refused with the next step, and left as it is."""
    path = tmp_path_factory.mktemp("old") / "directory.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tenant (number INTEGER)")
    connection.close()

    with pytest.raises(ValueError, match="Seed a new folder"):
        Directory(path)


@pytest.mark.parametrize("descending", [False, True])
def test_the_middle_of_a_range(directory: Directory, tenant: Tenant, *, descending: bool) -> None:
    """A page in the middle of a range is as much work as its first, and begins where it should."""
    first = directory.objects.next_number()
    with directory.filling():
        directory.objects.fill(
            tenant,
            "user",
            (
                {
                    "id": f"00000000-0000-4000-8000-{number:012}",
                    "displayName": f"Mia {number:05}",
                    "userPrincipalName": f"mia{number:05}@contoso.example",
                }
                for number in range(5000)
            ),
        )
    span = Span("name", descending=descending, low="mia 00010", high="mia 04990")
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    directory._store._writer.set_progress_handler(step, 100)
    pages, work = [], []
    for after in (None, Position("mia 02500", first + 2500)):
        steps = 0
        rows = directory.collections.read_rows(
            tenant, "user", "summary", span, after=after, limit=50
        )
        pages.append([value for value, _, _ in rows])
        work.append(steps)

    assert pages[0][0] == ("mia 04990" if descending else "mia 00010")
    assert pages[1][0] == ("mia 02499" if descending else "mia 02501")
    assert work[1] < 2 * work[0] + 50
