"""Related objects, read for each record besides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from graphdaemon.errors import Error
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.support.listing_world import list_world, people, scattered
from tests.support.pretend_graph import Lies, PretendGraph, Weather


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
    assert str(outcome.error) == "mangaer cannot be read together with users"
    assert world.requests == []


MANAGERS = ListingOptions(page_size=20, learn=False, expand=("manager",))
WAYS = {
    "": "manager came with the pages ($expand)",
    "unnamed": "manager came with the pages ($expand)",
    "refused": "manager was read for each record ($batch): Graph refused $expand "
    "(Request_UnsupportedQuery)",
    "ignored": "manager was read for each record ($batch): Graph ignored $expand",
}


def make_managed(number: int, **about: Any) -> PretendGraph:
    """Every third has no manager."""
    staff = scattered(number)
    for at, person in enumerate(staff):
        boss = {"@odata.type": "#microsoft.graph.user", "id": f"boss{at}", "displayName": f"B{at}"}
        person["manager"] = boss if at % 3 else None
    return PretendGraph(staff, **about)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["auto", "chain"])
def test_managers_are_the_same_in_whichever_way_they_come(
    way: str, method: Literal["auto", "chain"]
) -> None:
    """With the pages where Graph takes that, else by requests of their own, while both change."""
    world = make_managed(300, lies=Lies(expand=way), weather=Weather(change=0.1, expired=0.02))
    world.make = lambda _, at: {"displayName": f"M{at}"}

    outcome = list_world(world, options=MANAGERS._replace(method=method))

    assert outcome.proved.verdict == "complete"
    assert outcome.proved.notes[0] == WAYS[way]
    assert outcome.proved.method == ("chain" if method == "chain" else "ranges")
    expected = {key: record.get("manager") for key, record in world.at_last_delta.items()}
    assert {key: record["manager"] for key, record in outcome.written.items()} == expected


def test_a_manager_costs_no_request_of_its_own() -> None:
    """Two units a hundred users, in place of one for each and more."""
    world = make_managed(1000)

    outcome = list_world(world, options=MANAGERS._replace(page_size=999, method="chain"))

    assert outcome.proved.verdict == "complete"
    assert outcome.proved.requests < 20
    assert outcome.proved.expanded == {"manager": 666}


def test_of_two_properties_one_comes_with_the_pages() -> None:
    """Graph expands one; collections are followed to their ends, which $expand cannot show."""
    world = make_managed(60)
    for record in world.directory.values():
        record["memberOf"] = [{"id": f"g{at}", "displayName": "G"} for at in range(25)]

    outcome = list_world(world, options=MANAGERS._replace(expand=("memberOf", "manager")))

    for key, record in outcome.written.items():
        assert list(record)[-2:] == ["memberOf", "manager"]
        assert record["memberOf"] == world.directory[key]["memberOf"]
        assert record["manager"] == world.directory[key]["manager"]


def test_the_advanced_index_expands_nothing() -> None:
    """There each manager is asked for, without trying."""
    world = make_managed(30)

    outcome = list_world(world, Query(orderby="createdDateTime"), MANAGERS)

    assert outcome.proved.notes[0].endswith("the advanced index expands nothing")
    assert all("$expand" not in sent.url for sent in world.requests)
    assert outcome.proved.expanded == {"manager": 20}


def test_a_journal_goes_on_with_what_came_with_the_pages(tmp_path: Path) -> None:
    """Records of both runs have their managers, each once."""
    world = make_managed(300)
    options = MANAGERS._replace(journal=tmp_path / "journal", method="chain")

    class KilledError(Exception):
        pass

    pages = iter(range(5))

    def watch() -> None:
        if next(pages) == 4:
            raise KilledError

    with pytest.raises(KilledError):
        list_world(world, options=options, watch=watch)
    outcome = list_world(world, options=options)

    assert outcome.proved.verdict == "complete"
    expected = {key: record["manager"] for key, record in world.directory.items()}
    assert {key: record["manager"] for key, record in outcome.written.items()} == expected
