"""One listing from its beginning to its end: what it survives, which lies it finds out."""

from __future__ import annotations

import pytest

from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.support.listing_world import SMALL, assert_complete, list_world, people, scattered
from tests.support.pretend_graph import ROOT, Lies, PretendGraph, Weather

# How it is read.


def test_a_small_directory_is_one_page_between_two_deltas() -> None:
    """Three questions and the count; nothing is probed that is not needed."""
    world = PretendGraph(people(5))

    outcome = list_world(world)

    assert_complete(outcome, world)
    assert [one.url.removeprefix(f"{ROOT}/users") for one in world.requests[:2]] == [
        "/delta?$deltatoken=latest",
        "?$top=999",
    ]
    assert len(world.requests) == 4
    assert outcome.proved.method == "chain"


# What it survives.


@pytest.mark.parametrize(
    "trouble",
    [
        {"throttled": 0.2},
        {"unavailable": 0.2},
        {"lost": 0.2},
        {"garbled": 0.2},
        {"unauthorized": 0.05},
        {"expired": 0.2},
        {"short": 0.5, "empty": 0.3},
        {"change": 0.5, "repeat": 0.5},
    ],
    ids="+".join,
)
def test_bad_weather_is_survived(trouble: dict[str, float]) -> None:
    """Every kind of passing trouble costs time, and nothing else."""
    # A token that was just renewed and is refused, too, is no passing trouble: with 32 requests in
    # flight that happens to one of them with most seeds, and no other trouble fails with any.
    world = PretendGraph(scattered(600), weather=Weather(**trouble), seed=13)  # type: ignore[arg-type]  # rates
    world.make = lambda _, number: {"displayName": f"M{number}"}

    outcome = list_world(world, options=SMALL, attempts=12)

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown(directory=world.at_last_delta)


# Which lies it finds out.


def test_withheld_records_of_the_first_page_are_missed() -> None:
    """Each of them has to turn up in some range, though no count is to be had."""
    world = PretendGraph(scattered(300), by_id=True)
    first = min(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == first, no_count=True)

    outcome = list_world(world, options=SMALL)

    assert outcome.written == world.shown()
    assert (outcome.proved.method, outcome.proved.missing) == ("chain", "count")
    assert "in none of the parts" in outcome.proved.notes[-1]


def test_who_is_on_the_first_page_and_in_no_part_contradicts_a_count_that_agrees() -> None:
    """Nobody was missed here, but ranges that leave somebody out cannot be a proof."""
    world = PretendGraph(scattered(300), by_id=True)
    first = min(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == first)

    outcome = list_world(world, options=SMALL._replace(confirm=False))

    assert outcome.proved.count_after == outcome.proved.records == 300
    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "witnesses")


def test_withheld_records_are_missed_at_the_count() -> None:
    """One too few is enough to read all once more."""
    world = PretendGraph(scattered(300), by_id=True)
    last = max(world.directory)
    world.lies = Lies(withholds=lambda record: record["id"] == last)

    outcome = list_world(world, options=SMALL)

    assert_complete(outcome, world)
    assert "Graph counts 300, and 299 were found" in outcome.proved.notes[-1]


@pytest.mark.parametrize("counted", [0, 5, 10**6])
def test_a_wrong_count_is_said(counted: int) -> None:
    """Two readings agree with each other and not with it: who is right is not ours to say."""
    world = PretendGraph(scattered(300), lies=Lies(count=lambda _: counted))

    outcome = list_world(world, options=SMALL)

    assert outcome.written == world.shown()
    assert outcome.proved.verdict == "unproved"
    assert "were found" in outcome.proved.why


def test_a_count_that_lags_a_little_is_no_lie() -> None:
    """It comes from an index that is behind by minutes."""
    world = PretendGraph(scattered(300), lies=Lies(count=lambda count: count - 2))

    assert_complete(list_world(world, options=SMALL), world)


def test_a_chain_that_ends_early_is_found_out() -> None:
    """A last page that is not the last looks complete to everybody but the count."""
    world = PretendGraph(people(300), lies=Lies(truncates=3))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20))

    assert outcome.proved.verdict == "unproved"
    assert outcome.proved.why == "Graph counts 300, and 60 were found"


# When it is proved.


def test_without_a_delta_only_a_single_page_is_proved() -> None:
    """One answer is one moment; of several nobody knows what happened in between."""
    small = PretendGraph(people(10), lies=Lies(no_delta=True))
    large = PretendGraph(people(100), lies=Lies(no_delta=True))

    assert list_world(small).proved.verdict == "complete"
    outcome = list_world(large, options=SMALL)
    assert outcome.proved.verdict == "unproved"
    assert outcome.written == large.shown()


def test_a_delta_that_dies_leaves_it_unproved() -> None:
    """410 at the end: everything was read, and nothing says what changed."""
    world = PretendGraph(people(100), lies=Lies(dead_delta=True))

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.verdict == "unproved"
    assert "410" in outcome.proved.why
    assert outcome.proved.replay is not None
    assert not outcome.proved.replay.applied


def test_a_limit_is_obeyed_and_is_no_failure() -> None:
    """Whoever asks for ten gets ten, and exit code 0."""
    world = PretendGraph(people(100))

    outcome = list_world(world, Query(limit=10), SMALL)

    assert len(outcome.written) == 10
    assert outcome.proved.verdict == "incomplete"
    assert outcome.proved.exit_code == 0
    assert len(world.requests) == 1
    assert outcome.proved.blank == []


def test_what_the_advanced_index_answers_is_not_proved() -> None:
    """It lags behind the directory by an unknown time."""
    world = PretendGraph(people(100))

    outcome = list_world(world, Query(orderby="createdDateTime"), SMALL)

    assert outcome.proved.verdict == "unproved"
    assert "advanced index" in outcome.proved.why
    assert {one.headers.get("ConsistencyLevel") for one in world.requests} == {"eventual"}


def test_an_order_is_kept() -> None:
    """Sorted pages come from one chain, in their order."""
    world = PretendGraph(scattered(200))

    outcome = list_world(world, Query(orderby="userPrincipalName"), SMALL)

    names = [record["userPrincipalName"] for record in outcome.written.values()]
    assert names == sorted(names)
    assert outcome.proved.verdict == "complete"


def test_without_proof_nothing_is_asked_besides() -> None:
    """One pass over the pages, no delta."""
    world = PretendGraph(people(100))

    outcome = list_world(world, options=ListingOptions("chain", page_size=20, proved=False))

    assert outcome.written == world.shown()
    assert len(world.requests) == 5
    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "proof")


def test_properties_without_any_value_are_named() -> None:
    """Not set, or not readable with this token: either way somebody should look."""
    world = PretendGraph(people(50))

    outcome = list_world(world, Query(("displayName", "department")), SMALL)

    assert outcome.proved.blank == ["department"]


def test_many_listings_share_one_connection() -> None:
    """Nothing of one is left in another."""
    world = PretendGraph(scattered(100))

    outcomes = [list_world(world, options=SMALL) for _ in range(3)]

    for outcome in outcomes:
        assert_complete(outcome, world)
