"""How a collection is divided, and when it is not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.graph.catalog import CATALOG, Key
from graphdaemon.graph.page import Page
from graphdaemon.graph.query import Query
from graphdaemon.listing.chain import Chain
from graphdaemon.listing.chain_pool import ChainPool
from graphdaemon.listing.intervals import Interval
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.partition import Partition
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.graph_answers import raw
from tests.support.listing_world import SMALL, assert_complete, list_world, people, scattered
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Weather


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
    world.lies = Lies(refuses=(" ge ", " le "))

    outcome = list_world(world, Query(("appId",)), SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.proved.method == "prefixes"
    assert outcome.proved.ranges == 16
    assert outcome.written == world.shown(("appId",))


def test_where_ranges_are_refused_it_is_said_and_one_chain_is_read() -> None:
    """400 to the probe is no failure."""
    world = PretendGraph(scattered(300), lies=Lies(refuses=(" ge ", " le ")))

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
    world.lies = Lies(refuses=(" ge ", " le "))

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


def divided_after(
    chains: list[Chain], expected: int | None = None, room: int = 1, met: int = 0
) -> list[bool]:
    """Whether each part is divided further after the page that it has read."""
    world = PretendGraph()
    page = Page([raw({"userPrincipalName": f"b{number}"}) for number in range(10)], None, None)

    async def scenario() -> list[bool]:
        async def read(_: Chain) -> None:
            """Read nothing."""

        target = Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=10)
        pool = ChainPool(read, 0)
        # Nobody reads them, so that none of them is under way.
        partition = Partition(
            target, Key("userPrincipalName"), pool, room=lambda: room + pool.waiting, notes=[]
        )
        partition.expected, partition.met = expected, met
        return [await partition.divide(chain, page) for chain in chains]

    return virtual_time.run(scenario())


def a_part(pages: int = 1, depth: int = 0, restarts: int = 0) -> Chain:
    return Chain("x", Interval("a", "c"), depth, pages=pages, pages_in_all=pages, restarts=restarts)


def test_a_part_of_unknown_length_is_divided_after_one_two_four_and_eight_pages() -> None:
    """That wastes at most half of what it costs to divide."""
    divided = divided_after([a_part(pages) for pages in range(1, 10)])

    assert [pages for pages, is_divided in enumerate(divided, 1) if is_divided] == [1, 2, 4, 8]


def test_a_part_is_divided_while_more_is_left_than_it_has_read() -> None:
    """A hundred records are ten pages: after eight the last two come as fast undivided."""
    divided = divided_after([a_part(pages) for pages in range(1, 12)], expected=120, met=20)

    assert divided == [True] * 8 + [False] * 3


@pytest.mark.parametrize(
    ("chain", "room", "is_divided"),
    [
        (a_part(), 1, True),
        (a_part(), 0, False),
        (a_part(restarts=1), 0, True),
        (a_part(depth=39), 1, True),
        (a_part(depth=40), 1, False),
        (a_part(depth=40, restarts=1), 1, False),
    ],
    ids=["room", "no room", "a refused link", "deep", "deepest", "deepest, a refused link"],
)
def test_a_part_is_divided_where_there_is_room_or_a_link_of_it_was_refused(
    chain: Chain, room: int, is_divided: bool
) -> None:
    """Forty times at most: beyond, the keys are alike."""
    assert divided_after([chain], room=room) == [is_divided]


def test_an_empty_first_page_of_a_range_does_not_look_like_an_empty_range() -> None:
    """Graph may send one with a link behind it, which is followed."""

    class Hesitant(PretendGraph):
        def _find(self, position: Any) -> Any:
            if " ge " in position.condition and position.after is None and not position.page:
                return [], None, True
            return super()._find(position)

    world = Hesitant(scattered(500))

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"


def test_each_division_of_a_part_is_counted_once(tmp_path: Path) -> None:
    """The account says how many turned out big."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"key":"userPrincipalName","records":40,"boundaries":["m"]}')
    # One range of a page, and one of four whose first is cut from the others.
    names = ["a", *(f"z{number:02d}" for number in range(40))]
    world = PretendGraph(people(41, names.__getitem__), by_id=True)

    outcome = list_world(world, options=ListingOptions(page_size=20, plan=plan))

    assert_complete(outcome, world)
    assert outcome.proved.splits == 1


def test_a_count_that_is_not_answered_is_not_waited_for_long() -> None:
    """It only says into how many parts to divide; the proof counts once more at the end."""
    lies = Lies(no_count_at=range(3), no_count_status=503)
    world = PretendGraph(scattered(600), page_size=20, lies=lies)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    first, second, *_ = (request.at for request in world.requests if "$filter" in request.url)
    assert second - first <= 2


def make_bound_world(pages: int = 60, **about: Any) -> PretendGraph:
    """A directory whose pages cost two units each, and 44 units in ten seconds."""
    about = {"latency": 0.02, "limit": 44, "tells_load": True, "whole_by_id": True} | about
    return PretendGraph(scattered(20 * pages), page_size=20, page_cost=2.0, **about)


@pytest.mark.parametrize("tells_load", [True, False], ids=["told", "untold"])
def test_where_the_budget_binds_ranges_are_joined_and_cost_little_more_than_one_chain(
    tells_load: bool,
) -> None:
    """Ranges that nobody reads yet are read in full pages as soon as the bucket shows its size."""
    chain = make_bound_world(tells_load=tells_load)
    in_chain = list_world(chain, options=SMALL._replace(method="chain"))
    world = make_bound_world(tells_load=tells_load)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    # Each range that was begun before ends in a page that is not full.
    assert world.units <= 1.25 * chain.units
    assert outcome.seconds <= 1.35 * in_chain.seconds


@pytest.mark.parametrize(
    ("about", "chains"),
    [
        ({"latency": 0.02}, 8),
        ({"latency": 0.1}, 8),
        # Here the request before the first page, which costs less, makes two chains look worth it.
        ({"latency": 0.1, "limit": 80, "pages": 100}, 32),
    ],
    ids=["near", "far", "much-at-once"],
)
def test_where_the_budget_bound_the_last_time_one_chain_is_read(
    about: dict[str, Any], chains: int, tmp_path: Path
) -> None:
    """What Graph gave is kept with the plan: the next listing costs what a chain does."""
    options = SMALL._replace(plan=tmp_path / "plan.json", chains=chains)
    list_world(make_bound_world(**about), options=options)
    world, chain = make_bound_world(**about), make_bound_world(**about)
    in_chain = list_world(chain, options=options._replace(plan=None, method="chain"))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.method == "chain"
    assert world.units == chain.units
    assert outcome.seconds <= 1.01 * in_chain.seconds


def test_where_one_chain_is_too_slow_to_use_the_budget_up_ranges_are_read_after_its_first_page(
    tmp_path: Path,
) -> None:
    """The budget bound the last time, and a page takes so long that two at a time use it up."""
    about: dict[str, Any] = {"latency": 0.3, "limit": 80}
    options = SMALL._replace(plan=tmp_path / "plan.json")
    list_world(make_bound_world(**about), options=options)
    world, chain = make_bound_world(**about), make_bound_world(**about)
    in_chain = list_world(chain, options=SMALL._replace(method="chain"))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert world.units <= 1.05 * chain.units
    assert outcome.seconds <= in_chain.seconds / 2
