"""The parts of a proof one by one: deltas compared, verdicts reached, blanks found, plans kept."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.catalog import CATALOG, Collection, find_collection
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.page import Page, follow, ids_of, page_ids, read_number, read_page, texts_of
from graphdaemon.graph.query import Query, build_url, count_url
from graphdaemon.listing.delta import Delta, agrees
from graphdaemon.listing.empty_properties import EmptyProperties
from graphdaemon.listing.learned_cuts import LearnedCuts, cuts_path
from graphdaemon.listing.record import ListingRecord, Replay
from graphdaemon.listing.target import Target
from graphdaemon.listing.verdict import Evidence, conclude, tolerance
from tests.graphdaemon.graph.test_page import answer
from tests.support import virtual_time
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Weather


def raw(record: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(record).encode())


@pytest.mark.parametrize(
    ("told", "read", "contradicting", "same"),
    [
        (None, None, False, True),
        (None, {"id": "1"}, True, False),
        ({"id": "1"}, None, True, False),
        ({"id": "1", "a": 1}, {"id": "1", "a": 1}, False, True),
        ({"id": "1", "a": 1}, {"id": "1", "a": 2}, True, False),
        ({"id": "1", "a": ["x", "y"]}, {"id": "1", "a": ["y", "x"]}, False, True),
        ({"id": "1"}, {"id": "1", "a": None, "b": []}, False, True),
        ({"id": "1"}, {"id": "1", "a": "set"}, False, False),
        ({"id": "1", "more": 1, "@odata.type": "x"}, {"id": "1"}, False, True),
        ({"id": "1", "a": {"b": 1}}, {"id": "1", "a": {"b": 1}}, False, True),
    ],
)
def test_what_a_delta_tells_is_compared_with_what_is_read(
    told: Any, read: Any, contradicting: bool, same: bool
) -> None:
    """A delta omits what was never set: silence is neither agreement nor contradiction."""
    found = agrees(told and raw(told), read and raw(read))

    assert found == (contradicting, same)


@pytest.mark.parametrize(
    ("query", "followed"),
    [
        (Query(), ""),
        (Query(("mail",)), "id,mail,userPrincipalName"),
        (
            Query(("mail",), "accountEnabled eq true and startswith(city,'or and not')"),
            "id,mail,userPrincipalName,accountEnabled,city",
        ),
        (
            Query(("mail",), "proxyAddresses/any(p:p eq 'x') and id in ('a','b')"),
            "id,mail,userPrincipalName,proxyAddresses",
        ),
        (
            Query(("mail",), orderby="displayName desc"),
            "id,mail,userPrincipalName,displayName",
        ),
    ],
)
def test_a_delta_follows_what_decides(query: Query, followed: str) -> None:
    """What is shown, what is filtered by, and what decides on which page somebody stands."""
    world = PretendGraph([{"userPrincipalName": "x"}])

    async def begin() -> None:
        await Delta(Target(world.graph(), ROOT, CATALOG["users"], query)).begin()

    virtual_time.run(begin())
    options = world.asked[0].url.partition("?")[2]
    selected = options.partition("$select=")[2].partition("&")[0]

    assert selected == followed
    assert options.endswith("$deltatoken=latest")


def test_a_round_of_many_pages_is_read_to_its_end() -> None:
    """Told twice is told last; a page without anything is not the end."""
    world = PretendGraph([{"userPrincipalName": f"u{at}"} for at in range(20)], delta_page=3)
    world.weather = Weather(repeat=0.5)

    async def follow_changes() -> dict[str, Any]:
        delta = Delta(Target(world.graph(), ROOT, CATALOG["users"], Query()))
        await delta.begin()
        for key in list(world.directory)[:10]:
            world.put({"id": key, "department": "new"})
        gone = next(iter(world.directory))
        world.remove(gone)
        told = await delta.round()
        assert told[gone] is None
        assert delta.pages == 4
        assert await delta.round() == {}
        return dict(told)

    assert len(virtual_time.run(follow_changes())) == 10


@pytest.mark.parametrize(
    "body",
    [
        {"value": []},
        {"value": [{"displayName": "no id"}], "@odata.deltaLink": f"{ROOT}/users/delta?x"},
        {"value": [7], "@odata.deltaLink": f"{ROOT}/users/delta?x"},
    ],
    ids=["no link", "no ID", "no record"],
)
def test_a_delta_that_is_none_is_refused(body: Any) -> None:
    """It would be taken for quiet."""

    class Silent(PretendGraph):
        def _serve_delta(self, options: Any) -> Any:  # noqa: ARG002  as the other
            return answer(body)

    async def begin() -> None:
        world = Silent()
        await Delta(Target(world.graph(), ROOT, CATALOG["users"], Query())).begin()

    with pytest.raises(GraphError) as caught:
        virtual_time.run(begin())

    assert caught.value.code == "page_malformed"


SOUND = Evidence(baseline=True, settled=True, parts=True, key="userPrincipalName")


@pytest.mark.parametrize(
    ("changes", "verdict", "why"),
    [
        ({}, "complete", "7 ranges cover every userPrincipalName, and what changed meanwhile"),
        ({"whole": True}, "complete", "one chain of pages was read to its end"),
        ({"single": True, "whole": True}, "complete", "one answer holds everything"),
        ({"cut": True}, "incomplete", "stopped at its limit"),
        ({"proving": False}, "unproved", "no proof was asked for"),
        ({"advanced": True}, "unproved", "advanced index"),
        ({"trouble": "the delta was refused (410)"}, "unproved", "410"),
        ({"baseline": False}, "unproved", "there is no delta of users"),
        ({"settled": False}, "unproved", "changed faster"),
        ({"witnesses": 2}, "unproved", "2 records of the first page"),
        ({"witnesses": 2, "whole": True}, "complete", "one chain"),
        ({"parts": False}, "unproved", "not every part"),
    ],
)
def test_a_verdict_rests_on_evidence(changes: dict[str, Any], verdict: str, why: str) -> None:
    """One missing piece is enough to doubt."""
    record = ListingRecord("users", {}, "", method="ranges", ranges=7, records=1000)
    record.count_after = 1000

    conclude(record, SOUND._replace(**changes))

    assert record.verdict == verdict
    assert why in record.why


@pytest.mark.parametrize(
    ("counted", "verdict"),
    [(1000, "complete"), (1010, "complete"), (990, "complete"), (1011, "unproved")],
)
def test_the_count_may_lag_a_little(counted: int, verdict: str) -> None:
    """It comes from another index; far off, it says something."""
    record = ListingRecord("users", {}, "", method="ranges", records=1000, count_after=counted)

    conclude(record, SOUND)

    assert record.verdict == verdict


@pytest.mark.parametrize(("records", "off"), [(0, 0), (5, 0), (9, 1), (1000, 10), (1_000_000, 333)])
def test_a_larger_directory_may_be_further_off(records: int, off: int) -> None:
    """By the square root: none where every record counts."""
    assert tolerance(records) == off


def test_late_corrections_are_counted() -> None:
    """In the singular, too."""
    record = ListingRecord("users", {}, "", records=5, replay=Replay(late=1))

    conclude(record, SOUND)

    assert record.why == "1 written record changed meanwhile"
    assert record.summary() == f"5 records, unproved: {record.why}"


def test_blanks_are_what_is_null_everywhere() -> None:
    """One value anywhere in what is looked at is enough."""
    blanks = EmptyProperties(("a", "b", "c"))
    blanks.look([raw({"a": None, "b": None})] * 300)
    blanks.look([raw({"a": None, "b": 1})])

    assert blanks.names() == ["a", "c"]
    assert EmptyProperties(()).names() == []


def test_without_a_selection_the_first_records_name_the_properties() -> None:
    """Annotations are none."""
    blanks = EmptyProperties(())
    blanks.look([raw({"@odata.type": None, "a": None, "b": 2})])

    assert blanks.names() == ["a"]


def test_a_plan_divides_evenly(tmp_path: Path) -> None:
    """Every hundredth key of a page is enough to cut the next listing into pages."""
    path = tmp_path / "plan.json"
    planner = LearnedCuts(path, "k", 100)
    for start in range(0, 5000, 100):
        planner.note([raw({"k": f"{at:05d}"}) for at in range(start, start + 100)])
    planner.save(5000)

    cuts = [int(text.ljust(5, "0")) for text in LearnedCuts(path, "k", 100).load()]

    assert len(cuts) == 55
    assert max(right - left for left, right in pairwise(cuts)) <= 100


def test_a_plan_that_cannot_be_kept_is_no_failure(tmp_path: Path) -> None:
    """The folder may be anybody's."""
    (tmp_path / "file").write_text("")
    planner = LearnedCuts(tmp_path / "file" / "plan.json", "k", 100)
    planner.note([raw({"k": "x"})] * 100)

    planner.save(100)

    assert planner.load() == []


def test_every_tenant_and_collection_has_its_own_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no name of them is in the name of the file."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    paths = {cuts_path(ROOT, tenant, name) for tenant in ("a", "b") for name in ("users", "groups")}

    assert len(paths) == 4
    assert all("users" not in path.name for path in paths)


def test_ids_are_read_with_the_page_and_without() -> None:
    """Both ways say the same; what has no ID counts as itself."""
    body = b'{"value":[{"id":"1","x":{"id":"no"}},{"b":2}]}'
    page = read_page(answer(body), ROOT)

    assert page_ids(page) == ["1", '{"b":2}']
    assert ids_of(page.records) == ["1", '{"b":2}']
    assert page_ids(read_page(answer(b'{"value":[{"id":"1"}]}'), ROOT)) == ["1"]


def test_what_is_no_record_is_refused() -> None:
    """Numbers in a page are nobody."""
    page = read_page(answer(b'{"value":[1]}'), ROOT)

    with pytest.raises(GraphError) as caught:
        page_ids(page)

    assert caught.value.code == "page_malformed"
    assert texts_of([raw({"k": "a"}), raw({"k": None}), raw({}), raw({"k": 1})], "k") == ["a"]


@pytest.mark.parametrize(("body", "number"), [(b"250", 250), (b"\xef\xbb\xbf7", 7)])
def test_a_count_is_a_number(body: bytes, number: int) -> None:
    """With and without a byte order mark."""
    assert read_number(answer(body), ROOT) == number


def test_a_count_that_is_none_is_refused() -> None:
    """A sign-in page is no number."""
    with pytest.raises(GraphError):
        read_number(answer(b"<html>"), ROOT)


def test_the_address_of_a_count_has_no_page_options() -> None:
    """Only what decides how many there are."""
    query = Query(("mail",), "accountEnabled eq true", orderby="displayName")

    assert count_url(ROOT, CATALOG["users"], query) == (
        f"{ROOT}/users/$count?$filter=accountEnabled%20eq%20true"
    )
    assert count_url(ROOT, CATALOG["groups"], Query()) == f"{ROOT}/groups/$count"


def test_sign_in_activity_has_smaller_pages() -> None:
    """Graph's own limit there is 500."""
    url = build_url(ROOT, CATALOG["users"], Query(("signInActivity",)))

    assert "$top=500" in url


def test_a_narrowed_filter_keeps_its_own_brackets() -> None:
    """`a or b` stays together."""
    world = PretendGraph()
    target = Target(world.graph(), ROOT, CATALOG["users"], Query((), "a eq 1 or b eq 2"))

    assert target.url("k ge 'x'").endswith(
        "$filter=(a%20eq%201%20or%20b%20eq%202)%20and%20k%20ge%20'x'"
    )


@pytest.mark.parametrize("collection", CATALOG.values(), ids=CATALOG)
def test_the_catalogue_knows_how_to_divide(collection: Collection) -> None:
    """Each of the large collections has a key and a delta."""
    assert collection.key is not None
    assert collection.delta
    assert collection.expands
    assert find_collection(f"/{collection.name}/") is collection


def test_an_unknown_collection_is_read_in_one_chain() -> None:
    """Nothing is known that could be relied on."""
    unknown = find_collection("domains")

    assert unknown.key is None
    assert not unknown.delta


def test_a_page_is_a_page() -> None:
    """Links of deltas and lists are told apart."""
    text = b'{"value":[],"@odata.deltaLink":"https://x/d"}'
    page = read_page(answer(text), ROOT)

    assert page == Page([], None, None, "https://x/d", text)
    assert follow("https://x/d", "https://x/e") == "https://x/d"


def test_the_same_lies_do_not_last() -> None:
    """A pretend directory tells the truth unless it is told to lie."""
    assert Lies().count(7) == 7
    assert isinstance(PretendGraph().graph(), Graph)
