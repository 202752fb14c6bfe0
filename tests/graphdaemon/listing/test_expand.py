"""Related objects, read for each record besides."""

from __future__ import annotations

from graphdaemon.errors import Error
from graphdaemon.listing.options import ListingOptions
from tests.support.listing_world import list_world, people
from tests.support.pretend_graph import PretendGraph, Weather


def test_what_is_read_besides_is_added_to_each_record() -> None:
    """Managers and memberships come in batches, followed to their last page."""
    staff = people(50)
    for at, person in enumerate(staff):
        person["manager"] = {"id": f"boss{at}", "displayName": "Boss"} if at % 2 else None
        person["memberOf"] = [{"id": f"g{number}"} for number in range(at)]
    world = PretendGraph(staff, weather=Weather(throttled=0.05))

    options = ListingOptions(page_size=20, expand=("manager", "memberOf"))
    outcome = list_world(world, options=options, attempts=10)

    assert outcome.proved.verdict == "complete"
    for key, record in outcome.written.items():
        assert record["manager"] == world.directory[key]["manager"]
        assert record["memberOf"] == world.directory[key]["memberOf"]
    assert outcome.proved.expanded == {"manager": 25, "memberOf": 50 * 49 // 2}


def test_long_memberships_are_begun_anew_where_a_link_expires() -> None:
    """Each is whole and without repetition, however often one of its pages was refused."""
    staff = people(30)
    for at, person in enumerate(staff):
        person["memberOf"] = [{"id": f"g{number}", "displayName": "G"} for number in range(at * 3)]
    world = PretendGraph(staff, weather=Weather(expired=0.07, throttled=0.05), page_size=10, seed=5)

    options = ListingOptions("chain", page_size=10, expand=("memberOf",))
    outcome = list_world(world, options=options, attempts=10)

    assert outcome.proved.verdict == "complete"
    for key, record in outcome.written.items():
        assert record["memberOf"] == world.directory[key]["memberOf"]


def test_members_that_may_not_be_read_are_counted() -> None:
    """Graph lists them by ID alone: that is said, not passed over."""
    staff = people(3)
    staff[0]["memberOf"] = [{"id": "g1", "displayName": "G"}, {"id": "g2", "displayName": None}]
    staff[1]["memberOf"] = [{"id": "g2"}]
    world = PretendGraph(staff)

    record = list_world(world, options=ListingOptions(expand=("memberOf",))).proved

    assert record.verdict == "complete"
    assert record.notes == ["2 of 3 memberOf have no displayName (unset or not readable)"]


def test_what_cannot_be_read_besides_is_refused() -> None:
    """A name that the collection does not know is a mistake, said before anything is asked."""
    world = PretendGraph(people(5))

    outcome = list_world(world, options=ListingOptions(expand=("manager", "mangaer", "x")))

    assert isinstance(outcome.error, Error)
    assert outcome.error.exit_code == 2
    assert str(outcome.error) == "mangaer cannot be read with users"
    assert world.requests == []
