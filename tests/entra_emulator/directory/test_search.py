"""Looking through a directory by the beginnings of names."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory import search
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import ALIASES
from entra_emulator.directory.search import SearchPage, SearchPosition
from entra_emulator.model.records import Tenant

decode = msgspec.json.decode


@pytest.fixture(scope="module")
def contoso() -> Iterator[tuple[Directory, Tenant]]:
    directory = Directory(clock=Clock(at=1_800_000_000))
    yield directory, seed_directory(directory, users=250, groups=12)
    directory.close()


def add(directory: Directory, tenant: Tenant, number: int, name: str, upn: str, **more: Any) -> str:
    object_id = f"00000000-0000-4000-8000-{number:012}"
    record = {"id": object_id, "displayName": name, "userPrincipalName": upn, **more}
    directory.objects.create(tenant, "user", record)
    return object_id


def names(sheet: SearchPage) -> list[str]:
    return [decode(found.doc)["displayName"] for found in sheet.objects]


def turn(
    browse: Callable[..., SearchPage], start: SearchPosition | None = None, *, back: bool = False
) -> Iterator[SearchPage]:
    """The pages one behind the other."""
    while True:
        sheet = browse(start=start, back=back)
        yield sheet
        start = sheet.before if back else sheet.after
        if start is None:
            return


def test_every_name_finds(directory: Directory, tenant: Tenant) -> None:
    """Name, later words of it, user principal name, nickname and address, in any case."""
    upn = "ada#EXT#@contoso.example"
    add(directory, tenant, 1, "Ana Maria da Silva", upn, mailNickname="Boss", mail="dora@x.example")
    add(directory, tenant, 2, "Ben", "ben@contoso.example")

    for text in ("ana m", "MARIA", "da silva", "Silva", "ada#", "boss", "dora@", "ANA MARIA DA"):
        assert names(directory.search.browse(tenant, "user", text)) == ["Ana Maria da Silva"], text
    for text in ("na", "ana silva", "%", "_na"):
        assert names(directory.search.browse(tenant, "user", text)) == [], text


def test_once(directory: Directory, tenant: Tenant) -> None:
    """Who is found by several names stands there once, by display name first."""
    add(directory, tenant, 1, "Zoe Alma Alba", "alz@contoso.example", mailNickname="alias")
    add(directory, tenant, 2, "Al Alton", "al.alton@contoso.example")

    assert names(directory.search.browse(tenant, "user", "al")) == ["Al Alton", "Zoe Alma Alba"]


def test_renamed_deleted_restored(directory: Directory, tenant: Tenant) -> None:
    """The words that find somebody are those of today."""
    key = add(directory, tenant, 1, "Ana Silva", "ana@contoso.example")
    directory.objects.update(tenant, "user", key, {"displayName": "Ana Souza"})
    renamed = [names(directory.search.browse(tenant, "user", text)) for text in ("silva", "souza")]
    found = directory.objects.find(tenant, key)
    assert found is not None
    directory.recycle_bin.delete(tenant, found)
    deleted = names(directory.search.browse(tenant, "user", "souza"))
    item = directory.recycle_bin.find(tenant, key)
    assert item is not None
    directory.recycle_bin.restore(tenant, item)
    restored = names(directory.search.browse(tenant, "user", "souza"))
    directory.recycle_bin.delete(tenant, found, forever=True)

    assert renamed == [[], ["Ana Souza"]]
    assert (deleted, restored) == ([], ["Ana Souza"])
    assert names(directory.search.browse(tenant, "user", "souza")) == []


@pytest.mark.parametrize("text", ["", "a", "al", "ma"])
def test_pages_there_and_back(contoso: tuple[Directory, Tenant], text: str) -> None:
    """Pages go through everybody once, and back the same way."""
    directory, tenant = contoso

    def browse(**place: Any) -> SearchPage:
        return directory.search.browse(tenant, "user", text, limit=4, **place)

    there = list(turn(browse))
    back = list(turn(browse, there[-1].before, back=True))
    seen = [found.seq for sheet in there for found in sheet.objects]
    users = [(seq, decode(doc)) for (_, seq), doc in directory.collections.scan(tenant, "user")]
    called = [
        seq
        for seq, user in users
        if f" {text}" in f" {user['displayName']} {user['userPrincipalName']}".casefold()
    ]

    assert sorted(seen) == called
    assert [names(sheet) for sheet in back] == [names(sheet) for sheet in there[-2::-1]]
    assert (there[0].before, there[-1].after) == (None, None)


def test_too_many_to_tell_apart(directory: Directory, tenant: Tenant) -> None:
    """Who is found by every name is passed over, but not for ever; the page is said to be cut."""
    with directory.filling():
        directory.objects.fill(
            tenant,
            "user",
            (
                {
                    "id": f"00000000-0000-4000-8000-{number:012}",
                    "displayName": f"Bot {number}",
                    "userPrincipalName": f"bot{number:05}@contoso.example",
                }
                for number in range(search.MOST_PASSED + 600)
            ),
        )
    add(directory, tenant, 90_001, "Zed", "botz@contoso.example")

    end = list(
        turn(lambda **place: directory.search.browse(tenant, "user", "bot", limit=999, **place))
    )

    assert sum(len(sheet.objects) for sheet in end) == search.MOST_PASSED + 600
    assert end[-1].cut
    assert names(directory.search.browse(tenant, "user", "botz")) == ["Zed"]
    assert not directory.search.browse(tenant, "user", "botz").cut


@pytest.mark.parametrize(("bots", "cut"), [(999, False), (1000, True)])
def test_a_thousand_are_passed_over(
    directory: Directory, tenant: Tenant, bots: int, cut: bool
) -> None:
    """Behind 999 that were shown already the next is still looked for, behind 1,000 it is not."""
    directory.objects.fill(
        tenant,
        "user",
        (
            {
                "id": f"00000000-0000-4000-8000-{number:012}",
                "displayName": f"Bot {number}",
                "userPrincipalName": f"bot{number:05}@contoso.example",
            }
            for number in range(bots)
        ),
    )
    add(directory, tenant, 90_001, "Zed", "botz@contoso.example")

    page = directory.search.browse(tenant, "user", "bot", limit=2000)

    assert len(page.objects) == (bots if cut else bots + 1)
    assert page.cut is cut


def test_no_scan(contoso: tuple[Directory, Tenant]) -> None:
    """Every statement is answered by the beginning of an index, and sorts nothing."""
    directory, tenant = contoso
    asked: list[tuple[str, Any]] = []
    store = directory._store
    read = store.read

    class Watched:
        def read(self, statement: str, values: Any = ()) -> list[Any]:
            asked.append((statement, values))
            return read(statement, values)

    watched = search.Search(Watched())  # type: ignore[arg-type]  # reads as a store does
    places = [SearchPosition(index, "al", 1) for index in range(3)]
    for start in (None, *places):
        for back in (False, True):
            for text in ("", "al"):
                watched.browse(tenant, "user", text, start=start, back=back, limit=20)
    plans = [
        row[3]
        for one, values in asked
        for row in read(f"EXPLAIN QUERY PLAN {one}", dict_of(values))
    ]

    assert len(asked) > 20
    assert [plan for plan in plans if plan.startswith("SCAN") or "TEMP B-TREE" in plan] == []
    assert any("alias_word (tenant=? AND kind=? AND word>? AND word<?)" in plan for plan in plans)
    assert any("object_name (tenant=? AND kind=? AND name>? AND name<?)" in plan for plan in plans)
    assert any("object_key (tenant=? AND kind=? AND key>? AND key<?)" in plan for plan in plans)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("back", [False, True])
def test_the_middle_costs_no_more(
    directory: Directory, tenant: Tenant, index: int, back: bool
) -> None:
    """A page in the middle of the list is as much work as the first one."""
    with directory.filling():
        directory.objects.fill(
            tenant,
            "user",
            (
                {
                    "id": f"00000000-0000-4000-8000-{number:012}",
                    "displayName": ("Mia" if index == 0 else "Zoe") + f" {number:05}",
                    "userPrincipalName": f"{'zmz'[index]}{number:05}@contoso.example",
                    "mailNickname": f"m{number:05}",
                }
                for number in range(5000)
            ),
        )
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    directory._store._writer.set_progress_handler(step, 100)
    work = []
    for start in (
        None,
        SearchPosition(
            index, ("mia 02500", "m02500", "m02500")[index], 2500 * (ALIASES if index == 2 else 1)
        ),
    ):
        steps = 0
        sheet = directory.search.browse(
            tenant, "user", "m", start=start, back=back and start is not None
        )
        assert len(sheet.objects) == 50
        work.append(steps)

    assert work[1] < 2 * work[0] + 50


def dict_of(values: Any) -> Any:
    """Values as SQLite takes them, named or not."""
    return dict(values) if isinstance(values, dict) else tuple(values)


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "\u00c4rger", "tab\there", "it's"])
def test_a_unique_name_is_found_whatever_its_letters(
    directory: Directory, tenant: Tenant, name: str
) -> None:
    record = {"id": directory.new_id(), "displayName": "x", "uniqueName": name}
    made = directory.objects.create(tenant, "group", record)

    found = directory.search.find_by_unique_name(tenant, "group", name)

    assert found is not None
    assert found.seq == made.seq
    assert directory.search.find_by_unique_name(tenant, "group", name + "x") is None


# The addresses of users whose names to sign in with are `ada@contoso.example` and the like.
ADDRESSES = {
    "as the name to sign in with": "ada@contoso.example",
    "that name in another domain": "ada@contoso.onmicrosoft.com",
    "its beginning": "ad@contoso.example",
    "longer": "ada@contoso.example.org",
    "the display name": "ada@fabrikam.example",
    "quite another": "countess@lovelace.example",
    "of letters beyond ASCII": "ÄRGER@straße.example",
    "with quotes": "o'\"brien@contoso.example",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
@pytest.mark.parametrize("name", ["mail", "proxyAddresses"])
def test_an_address_is_found_whatever_else_its_holder_is_called(
    directory: Directory, tenant: Tenant, name: str, address: str
) -> None:
    value: Any = address if name == "mail" else ["SMTP:x@y.example", f"smtp:{address}"]
    known = [
        add(directory, tenant, 1, "ada@fabrikam.example", "ada@contoso.example", **{name: value}),
        add(directory, tenant, 2, "Ada", "ad@contoso.example", mailNickname="ada"),
        add(directory, tenant, 3, "Bo", "ada@contoso.example.net", mail="bo@contoso.example"),
    ]

    for written in (address, address.upper(), address.lower()):
        found = directory.search.find_by_address(tenant, written)
        assert [decode(one.doc)["id"] for one in found] == known[:1]
    for stranger in (f"x{address}", f"{address}x", address.partition("@")[0]):
        assert directory.search.find_by_address(tenant, stranger) == []
    directory.objects.update(tenant, "user", known[0], {"mail": None, "proxyAddresses": None})
    assert directory.search.find_by_address(tenant, address) == []


def test_an_address_of_a_hundred_and_of_a_group_is_found(
    directory: Directory, tenant: Tenant
) -> None:
    many = [f"smtp:former{number}@contoso.example" for number in range(300)]
    add(directory, tenant, 1, "A B C D E F", "ada@contoso.example", proxyAddresses=many)
    group = {"id": directory.new_id(), "displayName": "Staff", "mailNickname": "staff"}
    addresses = {"mail": "all@contoso.example", "proxyAddresses": ["SMTP:staff@contoso.example"]}
    directory.objects.create(tenant, "group", group | addresses)

    for address in ("former0", "former299", "all", "staff"):
        assert len(directory.search.find_by_address(tenant, f"{address}@contoso.example")) == 1


def test_looking_for_an_address_or_a_unique_name_reads_no_document_in_vain(
    contoso: tuple[Directory, Tenant],
) -> None:
    directory, tenant = contoso
    asked: list[tuple[str, Any]] = []
    read = directory._store.read

    class Watched:
        def read(self, statement: str, values: Any = ()) -> list[Any]:
            asked.append((statement, values))
            return read(statement, values)

    watched = search.Search(Watched())  # type: ignore[arg-type]  # reads as a store does
    somebody = directory.search.browse(tenant, "user", limit=1).objects[0]
    addresses = decode(somebody.doc)["proxyAddresses"]
    assert watched.find_by_address(tenant, addresses[-1].partition(":")[2]) == [somebody]
    assert watched.find_by_address(tenant, "nobody@contoso.example") == []
    watched.find_by_unique_name(tenant, "application", "nothing")
    plans = [
        row[3]
        for one, values in asked
        for row in read(f"EXPLAIN QUERY PLAN {one}", dict_of(values))
    ]

    assert [plan for plan in plans if plan.startswith("SCAN")] == []
    assert any("alias_word (tenant=? AND kind=? AND word=?)" in plan for plan in plans)
    assert any("object_key (tenant=? AND kind=? AND key>? AND key<?)" in plan for plan in plans)


def test_a_unique_name_of_an_application_follows_it(directory: Directory, tenant: Tenant) -> None:
    record = {"id": directory.new_id(), "appId": directory.new_id(), "displayName": "x"}
    made = directory.objects.create(tenant, "application", record | {"uniqueName": "Deploy"})
    assert directory.search.find_by_unique_name(tenant, "application", "Deploy") == made
    assert directory.search.find_by_unique_name(tenant, "application", "deploy") is None
    assert directory.search.find_by_unique_name(tenant, "group", "Deploy") is None

    directory.objects.rewrite(tenant, "application", record | {"uniqueName": "Other"})
    assert directory.search.find_by_unique_name(tenant, "application", "Deploy") is None
    assert directory.search.find_by_unique_name(tenant, "application", "Other") is not None
