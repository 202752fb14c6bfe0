"""Listings: left early, or in too many pages."""

from __future__ import annotations

from typing import Any

import pytest

from entra_emulator.traffic.report.logged_call import AppCaller, LoggedCall
from entra_emulator.traffic.report.pages import find_small, find_unread, list_chains
from tests.support.logged_calls import graph_call


def listing(
    pages: int, *, items: int = 100, read: int | None = None, **fields: Any
) -> list[LoggedCall]:
    """The pages of a listing, of which the first `read` were read."""
    links = [b"first", *(b"%d" % number for number in range(1, pages)), b""]
    return [
        graph_call(
            at=float(number),
            items=items,
            address=links[number],
            next_link=links[number + 1],
            **fields,
        )
        for number in range(pages if read is None else read)
    ]


def test_chains() -> None:
    """Two listings at once, and another application's with the same links, are three chains."""
    first, other = listing(3), listing(2, caller=AppCaller("other", "t"))
    groups = [
        call._replace(
            route="/groups",
            address=b"g" + call.address,
            next_link=call.next_link and (b"g" + call.next_link),
        )
        for call in listing(2)
    ]
    mixed = [first[0], groups[0], other[0], first[1], other[1], groups[1], first[2]]
    chains = list_chains(mixed)

    assert [(c.first.route, c.pages, c.items, c.next_link) for c in chains] == [
        ("/users", 3, 300, b""),
        ("/groups", 2, 200, b""),
        ("/users", 2, 200, b""),
    ]


def test_a_page_that_came_twice() -> None:
    """A page that is read again, because it broke off, counts once."""
    one, two, three = listing(3)
    (chain,) = list_chains([one, two, two, three])
    assert (chain.pages, chain.next_link) == (3, b"")


def test_what_is_no_page() -> None:
    """Single objects and refusals are no listings."""
    assert list_chains([graph_call(), graph_call(items=3, status=429)]) == []


@pytest.mark.parametrize(
    ("calls", "left"),
    [
        (listing(3), 0),
        (listing(1), 0),
        (listing(3, read=1), 1),
        (listing(3, read=2), 1),
        (listing(3, read=1) + listing(3), 0),
        (listing(3, read=1, top=5), 1),
        # Whether there is any, or whether it may: it was not meant to list.
        (listing(3, read=1, top=1), 0),
        (listing(3, read=2, top=1), 1),
    ],
)
def test_unread(calls: list[LoggedCall], left: int) -> None:
    assert [f.times for f in find_unread(list_chains(calls))] == [1] * left


def test_unread_is_told_by_route() -> None:
    (finding,) = find_unread(list_chains(listing(3, read=2)))
    assert (finding.rule, finding.subject) == ("unread-pages", "GET /users")
    assert finding.message.startswith("left 1 listing after 2 pages with a next link")


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (listing(3), "read 3 pages where 1 page of 999 would do (100 by default)"),
        (listing(21), "read 21 pages where 3 pages of 999 would do (100 by default)"),
        (listing(4, items=999, top=999), ""),
        (listing(1, items=5), ""),
        (listing(40, items=25, top=25), "read 40 pages where 2 pages of 999 would do ($top=25)"),
        (listing(3, read=1), ""),
        (listing(3, route="/users/delta"), ""),
        (
            listing(11, properties=("id", "signInActivity")),
            "read 11 pages where 3 pages of 500 would do (100 by default)",
        ),
    ],
)
def test_small(calls: list[LoggedCall], words: str) -> None:
    """By the largest page that Graph has for the route; delta pages have a size of their own."""
    assert [finding.message for finding in find_small(list_chains(calls))] == [words] * bool(words)
