"""One chain of pages: links that fail, lead elsewhere, or never end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.page import Page
from graphdaemon.listing.chain import Chain
from graphdaemon.listing.options import ListingOptions
from tests.support.graph_answers import raw
from tests.support.listing_world import SMALL, assert_complete, list_world, people, scattered
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Weather


def test_an_expired_page_link_begins_its_own_range_anew() -> None:
    """The others go on; what came twice is written once."""
    world = PretendGraph(scattered(600), weather=Weather(expired=0.1))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.restarts > 0
    assert outcome.proved.duplicates > 0


def test_a_link_that_never_works_ends_the_listing() -> None:
    """Always refused is no accident."""
    world = PretendGraph(people(50), weather=Weather(expired=1))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "request_refused"
    assert len(world.requests) < 30


LINKS: dict[str, Callable[[str], str]] = {
    "another host": lambda link: link.replace("graph.test", "evil.test"),
    "http": lambda link: link.replace("https:", "http:"),
    "another port": lambda link: link.replace("graph.test", "graph.test:8443"),
    "a user name": lambda link: link.replace("https://", "https://graph.test@evil.test/"),
    "another tenant": lambda link: link.replace("/v1.0/users", "/v1.0/contoso.example/users"),
    "another collection": lambda link: link.replace("/users", "/groups"),
}


@pytest.mark.parametrize("method", ["auto", "chain"])
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_elsewhere_is_not_followed(link: Callable[[str], str], method: Any) -> None:
    """It ends the listing, and nothing, least of all the token, goes there."""
    world = PretendGraph(scattered(300), lies=Lies(link=link))

    outcome = list_world(world, options=ListingOptions(method, page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "link_foreign"
    assert {one.url.partition("?")[0] for one in world.requests} <= {
        f"{ROOT}/users",
        f"{ROOT}/users/delta",
        f"{ROOT}/users/$count",
    }


def make_circle(length: int) -> Callable[[str], str]:
    numbers = count()
    return lambda _: f"{ROOT}/users?$skiptoken={next(numbers) % length}"


@pytest.mark.parametrize(
    "lies",
    [
        Lies(link=lambda _: f"{ROOT}/users?$top=20"),
        Lies(link=lambda _: f"{ROOT}/users?$skiptoken=0", endless=True),
        Lies(link=make_circle(7), endless=True),
        Lies(endless=True),
    ],
    ids=["itself", "always the same", "a circle", "ever new and empty"],
)
def test_a_chain_without_end_is_ended(lies: Lies) -> None:
    """Next links that lead nowhere are noticed after a bounded number of pages."""
    world = PretendGraph(people(60), lies=lies)

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "page_malformed"
    assert len(world.requests) < 150


def test_the_same_page_under_ever_new_links_is_noticed() -> None:
    """A chain that brings more than there is repeats itself."""
    tokens = count(1)

    class Repeating(PretendGraph):
        def _find(self, position: Any) -> Any:
            page, _, _ = super()._find(position)
            return page, None, True

    world = Repeating(people(60), lies=Lies(link=lambda link: f"{link}&again={next(tokens)}"))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.error is not None
    assert outcome.error.code == "page_malformed"
    assert "repeats" in str(outcome.error)
    assert len(world.requests) < 100


def a_page(count: int) -> Page:
    return Page([raw({"id": str(number)}) for number in range(count)], None, None)


def test_a_hundred_empty_pages_in_a_row_are_followed_and_no_more() -> None:
    """Graph may send some; a page with a record begins the count anew."""
    chain = Chain()
    for number in range(250):
        chain.count_page(a_page(1 if number == 120 else 0))
        if number in (99, 220):
            chain.visit(f"{ROOT}/users?$skiptoken={number}")

    chain = Chain()
    for _ in range(101):
        chain.count_page(a_page(0))
    with pytest.raises(GraphError, match="goes on after 101 empty pages"):
        chain.visit(f"{ROOT}/users?$skiptoken=x")


@pytest.mark.parametrize(("distinct", "most"), [(0, 1000), (100, 1110), (5000, 6500)])
def test_a_tenth_and_a_thousand_may_come_twice(distinct: int, most: int) -> None:
    """The directory may have changed; what comes more often is a chain that repeats itself."""
    chain = Chain()
    chain.consume(most, distinct)

    with pytest.raises(GraphError, match="repeats"):
        chain.consume(1, distinct)


def test_ten_restarts_that_get_no_further_are_the_last() -> None:
    """Each that gets further than any before begins the count anew."""
    chain = Chain()
    for pages in [1] * 11:
        chain.pages = pages
        assert not chain.is_hopeless
        chain.begin_anew()
    assert chain.is_hopeless

    chain.pages = 2
    chain.begin_anew()
    assert (chain.stalled, chain.is_hopeless) == (0, False)


def test_a_hundred_restarts_are_enough() -> None:
    """A chain that gains one page with each would go on for hours."""
    chain = Chain()
    for pages in range(1, 101):
        assert not chain.is_hopeless
        chain.pages = pages
        chain.begin_anew()

    assert chain.is_hopeless


@pytest.mark.parametrize(("records", "full"), [(9, False), (10, True), (11, True)])
def test_a_chain_is_full_at_its_limit(records: int, full: bool) -> None:
    """One without a limit never is."""
    assert Chain(limit=10, records=records).is_full is full
    assert not Chain(records=records).is_full
