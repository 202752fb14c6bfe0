"""How a collection is divided, and when it is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.support.listing_world import SMALL, assert_complete, list_world, people, scattered
from tests.support.pretend_graph import Lies, PretendGraph, Weather


@pytest.mark.parametrize("by_id", [False, True], ids=["sorted by key", "sorted by ID"])
def test_a_large_directory_is_read_in_parallel(by_id: bool) -> None:
    """Ranges are read many at a time, whatever order the pages come in."""
    world = PretendGraph(scattered(4000), by_id=by_id)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert world.most_in_flight > 10
    # In one chain: 200 pages after one another, 0.1 s each.
    assert outcome.seconds < 6


@pytest.mark.parametrize(
    "name",
    [
        lambda at: f"svc-{at:06d}" if at % 10 else f"{'abcz'[at % 4]}{at}",
        lambda at: f"aaaaaaaaaaaaaaaaaaaa{at:06d}",
        lambda at: chr(0x4E00 + at * 7 % 8000) + str(at),
        lambda at: f"é{at}" if at % 2 else f"Ω{at}",
    ],
    ids=["one prefix", "all alike", "chinese", "accents"],
)
@pytest.mark.parametrize("has_sample", [True, False], ids=["sample", "no sample"])
def test_skew_does_not_matter_for_long(
    name: Callable[[int], str], has_sample: bool, tmp_path: Path
) -> None:
    """The first listing finds out how names are spread; the second one is as fast as can be."""
    plan = tmp_path / "plan.json"
    options = ListingOptions(page_size=20, plan=plan)
    world = PretendGraph(people(3000, name), delta_page=200 if has_sample else 1)

    first = list_world(world, options=options)
    second = list_world(world, options=options)

    for outcome in (first, second):
        assert_complete(outcome, world)
        assert outcome.proved.method == "ranges"
    # In one chain: 150 pages, 15 s.
    assert first.seconds < 10
    assert second.seconds < 2.2
    assert second.proved.pages < 200
    assert second.proved.splits == 0


def test_the_key_need_not_be_selected() -> None:
    """What ranges are made of is asked for beside, and not added to the output."""
    world = PretendGraph(scattered(500))

    outcome = list_world(world, Query(("displayName",)), SMALL)

    assert outcome.proved.method == "ranges"
    assert outcome.written == world.shown(("displayName",))


def test_a_rename_is_followed_where_the_name_is_not_shown() -> None:
    """Whoever moves to a range that was read already is missed there, and told by the delta."""
    world = PretendGraph(people(200), weather=Weather(change=0.3))
    world.make = lambda draws, _: {"userPrincipalName": f"u{draws.randrange(10**6):06d}"}
    complete = 0
    for seed in range(20):
        world.draws.seed(seed)
        outcome = list_world(world, Query(("department",)), ListingOptions(page_size=7, chains=3))
        if outcome.proved.verdict == "complete":
            complete += 1
            assert outcome.written == world.shown(("department",), directory=world.at_last_delta)
    assert complete


def test_all_of_one_name_are_read_in_one_chain() -> None:
    """What cannot be divided is not."""
    groups = [{"displayName": "All", "userPrincipalName": str(at)} for at in range(100)]
    world = PretendGraph(groups, collection="groups", key="displayName")

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"


def test_a_key_that_can_be_null_divides_nothing() -> None:
    """A range would never bring who has no name."""
    groups = [{"displayName": f"G{at}" if at else None} for at in range(100)]
    world = PretendGraph(groups, collection="groups", key="displayName")

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "null" in outcome.proved.notes[0]


def test_service_principals_are_divided_by_the_digits_of_their_app_id() -> None:
    """Sixteen prefixes are certain to cover every GUID, so they need no chain besides."""
    draws = random.Random(1)
    apps = [
        {"appId": f"{draws.getrandbits(128):032x}", "displayName": None if at % 3 else "x"}
        for at in range(400)
    ]
    world = PretendGraph(apps, collection="servicePrincipals", key="appId")
    world.lies = Lies(refuses=(" ge ",))

    outcome = list_world(world, Query(("appId",)), SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.proved.method == "prefixes"
    assert outcome.proved.ranges == 16
    assert outcome.written == world.shown(("appId",))


def test_where_ranges_are_refused_it_is_said_and_one_chain_is_read() -> None:
    """400 to the probe is no failure."""
    world = PretendGraph(scattered(300), lies=Lies(refuses=(" ge ",)))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "refused (Request_UnsupportedQuery)" in outcome.proved.notes[0]


def test_prefixes_on_request_are_not_taken_for_proof() -> None:
    """A name may begin with something else; as many as Graph counts is no proof either."""
    world = PretendGraph(scattered(300))

    outcome = list_world(world, options=ListingOptions("prefixes", page_size=20))

    assert outcome.written == world.shown()
    assert outcome.proved.method == "prefixes"
    assert outcome.proved.verdict == "unproved"
    assert outcome.proved.exit_code == 8


def test_prefixes_that_miss_somebody_are_made_good_in_one_chain() -> None:
    """The count tells, where it does."""
    strange = people(30, "\N{SNOWMAN}{}".format)
    world = PretendGraph([*scattered(200), *strange], by_id=True, seed=3)
    world.page_size = 5

    outcome = list_world(world, options=ListingOptions("prefixes", page_size=5))

    assert outcome.written == world.shown()


def test_ranges_refused_in_the_middle_end_in_one_chain(tmp_path: Path) -> None:
    """A plan from better days does no harm."""
    plan = tmp_path / "plan.json"
    options = ListingOptions(page_size=20, plan=plan)
    world = PretendGraph(scattered(500))
    list_world(world, options=options)
    world.lies = Lies(refuses=(" ge ",))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"


@pytest.mark.parametrize("by_id", [False, True], ids=["sorted by key", "sorted by ID"])
def test_ranges_need_no_link_in_the_end(by_id: bool) -> None:
    """Where every page link is refused, parts are divided until each is a page."""
    world = PretendGraph(scattered(400), weather=Weather(expired=1), by_id=by_id, delta_page=999)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert len(world.requests) < 400


def test_an_ignored_filter_is_found_out() -> None:
    """Every range would be everything: it is read once, in one chain."""
    world = PretendGraph(scattered(200), lies=Lies(ignores=True))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert "not honoured" in outcome.proved.notes[0]
    assert outcome.proved.pages < 20
