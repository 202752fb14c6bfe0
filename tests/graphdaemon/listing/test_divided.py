"""A listing that many processes read: what is divided, what is proved, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import msgspec
import pytest

from graphdaemon.errors import UsageError
from graphdaemon.graph.query import Query
from graphdaemon.listing.divided import MOST_PARTS, begin, finish
from graphdaemon.listing.parts import ListingStart
from tests.support import virtual_time
from tests.support.divided_world import list_in_parts, readings_of, target_of
from tests.support.listing_world import SMALL, assert_complete, people, scattered
from tests.support.pretend_graph import Lies, PretendGraph, Weather


def start_of(world: PretendGraph, parts: int = 4, query: Query | None = None) -> ListingStart:
    target = target_of(world, query or Query(), SMALL.page_size)
    return virtual_time.run(begin(target, SMALL, parts))


@pytest.mark.parametrize("parts", [1, 3, 8, 500])
def test_the_parts_are_as_many_as_can_be_and_bring_everything_once(parts: int) -> None:
    """A directory of thirty pages is divided as told; who asks for too much gets fewer parts."""
    world = PretendGraph(scattered(600))
    starts: list[ListingStart] = []

    outcome = list_in_parts(world, options=SMALL, parts=parts, between=starts.append)

    assert_complete(outcome, world)
    assert outcome.proved.method == "ranges"
    assert outcome.proved.records == 600
    numbers = [part.number for part in starts[0].parts]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) == parts if parts < 100 else 30 <= len(numbers) < parts


@pytest.mark.parametrize("number", [0, 5])
def test_what_is_one_page_is_one_part(number: int) -> None:
    """Nothing is divided, nothing is probed, and one answer is a proof."""
    world = PretendGraph(people(number))
    starts: list[ListingStart] = []

    outcome = list_in_parts(world, parts=8, between=starts.append)

    assert_complete(outcome, world)
    assert len(starts[0].parts) == 1
    assert outcome.proved.method == "chain"


def test_a_border_that_two_parts_share_is_told() -> None:
    """Both bring the record whose name is the boundary, and it is in the listing once."""
    world = PretendGraph(people(200))
    start = start_of(world)
    borders = {
        chain.interval.high for part in start.parts for chain in part.chains if chain.interval
    }
    for number, border in enumerate(sorted(filter(None, borders))):
        world.put({"id": f"b{number}", "userPrincipalName": border})

    outcome = list_in_parts(world, options=SMALL)

    assert outcome.proved.duplicates > 0
    assert_complete(outcome, world)


def test_what_changes_while_parts_are_read_is_put_right() -> None:
    """Who is changed, deleted or new after the listing began is as the directory ends."""
    world = PretendGraph(scattered(300), weather=Weather(change=0.5), seed=3)
    world.make = lambda _, number: {"displayName": f"M{number}", "userPrincipalName": f"m{number}"}

    outcome = list_in_parts(world, options=SMALL)

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.proved.replay is not None
    assert outcome.proved.replay.changed > 0 < outcome.proved.replay.removed
    assert outcome.written == world.shown(directory=world.at_last_delta)


def test_somebody_who_moves_to_a_part_that_was_read_is_not_lost() -> None:
    """Renamed between two parts, a user is in neither; the delta tells of it."""
    world = PretendGraph(people(200))
    moved = next(iter(world.directory))
    start = start_of(world)
    others = {part.number: part for part in start.parts}
    del others[0]
    world.put({**world.directory[moved], "id": moved, "userPrincipalName": "zzz"})
    first = readings_of(world, start._replace(parts=start.parts[:1]))
    world.put({**world.directory[moved], "id": moved, "userPrincipalName": "u000000"})
    rest = readings_of(world, start._replace(parts=tuple(others.values())))
    assert moved not in {one for reading in [*first, *rest] for one in reading.ids}

    target = target_of(world, Query(), SMALL.page_size)
    end = virtual_time.run(finish(target, SMALL, start, [*first, *rest]))

    assert end.record.verdict == "complete"
    assert [msgspec.json.decode(record)["id"] for record in end.appeared] == [moved]
    assert end.link is not None


def test_what_no_part_brings_is_read_in_one_chain() -> None:
    """A range that withholds somebody contradicts the count, and everything is read once more."""
    world = PretendGraph(scattered(300))
    withheld = list(world.directory)[150:153]
    world.lies = Lies(withholds=lambda record: record["id"] in withheld)

    outcome = list_in_parts(world, options=SMALL)

    assert_complete(outcome, world)
    assert "read a second time" in outcome.proved.notes[-1]


def test_without_a_delta_nothing_is_proved() -> None:
    """What changed meanwhile is not known: the verdict says so, and no link is given."""
    world = PretendGraph(scattered(300), lies=Lies(no_delta=True))

    outcome = list_in_parts(world, options=SMALL)

    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "delta")


def test_the_account_is_that_of_all_parts() -> None:
    """Requests, units and pages of every process are in one record."""
    world = PretendGraph(scattered(400), weather=Weather(unavailable=0.1), seed=2)
    target = target_of(world, Query(), SMALL.page_size)

    start = start_of(world)
    readings = readings_of(world, start)
    record = virtual_time.run(finish(target, SMALL, start, readings)).record

    assert record.requests == len(world.requests)
    assert record.retries > 0
    assert record.pages == sum(reading.pages for reading in readings)
    assert record.count_before == record.count_after == 400
    assert record.started == start.started


def test_a_part_that_was_not_read_is_named() -> None:
    """Nobody takes some of the parts for all of them."""
    world = PretendGraph(scattered(300))
    start = start_of(world)
    readings = readings_of(world, start)
    target = target_of(world, Query(), SMALL.page_size)

    with pytest.raises(UsageError, match=r"1 of 4 parts of users were not read.*number 2"):
        virtual_time.run(finish(target, SMALL, start, [*readings[:2], *readings[3:]]))


def test_a_part_that_was_read_twice_is_named() -> None:
    """Whoever kept the records of both attempts would leave out those of both."""
    world = PretendGraph(scattered(300))
    start = start_of(world)
    readings = readings_of(world, start)

    with pytest.raises(UsageError, match=r"part 1 of users has 2 readings"):
        virtual_time.run(
            finish(
                target_of(world, Query(), SMALL.page_size), SMALL, start, [*readings, readings[1]]
            )
        )


def test_a_reading_of_another_listing_is_refused() -> None:
    """It is of another moment: what changed before this listing began, nothing would tell."""
    world = PretendGraph(scattered(300))
    start = start_of(world)
    earlier = start._replace(
        started="2026-11-30T02:30:00Z",
        parts=tuple(part._replace(started="2026-11-30T02:30:00Z") for part in start.parts),
    )
    readings = readings_of(world, earlier)
    target = target_of(world, Query(), SMALL.page_size)

    with pytest.raises(UsageError, match=r"which began at 2026-11-30T02:30:00Z; this one began at"):
        virtual_time.run(finish(target, SMALL, start, readings))


@pytest.mark.parametrize(("confirm", "missing"), [(True, ""), (False, "reading")])
def test_what_a_part_gave_up_is_read_in_one_chain(*, confirm: bool, missing: str) -> None:
    """Where ranges are ignored once the parts are read, nobody says that all parts were read."""
    world = PretendGraph(scattered(300))
    start = start_of(world, parts=2)
    world.lies = Lies(ignores=True)
    readings = readings_of(world, start)
    world.lies = Lies()
    options = SMALL._replace(confirm=confirm)
    target = target_of(world, Query(), SMALL.page_size)

    record = virtual_time.run(finish(target, options, start, readings)).record

    assert all(reading.given_up for reading in readings)
    assert "Graph did not honour ranges of some part" in record.notes
    assert (record.method, record.missing) == ("chain", missing)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [({"limit": 5}, 4), ({"orderby": "displayName"}, 4), ({}, 0), ({}, MOST_PARTS + 1)],
)
def test_what_parts_cannot_keep_is_refused(changes: dict[str, Any], parts: int) -> None:
    """A limit, an order, and numbers that are none are refused before anything is sent."""
    world = PretendGraph(people(5))

    with pytest.raises(UsageError):
        start_of(world, parts, Query(**changes))

    assert world.requests == []


def test_parts_hold_no_link() -> None:
    """What travels to other hosts holds no delta link, and what is shown of a start neither."""
    world = PretendGraph(scattered(300))
    start = start_of(world)
    assert start.link is not None
    link = start.link.reveal()

    assert link.encode() not in pickle.dumps(start.parts)
    assert link not in repr(start)
    assert pickle.loads(pickle.dumps(start)).link.reveal() == link


def test_a_part_joins_what_nobody_reads_yet_where_the_budget_binds() -> None:
    """Each reader finds the limit out by itself, and needs a fifth less for it."""
    world = PretendGraph(
        scattered(4000),
        page_size=20,
        page_cost=2.0,
        latency=0.02,
        limit=100,
        tells_load=True,
        whole_by_id=True,
    )

    outcome = list_in_parts(world, None, SMALL, parts=4)

    assert outcome.proved.verdict == "complete"
    assert world.units <= 620
