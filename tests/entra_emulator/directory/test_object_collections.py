import msgspec
import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory import object_collections
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.object_collections import CHUNK, Position, Span
from entra_emulator.directory.steps import finish, take_step
from entra_emulator.model.records import Tenant


def test_pages(directory: Directory, seeded: Tenant) -> None:
    """Faces come in creation order, each exactly once, whatever the page size."""
    for limit in (1, 7, 40, 41):
        after, found = None, []
        while rows := directory.collections.read_rows(seeded, "user", after=after, limit=limit):
            found += [msgspec.json.decode(face)["id"] for _, _, face in rows]
            after = Position(None, rows[-1][1])

        assert found == [user["id"] for user in draw_users(40, 0)]


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("what", ["summary", "doc", "brief", "core"])
def test_pages_begin_in_an_index(
    directory: Directory, seeded: Tenant, order: str, what: str, *, descending: bool
) -> None:
    """Wherever a page begins, nothing before it is read and nothing sorted; among equals too."""
    after = Position(None if order == "seq" else "m", 20)
    span = Span(order, descending)
    statement, values = object_collections._select(seeded, "user", what, span, after=after, limit=9)

    plans = [row[3] for row in directory._store.read(f"EXPLAIN QUERY PLAN {statement}", values)]

    assert not any("TEMP B-TREE" in plan for plan in plans), plans
    sign = "<" if descending else ">"
    expected = f" AND seq{sign}?" if order == "seq" else f" AND ({order},number){sign}(?,?)"
    assert expected in plans[0]


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("what", ["summary", "doc", "brief", "core"])
def test_joined(
    directory: Directory, seeded: Tenant, order: str, what: str, *, descending: bool
) -> None:
    """What is joined is what the rows are, with a position where it is as many as may be."""
    span = Span(order, descending)
    rows = directory.collections.read_rows(seeded, "user", what, span, limit=99)
    for limit in (1, 7, 39, 40, 41):
        after, parts = None, []
        while True:
            body, after = directory.collections.read_joined(
                seeded, "user", what, span, after=after, limit=limit
            )
            parts.append(body)
            if after is None or not directory.collections.has_more(seeded, "user", span, after):
                break

        assert (after is None) == (40 % limit != 0)
        assert b",".join(parts) == b",".join(content for _, _, content in rows)
        assert len(parts) == -(-40 // limit)
    assert directory.collections.read_joined(seeded, "group", what, span, limit=5) == (b"", None)


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("limit", [0, 1, 3, 20, 100])
def test_search(directory: Directory, seeded: Tenant, order: str, limit: int) -> None:
    """A search finds what matches, so many at once, and goes on where it ended."""
    span = Span(order)
    match = b'"employeeType":"Contractor"'.__contains__
    expected = [doc for _, doc in directory.collections.scan(seeded, "user", span) if match(doc)]
    position: Position | None = None
    found: list[bytes] = []
    for _ in range(50):
        steps = directory.collections.list_matching(
            seeded, "user", match, span=span, after=position, limit=limit
        )
        docs, position = finish(steps)
        found += docs
        if position is None:
            break

    assert found == (expected if limit else [])
    counting = directory.collections.count_matching(seeded, "user", match, span=span)
    assert finish(counting) == len(expected)
    assert finish(directory.collections.count_matching(seeded, "user", None, span=span)) == 40
    listing = directory.collections.list_matching(seeded, "user", None, span=span, limit=100)
    everything, _ = finish(listing)
    assert everything == [doc for _, doc in directory.collections.scan(seeded, "user", span)]


def test_a_search_that_finds_nothing_ends_a_step_after_each_chunk(directory: Directory) -> None:
    tenant = seed_directory(directory, users=2 * CHUNK + 1)
    matched = 0

    def match(_: bytes) -> bool:
        nonlocal matched
        matched += 1
        return False

    listing = directory.collections.list_matching(tenant, "user", match, limit=1)
    counting = directory.collections.count_matching(tenant, "user", match)

    for steps in (listing, counting):
        matched, seen = 0, [0]
        while take_step(steps) is None:
            seen.append(matched)
        assert seen[:3] == [0, CHUNK, 2 * CHUNK]
        assert matched == 2 * CHUNK + 1


def test_counts(directory: Directory, seeded: Tenant) -> None:
    """Counts follow every way to come and go, and are each tenant's own."""
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    assert [directory.collections.count(one, "user") for one in (seeded, other)] == [40, 0]
    record = {"id": "11111111-1111-4111-8111-111111111111", "userPrincipalName": "a@x.example"}
    directory.objects.create(other, "user", record)
    made = directory.collections.count(other, "user")
    found = directory.objects.find(other, record["id"])
    assert found is not None
    directory.recycle_bin.delete(other, found)
    gone = directory.collections.count(other, "user")
    item = directory.recycle_bin.find(other, record["id"])
    assert item is not None
    directory.recycle_bin.restore(other, item)
    back = directory.collections.count(other, "user")

    def fail() -> None:
        with directory.transaction():
            directory.recycle_bin.delete(other, found, forever=True)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    kept = directory.collections.count(other, "user")
    with directory.filling():
        directory.objects.fill(
            seeded, "user", [record | {"userPrincipalName": "b@contoso.example"}]
        )
    directory.clear()

    assert (made, gone, back, kept) == (1, 0, 1, 1)
    assert directory.collections.count(seeded, "user") == 0


@pytest.mark.parametrize("order", ["seq", "name", "key"])
@pytest.mark.parametrize("descending", [False, True])
def test_scan(directory: Directory, seeded: Tenant, order: str, *, descending: bool) -> None:
    """A scan is ordered, complete, and goes on from any position, in chunks of any size."""
    span = Span(order, descending)
    rows = list(directory.collections.scan(seeded, "user", span))

    positions = [(position.value or "", position.seq) for position, _ in rows]
    assert positions == sorted(positions, reverse=descending)
    assert len(rows) == 40
    for number, (position, _) in enumerate(rows):
        rest = directory.collections.scan(seeded, "user", span, after=position, chunk=number + 1)
        assert list(rest) == rows[number + 1 :]


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
