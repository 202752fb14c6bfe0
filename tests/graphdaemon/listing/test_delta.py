"""The delta: what it follows, how a round is read, how it is compared with what was read."""

from __future__ import annotations

from typing import Any

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.query import Query
from graphdaemon.listing.delta import Delta, agrees, find_untracked, is_dead
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.graph_answers import answer, raw
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Weather


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
    comparison = agrees(told and raw(told), read and raw(read))

    assert comparison == (contradicting, same)


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
    options = world.requests[0].url.partition("?")[2]
    selected = options.partition("$select=")[2].partition("&")[0]

    assert selected == followed
    assert options.endswith("$deltatoken=latest")


@pytest.mark.parametrize(
    ("condition", "untracked"),
    [
        ("signInActivity/lastSignInDateTime le 2026-01-01T00:00:00Z", "signInActivity"),
        ("accountEnabled eq true and extkvbmkofy_training/courseId eq 1", "extkvbmkofy_training"),
        ("contoso_training/courseId eq 1", "contoso_training"),
        ("extension_b7d8e648520f41d3b9c0fdeb91768a0a_grade eq 'a'", ""),
        ("displayName eq 'signInActivity or a_b'", ""),
        ("assignedLicenses/any(s_1:s_1/skuId eq 05e9a617-0261-4cee-bb44-138d3ef5d965)", ""),
        (None, ""),
    ],
)
def test_what_no_delta_follows_is_known(condition: str | None, untracked: str) -> None:
    """Kept outside the directory, or a schema extension; a directory extension is followed."""
    target = Target(PretendGraph().graph(), ROOT, CATALOG["users"], Query(filter=condition))

    assert find_untracked(target) == untracked


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
        changes = await delta.round()
        assert changes[gone] is None
        assert delta.pages == 4
        assert await delta.round() == {}
        return dict(changes)

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


def test_the_same_lies_do_not_last() -> None:
    """A pretend directory tells the truth unless it is told to lie."""
    assert Lies().count(7) == 7
    assert isinstance(PretendGraph().graph(), Graph)


@pytest.mark.parametrize(
    ("status", "code", "dead"),
    [
        *((status, "request_refused", True) for status in (400, 403, 404, 405, 410, 501)),
        *((status, "graph_unavailable", False) for status in (401, 429, 500, 503)),
        (200, "page_malformed", True),
        (200, "link_foreign", False),
    ],
)
def test_a_delta_that_there_is_not_is_told_from_passing_trouble(
    status: int, code: str, dead: bool
) -> None:
    """Without one a listing goes on, and is not proved; trouble ends it."""
    assert is_dead(GraphError("no", code=code, status=status)) is dead


@pytest.mark.parametrize(
    ("page", "pages"),
    [([], 1001), ([{"id": str(number)} for number in range(100)], 111)],
    ids=["ever empty", "ever the same"],
)
def test_a_round_without_end_is_ended(page: list[dict[str, str]], pages: int) -> None:
    """After a thousand empty pages, or once ten thousand and ten times all records were told."""

    class Endless(PretendGraph):
        def _serve_delta(self, options: Any) -> Any:
            if options.get("$deltatoken") == "latest":
                return super()._serve_delta(options)
            return answer({"value": page, "@odata.nextLink": f"{ROOT}/users/delta?n={len(sent)}"})

    world = Endless()
    sent = world.requests

    async def follow_changes() -> None:
        delta = Delta(Target(world.graph(), ROOT, CATALOG["users"], Query()))
        await delta.begin()
        await delta.round()

    with pytest.raises(GraphError, match="does not end in a delta link"):
        virtual_time.run(follow_changes())
    assert len(sent) == 1 + pages
