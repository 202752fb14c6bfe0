"""One round of a delta: read to its end, begun anew where a link fails, never without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.http.response import Response
from graphdaemon.listing.delta_round import delta_url, read_round
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.graph_answers import answer
from tests.support.pretend_graph import ROOT, PretendGraph

DELTA = f"{ROOT}/users/delta"
REFUSED = answer({"error": {"code": "Directory_ExpiredPageToken", "message": "No."}}, 400)


class ScriptedDelta(PretendGraph):
    """A delta whose answers the test writes, one after the other."""

    def __init__(self, answers: Callable[[], Iterator[Response]]) -> None:
        super().__init__()
        self._answers = answers()

    def _serve_delta(self, options: dict[str, str]) -> Response:  # noqa: ARG002  as the other
        return next(self._answers)


def page(*ids: str, ahead: str = "", end: str = "") -> Response:
    link = {"@odata.nextLink": f"{DELTA}?$skiptoken={ahead}"} if ahead else {}
    link |= {"@odata.deltaLink": f"{DELTA}?$deltatoken={end}"} if end else {}
    return answer({"value": [{"id": one} for one in ids], **link})


def read(*answers: Response, most: int | None = None) -> list[tuple[list[str], bool, str | None]]:
    """What a round brings: of each page its IDs, whether it is the first, and the delta link."""
    world = ScriptedDelta(lambda: iter(answers))

    async def walk() -> list[tuple[list[str], bool, str | None]]:
        target = Target(world.graph(attempts=1), ROOT, CATALOG["users"], Query())
        async with aclosing(read_round(target, f"{DELTA}?$deltatoken=a", most=most)) as pages:
            return [(one.ids, one.first, one.page.delta_link) async for one in pages]

    return virtual_time.run(walk())


def test_a_round_ends_with_the_delta_link() -> None:
    pages = read(page("1", "2", ahead="b"), page(ahead="c"), page("3", end="d"))

    assert pages == [
        (["1", "2"], True, None),
        ([], False, None),
        (["3"], False, f"{DELTA}?$deltatoken=d"),
    ]


def test_where_a_page_link_is_refused_the_round_is_begun_anew_and_says_so() -> None:
    pages = read(page("1", ahead="b"), REFUSED, page("1", ahead="c"), page("2", end="d"))

    assert [(ids, first) for ids, first, _ in pages] == [
        (["1"], True),
        (["1"], True),
        (["2"], False),
    ]


def test_a_delta_link_that_is_refused_is_not_asked_again() -> None:
    with pytest.raises(GraphError) as caught:
        read(REFUSED, page("1", end="d"))

    assert caught.value.status == 400


def test_page_links_that_are_always_refused_end_the_round() -> None:
    """Ten restarts are enough: a link that is always refused is no accident."""
    answers = [page("1", ahead="b"), REFUSED] * 11

    with pytest.raises(GraphError) as caught:
        read(*answers, page("too late", end="d"))

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([page("1", ahead="b"), page("2", ahead="c"), page("3", ahead="b")], "leads back"),
        ([page("1")], "does not end in a delta link"),
        ([answer({"value": [{"name": "x"}]})], "without an ID"),
        ([page("1", ahead="a\n")], "is not an address"),
    ],
    ids=["circle", "no link", "no ID", "no address"],
)
def test_a_round_that_leads_nowhere_is_refused(answers: list[Response], problem: str) -> None:
    with pytest.raises(GraphError, match=problem) as caught:
        read(*answers)

    assert caught.value.code == "page_malformed"


@pytest.mark.parametrize("kind", ["nextLink", "deltaLink"])
def test_a_link_to_another_place_is_not_followed(kind: str) -> None:
    foreign = answer({"value": [], f"@odata.{kind}": "https://elsewhere.test/v1.0/users/delta?x"})

    with pytest.raises(GraphError) as caught:
        read(foreign)

    assert caught.value.code == "link_foreign"


def test_a_round_that_may_have_few_pages_is_broken_off() -> None:
    assert len(read(page("1", ahead="b"), page("2", end="c"), most=2)) == 2
    with pytest.raises(GraphError, match="does not end in a delta link"):
        read(page("1", ahead="b"), page("2", ahead="c"), page("3", end="d"), most=2)


def test_a_page_is_yielded_before_the_next_is_asked_for() -> None:
    """However long the round is, no more than a page is in memory."""
    sent: list[int] = []

    def answers() -> Iterator[Response]:
        for number in range(3):
            sent.append(number)
            yield page(str(number), ahead=str(number)) if number < 2 else page(end="d")

    async def walk() -> list[int]:
        target = Target(ScriptedDelta(answers).graph(), ROOT, CATALOG["users"], Query())
        async with aclosing(read_round(target, delta_url(target))) as pages:
            return [len(sent) async for _ in pages]

    assert virtual_time.run(walk()) == [1, 2, 3]


def test_who_stops_reading_ends_the_round() -> None:
    """Nothing is asked for any more."""
    world = ScriptedDelta(lambda: iter([page("1", ahead="b"), page("2", end="c")]))

    async def walk() -> Any:
        target = Target(world.graph(), ROOT, CATALOG["users"], Query())
        async with aclosing(read_round(target, delta_url(target))) as pages:
            async for _ in pages:
                break
        await asyncio.sleep(60)
        return len(world.requests)

    assert virtual_time.run(walk()) == 1
