"""What is gathered for a proof, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.support.divided_world import list_in_parts
from tests.support.lagging_graph import LaggingGraph, Route
from tests.support.listing_world import SMALL, assert_complete, list_world, people, scattered
from tests.support.pretend_graph import DEFAULT, Lies, PretendGraph, Record, Weather

CHAIN = ListingOptions("chain", page_size=20)


def counts_of(world: PretendGraph) -> int:
    return sum("$count" in one.url for one in world.requests)


@pytest.mark.parametrize(
    ("number", "options", "requests"),
    [(0, SMALL, 4), (5, SMALL, 4), (300, CHAIN, 15 + 4), (300, SMALL, 62)],
    ids=["nobody", "one page", "one chain", "ranges"],
)
def test_where_nothing_is_doubtful_nothing_is_asked_twice(
    number: int, options: ListingOptions, requests: int
) -> None:
    """Two questions of the delta and at most two of the count stand beside the pages."""
    world = PretendGraph(people(number))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)
    assert len(world.requests) <= requests
    assert counts_of(world) <= 2


@pytest.mark.parametrize("surplus", [1, 2, 6, 70])
@pytest.mark.parametrize("options", [SMALL, CHAIN], ids=["ranges", "chain"])
def test_a_count_that_is_higher_is_never_passed_over(surplus: int, options: ListingOptions) -> None:
    """Everything is read a second time, and that Graph counts more still is what is said."""
    world = PretendGraph(scattered(400), lies=Lies(count=lambda count: count + surplus))

    outcome = list_world(world, options=options)

    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "count")
    assert outcome.proved.why == f"Graph counts {400 + surplus}, and 400 were found"
    assert "read a second time" in outcome.proved.notes[-1]
    assert outcome.written == world.shown()


@pytest.mark.parametrize("options", [SMALL, CHAIN], ids=["ranges", "chain"])
def test_a_count_that_lags_is_waited_for(options: ListingOptions) -> None:
    """It comes from another index, which still knows who left a moment before the listing."""
    behind = [2, 2, 2, 2, 0]

    def lag(count: int) -> int:
        return count + (behind.pop(0) if behind else 0)

    # A count at first that was too high would stay unexplained: here it is not answered.
    world = PretendGraph(scattered(400), lies=Lies(count=lag, no_count_at={0}))

    outcome = list_world(world, options=options)

    assert_complete(outcome, world)


def test_a_count_that_was_too_high_at_first_stays_a_contradiction() -> None:
    """Nothing that changed explains why there should be fewer afterwards."""
    counts = [330]
    world = PretendGraph(scattered(300), lies=Lies(count=lambda n: counts.pop() if counts else n))

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.why == "Graph counted 330 at first, and 300 were found"


@pytest.mark.parametrize("others", [{}, {"no_count_at": {1}}], ids=["another count", "none"])
def test_a_count_that_led_to_a_second_reading_stays_a_contradiction(others: Any) -> None:
    """What is asked for once more takes nothing back: one answer is counted afterwards alone."""
    counts = [32]
    lies = Lies(count=lambda n: counts.pop() if counts else n, **others)
    world = PretendGraph(people(17), lies=lies)

    outcome = list_world(world)

    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "count")
    assert outcome.proved.why == "Graph counted 32 after the first reading, and 17 were found"


@pytest.mark.parametrize(
    ("moments", "proved"),
    [({0}, True), ({1}, True), ({0, 1}, False), (range(9), False)],
    ids=["not before", "not after", "neither", "never"],
)
@pytest.mark.parametrize("options", [SMALL, CHAIN], ids=["ranges", "chain"])
def test_one_count_is_enough_and_none_is_not(
    moments: Any, proved: bool, options: ListingOptions
) -> None:
    """Between the two the delta tells what changed; without any, nothing shows a lost page."""
    world = PretendGraph(scattered(300), weather=Weather(change=0.05))
    world.lies.no_count_at = frozenset(moments)

    outcome = list_world(world, options=options)

    assert outcome.written == world.shown(directory=world.at_last_delta)
    if proved:
        assert outcome.proved.verdict == "complete", outcome.proved.why
    elif outcome.proved.count_before is outcome.proved.count_after is None:
        assert outcome.proved.missing == "count"
        assert outcome.proved.next_step == "No run can prove this list complete."


def test_a_second_reading_that_brings_less_proves_nothing() -> None:
    """The parts brought more than the chain: one of them is not to be believed."""

    class Short(PretendGraph):
        """Its chains end after ten pages, its ranges do not, and it counts what it likes."""

        def _find(self, position: Any) -> Any:
            page, after, more = super()._find(position)
            return page, after, more and (bool(position.condition) or position.page < 9)

    world = Short(scattered(300), page_size=20)
    counts = [301, 301]
    world.lies = Lies(count=lambda n: counts.pop() if counts else n)

    outcome = list_world(world, options=ListingOptions(page_size=20))

    assert outcome.proved.missing == "second_reading"
    assert "did not bring 100 records of the first" in outcome.proved.why


def test_what_a_filter_shows_is_proved_by_values_alone() -> None:
    """Who must not be shown costs no request beside those that read the changes."""
    world = PretendGraph(
        [{**one, "accountEnabled": at % 2 == 0} for at, one in enumerate(people(60))]
    )
    first = min(world.directory)
    hidden = next(k for k, one in world.directory.items() if not one["accountEnabled"])

    changes: dict[str, Record] = {one: {"department": "IT"} for one in (first, hidden)}
    query = Query(("department",), "accountEnabled eq true")
    outcome = list_world(world, query, SMALL, watch=changing(world, changes))

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown(("department",), "accountEnabled eq true")


def test_what_graph_shows_with_the_values_that_were_told_matches() -> None:
    """Where nobody here can compare as Graph does, its own answer about these values decides."""
    world = PretendGraph([{**one, "department": "Sales"} for one in people(8)])
    chosen = sorted(world.directory)[3]
    query = Query(("displayName",), "department ge 'M'")

    outcome = list_world(world, query, SMALL, watch=changing(world, {chosen: {"department": "Z"}}))

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown(query.select, query.filter or "")


class Apart(LaggingGraph):
    """One replica answers what is filtered, and is behind; another one, all else."""

    def _route(self, options: dict[str, str]) -> Route:
        token = options.get("$skiptoken")
        condition = self._positions[int(token)].condition if token else options.get("$filter", "")
        return "filter" if not condition.startswith("id in") else "id in"


ANA, BEN, EVA = ("00000000-0000-4000-8000-00000000000" + sign for sign in "123")
STAFF = [
    {"id": ANA, "userPrincipalName": "ana", "department": "IT", "accountEnabled": False},
    {"id": BEN, "userPrincipalName": "ben", "department": "Sales", "accountEnabled": True},
    {"id": EVA, "userPrincipalName": "eva", "department": "Sales", "accountEnabled": True},
]
ENTERS = {ANA: {"department": "Sales", "accountEnabled": True}}
LEAVES = {BEN: {"department": "IT", "accountEnabled": False}}
SWITCHED = {ANA: {"accountEnabled": True}, BEN: {"accountEnabled": False}}
BY_ORDER = Query(("displayName",), "department ge 'M'")


@pytest.mark.parametrize(
    ("changes", "lag", "query", "missing"),
    [
        # Who is missing makes up for who is too much.
        (ENTERS | LEAVES, 0, BY_ORDER, "shown"),
        (ENTERS | LEAVES, 0, BY_ORDER._replace(select=("department",)), "shown"),
        (SWITCHED, 0, Query(filter="accountEnabled eq true"), "filter"),
        # The count is as old as the replica.
        (ENTERS, 1, BY_ORDER, "filter"),
        (ENTERS, 1, Query(filter="accountEnabled eq true"), "filter"),
    ],
    ids=["exchanged", "exchanged, and seen", "exchanged, untold", "lagging", "lagging, untold"],
)
@pytest.mark.parametrize("in_parts", [False, True], ids=["one process", "parts"])
def test_a_count_that_agrees_by_chance_proves_nothing(
    changes: dict[str, Record], lag: int, query: Query, missing: str, *, in_parts: bool
) -> None:
    """A replica that is behind answers the filter: the list is wrong, and counted right."""
    world = Apart(STAFF, behind={"filter": 3600}, lies=Lies(lag=lag))
    change = changing(world, changes)

    if in_parts:
        outcome = list_in_parts(world, query, SMALL, between=lambda _: change())
    else:
        outcome = list_world(world, query, SMALL, watch=change)

    assert outcome.written != world.shown(query.select, query.filter or "")
    assert outcome.proved.count_after == len(outcome.written)
    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", missing)


def changing(world: PretendGraph, changes: dict[str, Record]) -> Callable[[], None]:
    """Something that makes these changes when it is called first."""
    left = dict(changes)

    def change() -> None:
        while left:
            key, values = left.popitem()
            world.put({"id": key, **values})

    return change


ENABLED = Query(filter="accountEnabled eq true")


@pytest.mark.parametrize(
    ("defaults", "verdict"),
    [(DEFAULT, "complete"), ((), "unproved")],
    ids=["known", "unknown"],
)
def test_where_it_is_known_what_a_list_shows_the_delta_follows_what_a_filter_tests_as_well(
    defaults: tuple[str, ...], verdict: str
) -> None:
    """Nothing is selected, and the list shows what it would; two records changed meanwhile."""
    world = PretendGraph(STAFF)

    outcome = list_world(world, ENABLED, SMALL, watch=changing(world, SWITCHED), defaults=defaults)

    assert outcome.proved.verdict == verdict, outcome.proved.why
    assert outcome.proved.missing == ("" if verdict == "complete" else "filter")
    assert outcome.written == world.shown((), ENABLED.filter or "")


def test_a_listing_in_parts_knows_what_its_delta_follows() -> None:
    """Whoever finishes it is told what was selected when it began."""
    world = PretendGraph(STAFF)
    change = changing(world, SWITCHED)

    outcome = list_in_parts(world, ENABLED, SMALL, between=lambda _: change(), defaults=DEFAULT)

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown((), ENABLED.filter or "")


class KeptOutside(PretendGraph):
    """Whether somebody is active is kept outside the directory: no delta tells of it."""

    def put(self, record: Record) -> str:
        known = len(self._changes) if set(record) == {"id", self.lies.unfollowed} else None
        key = super().put(record)
        if known is not None:
            del self._changes[known:], self._sizes[known + 1 :]
        return key


@pytest.mark.parametrize(
    ("name", "select", "defaults"),
    [
        ("signInActivity", (), ()),
        ("signInActivity", (), DEFAULT),
        ("signInActivity", ("displayName",), ()),
        ("active", (), DEFAULT),
        ("active", ("displayName",), ()),
    ],
    ids=["by name", "by name, and asked", "by name, selected", "refused", "refused, selected"],
)
def test_a_filter_that_no_delta_follows_is_not_proved(
    name: str, select: tuple[str, ...], defaults: tuple[str, ...]
) -> None:
    """Who left the filter is in the list, and the delta told nothing: so it is not called whole."""
    world = KeptOutside(
        [{**one, name: True} for one in people(60)], lies=Lies(unfollowed=name), collection="users"
    )
    first = next(key for key, one in world.directory.items() if one["displayName"] == "N0")
    query = Query(select, f"{name} eq true")

    outcome = list_world(
        world, query, SMALL, watch=changing(world, {first: {name: False}}), defaults=defaults
    )

    assert outcome.written != world.shown(select, query.filter or "")
    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "delta")


def test_a_filter_that_no_delta_can_follow_is_proved_where_nothing_changes() -> None:
    """What is shown is followed all the same."""
    world = PretendGraph(STAFF, lies=Lies(unfollowed="accountEnabled"))

    outcome = list_world(world, ENABLED, SMALL, defaults=DEFAULT)

    assert outcome.proved.verdict == "complete", outcome.proved.why


GRANTS = "oauth2PermissionGrants"
UNCOUNTED = Lies(no_count=True, refuses=("id in",))


@pytest.mark.parametrize("change", [0, 0.3])
def test_where_graph_gives_no_count_the_delta_is_counted(change: float) -> None:
    """Graph takes no `$count` of grants, and no filter by ID, which the replay does without."""
    world = PretendGraph(
        scattered(130), lies=UNCOUNTED, weather=Weather(change=change), seed=5, collection=GRANTS
    )

    outcome = list_world(world, options=CHAIN)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown(directory=world.at_last_delta)
    assert outcome.proved.count_after is not None
    assert counts_of(world) == 0


def test_a_page_that_was_lost_is_missed_by_the_delta() -> None:
    """A next link that is not there ends the list early, twice; the delta knows of all records."""
    world = PretendGraph(scattered(130), lies=replace(UNCOUNTED, truncates=2), collection=GRANTS)

    outcome = list_world(world, options=CHAIN)

    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "count")
    assert outcome.proved.why == "Graph counts 130, and 40 were found"


def test_a_filter_leaves_what_is_not_counted_unproved() -> None:
    """A delta tells of all records, and nothing else would show that a page was lost."""
    world = PretendGraph(scattered(130), lies=UNCOUNTED, collection=GRANTS)

    outcome = list_world(world, Query(filter="displayName ge 'a'"), options=CHAIN)

    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "count")
    assert outcome.proved.next_step == "No run can prove this list complete."
