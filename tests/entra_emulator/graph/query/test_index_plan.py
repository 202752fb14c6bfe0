from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_emulator.directory.representation import ObjectRow, render
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.index_plan import IndexPlan
from entra_emulator.graph.query.options import Query, read_query
from tests.support.filter_meaning import SHAPES, Case, Record, cases, fold, make_records

KINDS = (
    "user group device application servicePrincipal administrativeUnit directoryRole "
    "directoryObject oAuth2PermissionGrant appRoleAssignment domain organization subscribedSku"
).split()
RECORDS = {kind: make_records(kind) for kind in SHAPES}
ROWS = {kind: [render(kind, dict(one)) for one in records] for kind, records in RECORDS.items()}
ALL = st.one_of(*(st.tuples(st.just(kind), cases(kind)) for kind in SHAPES))


def ask(kind: str, text: str, order: str = "", *, related: bool = False) -> Query:
    raw = f"$filter={quote(text)}&$count=true" + (f"&$orderby={quote(order)}" if order else "")
    return read_query(kind, raw, eventual=True, related=related)


def walk(query: Query, rows: Iterable[ObjectRow]) -> list[str]:
    """What the store would find: the plan's objects in its order, of which match takes some."""
    plan = query.plan
    numbered = list(enumerate(rows))
    if plan.ids is not None:
        numbered = [(seq, row) for seq, row in numbered if row.id in plan.ids]
    if plan.order != "seq":
        held = [(getattr(row, plan.order), seq, row) for seq, row in numbered]
        held = [
            entry for entry in held if plan.low is None or entry[0].encode() >= plan.low.encode()
        ]
        held = [
            entry for entry in held if plan.high is None or entry[0].encode() <= plan.high.encode()
        ]
        held.sort(key=lambda entry: entry[:2], reverse=plan.descending)
        numbered = [(seq, row) for _, seq, row in held]
    return [row.id for _, row in numbered if query.match is None or query.match(row.doc)]


@settings(max_examples=400)
@given(ALL)
def test_meaning(drawn: tuple[str, Case]) -> None:
    """Plan and match together find exactly the objects that a filter means."""
    kind, case = drawn

    found = walk(ask(kind, case.text), ROWS[kind])

    assert sorted(found) == sorted(r["id"] for r in RECORDS[kind] if case.meaning(r))


@settings(max_examples=100)
@given(ALL)
def test_related(drawn: tuple[str, Case]) -> None:
    """Of linked objects, which no index holds, match alone finds what a filter means."""
    kind, case = drawn

    query = ask(kind, case.text, related=True)

    assert query.plan == IndexPlan()
    assert walk(query, ROWS[kind]) == [r["id"] for r in RECORDS[kind] if case.meaning(r)]


@settings(max_examples=100)
@given(drawn=ALL, turn=st.sampled_from(["", " asc", " desc"]))
def test_order(drawn: tuple[str, Case], turn: str) -> None:
    """An order that was asked for is kept, whatever the filter says."""
    kind, case = drawn

    found = walk(ask(kind, case.text, f"displayName{turn}"), ROWS[kind])

    wanted = [(n, r) for n, r in enumerate(RECORDS[kind]) if case.meaning(r)]
    wanted.sort(key=lambda e: (fold(e[1].get("displayName")) or "", e[0]), reverse="desc" in turn)
    assert found == [record["id"] for _, record in wanted]


def between(order: str, low: str | None, high: str | None) -> IndexPlan:
    return IndexPlan(order, low=low, high=high)


COVERED = {
    ("user", "userPrincipalName ge 'A' and userPrincipalName le 'b'"): between("key", "a", "b"),
    ("user", "userPrincipalName ge 'a'"): between("key", "a", None),
    ("user", "displayName le 'Z'"): between("name", "\0", "z"),
    ("user", "displayName ge 'a' and displayName le 'STRASSE'"): between("name", "a", "strasse"),
    ("user", "startswith(userPrincipalName,'A')"): between("key", "a", "a\U0010ffff"),
    ("user", "userPrincipalName eq 'Ana@x.example'"): between(
        "key", "ana@x.example", "ana@x.example"
    ),
    ("user", "id eq 'ABC'"): IndexPlan(ids=("abc",)),
    ("user", "id in ('a','B','a')"): IndexPlan(ids=("a", "b")),
    ("user", "id eq 'a' or id eq 'b' or id in ('c')"): IndexPlan(ids=("a", "b", "c")),
    ("user", "id in ('a','b') and id in ('b','c')"): IndexPlan(ids=("b",)),
    ("group", "displayName ge 'a' and displayName le 'b'"): between("name", "a", "b"),
    ("device", "deviceId eq 'X'"): between("key", "x", "x"),
    ("application", "appId eq 'X'"): between("key", "x", "x"),
    ("servicePrincipal", "startswith(displayName,'m')"): between("name", "m", "m\U0010ffff"),
    ("directoryRole", "roleTemplateId eq 'x'"): between("key", "x", "x"),
}


@pytest.mark.parametrize(("asked", "plan"), COVERED.items(), ids=[text for _, text in COVERED])
def test_covered(asked: tuple[str, str], plan: IndexPlan) -> None:
    """What an index covers is not asked of documents: a page's work, not the directory's."""
    query = read_query(asked[0], f"$filter={quote(asked[1])}", eventual=False)

    assert query.plan == plan
    assert query.match is None


NARROWED = {
    "userPrincipalName ge 'a' and accountEnabled eq true": between("key", "a", None),
    "displayName ge 'a' and userPrincipalName le 'b'": between("key", None, "b"),
    "displayName eq 'a' and userPrincipalName le 'b'": between("name", "a", "a"),
    "userPrincipalName in ('c','a','b')": between("key", "a", "c"),
    "displayName eq 'b' or startswith(displayName,'a')": between("name", "a", "b"),
    "id eq 'a' and accountEnabled eq true": IndexPlan(ids=("a",)),
    "displayName eq 'a' or accountEnabled eq true": IndexPlan(),
    "not (displayName eq 'a')": IndexPlan(),
    "mail eq 'a'": IndexPlan(),
}


@pytest.mark.parametrize(("text", "plan"), NARROWED.items(), ids=list(NARROWED))
def test_narrowed(text: str, plan: IndexPlan) -> None:
    """What an index only narrows is asked of the documents besides."""
    query = ask("user", text)

    assert query.plan == plan
    assert query.match is not None


def test_missing_nickname() -> None:
    """A group without a nickname stands under its ID, and is in no range of nicknames."""
    record: Record = {"id": "abc", "displayName": "Group"}
    query = ask("group", "mailNickname ge 'a'")

    assert query.plan == between("key", "a", None)
    assert walk(query, [render("group", dict(record))]) == []


def test_other_order() -> None:
    """A range of one column under the order of another is left to the documents."""
    query = ask("user", "userPrincipalName ge 'a'", "displayName desc")

    assert query.plan == IndexPlan("name", descending=True)
    assert query.match is not None


@given(
    held=st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 2)),  # noqa: DTZ001 - UTC below
    asked=st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 2)),  # noqa: DTZ001 - UTC below
    digits=st.sampled_from([0, 1, 6, 7]),
)
def test_moments(held: datetime, asked: datetime, digits: int) -> None:
    """Times compare as times, with fractions of a second and without."""
    text = f"{held:%Y-%m-%dT%H:%M:%S}" + (f".{held:%f}0"[: digits + 1] if digits else "") + "Z"
    document = msgspec.json.encode({"createdDateTime": text})
    later = datetime.fromisoformat(text) >= asked.replace(tzinfo=UTC)
    earlier = datetime.fromisoformat(text) <= asked.replace(tzinfo=UTC)

    for operator, meaning in (("ge", later), ("le", earlier)):
        query = ask("user", f"createdDateTime {operator} {asked.isoformat()}Z", related=True)
        assert query.match is not None
        assert query.match(document) is meaning


PIECES = st.sampled_from(
    """
    displayName mail id accountEnabled createdDateTime proxyAddresses/any( p:p eq ne ge le gt lt
    in not and or ( ) , ' 'x' '' null true 5 -1.5 2020-01-01 2020-13-01T00:00:00Z
    00000003-0000-0000-c000-000000000000 startswith( endsWith( contains( assignedLicenses/any(
    l:l/skuId assignedLicenses/$count identities/any( i:i/issuer members/any( memberOf/$count x:x/id
    manager/id any( /any all( extension_a_b onPremisesExtensionAttributes/extensionAttribute1 web/
    tags/any(t:t) employeeOrgData "displayName:a" "mail: AND OR has isof $it * asc desc \u00df
    """.split()
)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(KINDS),
    words=st.lists(PIECES, max_size=10),
    name=st.sampled_from(["$filter", "$search", "$orderby", "$select", "$expand"]),
    eventual=st.booleans(),
)
def test_nonsense(kind: str, words: list[str], name: str, *, eventual: bool) -> None:
    """Whatever is asked of whatever type is answered or refused."""
    raw = f"{name}={quote(' '.join(words))}&$count={str(eventual).lower()}"
    try:
        query = read_query(kind, raw, eventual=eventual)
    except GraphRefusal:
        return
    assert query.match is None or query.match(b"{}") in {True, False}


def test_foreign_values() -> None:
    """Documents of other types than the schema says are no match, and no failure."""
    odd: list[dict[str, Any]] = [
        {"id": 1, "mail": 5, "createdDateTime": "soon", "proxyAddresses": None, "displayName": []},
        {},
    ]
    texts = (
        "mail eq 'x'",
        "startswith(mail,'5')",
        "createdDateTime ge 2020-01-01",
        "proxyAddresses/any(p:p eq 'x')",
        "employeeOrgData/division eq 'x'",
        "displayName ge 'a'",
    )
    for text in texts:
        match = ask("user", text, related=True).match
        assert match is not None
        assert [match(msgspec.json.encode(one)) for one in odd] == [False, False]
