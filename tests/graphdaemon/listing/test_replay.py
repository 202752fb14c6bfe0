"""What changed while a listing ran, put right afterwards."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.http.response import Response
from graphdaemon.listing.delta import Delta
from graphdaemon.listing.id_set import make_id_set, pack_ids
from graphdaemon.listing.replay import Replayer
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.graph_answers import answer
from tests.support.listing_world import SMALL, list_world, people, scattered
from tests.support.pretend_graph import ROOT, PretendGraph, Record, Weather


def test_what_changed_meanwhile_is_corrected() -> None:
    """Hired, dismissed, renamed: the output is the directory at the end."""
    world = PretendGraph(scattered(400), weather=Weather(change=0.4), seed=3)

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown(directory=world.at_last_delta)
    replay = outcome.proved.replay
    assert replay is not None
    assert replay.applied
    assert replay.changed + replay.removed > 0
    assert replay.appeared > 0


class Restless(PretendGraph):
    """
    A directory of which every round of the delta has two pages.

    The first tells of Ana in one department. She is in another while the second is read, then
    back, and somebody else changes, whom the next round tells of.
    """

    def _serve_delta(self, options: dict[str, str]) -> Response:
        told = super()._serve_delta(options)
        ana, *others = sorted(self.directory)
        if b"nextLink" in told.body:
            self.put({"id": ana, "department": "IT"})
        else:
            self.put({"id": ana, "department": "Sales"})
            self.put({"id": others[len(self._changes) % 50], "department": "HR"})
        return told


def test_a_directory_that_changes_faster_than_it_is_followed_is_not_called_proved() -> None:
    """Each record is shown as it was told of, and counted; but they were never so at one time."""
    world = Restless(people(60), delta_page=1)

    outcome = list_world(world, Query(("department",)), SMALL)

    at_last_delta = world.shown(("department",), directory=world.at_last_delta)
    assert outcome.written not in (at_last_delta, world.shown(("department",)))
    assert outcome.proved.count_after == len(outcome.written)
    assert (outcome.proved.verdict, outcome.proved.missing) == ("unproved", "settled")


class Overtaken(PretendGraph):
    """Once a round has told of Ana, Ben changes, and she gets the first title that she ever had."""

    def _serve_delta(self, options: dict[str, str]) -> Response:
        told = super()._serve_delta(options)
        ana, ben, *_ = sorted(self.directory)
        if options.get("$deltatoken") != "latest" and "jobTitle" not in self.directory[ana]:
            self.put({"id": ben, "department": "IT"})
            self.put({"id": ana, "jobTitle": "Chief"})
        return told


def test_a_value_that_was_never_told_is_of_a_later_moment() -> None:
    """Nothing contradicts what was told of Ana, but as she is read, others are not in the list."""
    world = Overtaken(people(20))
    waiting = [min(world.directory)]

    def watch() -> None:
        if waiting:
            world.put({"id": waiting.pop(), "department": "Sales"})

    query = Query(("department", "jobTitle"))
    outcome = list_world(world, query, SMALL, watch=watch)

    assert outcome.proved.verdict == "complete", outcome.proved.why
    assert outcome.written == world.shown(query.select)


def test_what_left_and_then_changed_is_not_called_proved() -> None:
    """Records that went down a pipe cannot be put right."""
    world = PretendGraph(scattered(400), weather=Weather(change=0.4), seed=2)

    outcome = list_world(world, options=SMALL, correcting=False)

    assert outcome.proved.verdict == "unproved"
    assert "changed meanwhile" in outcome.proved.why
    assert outcome.proved.replay is not None
    assert outcome.proved.replay.late > 0


def test_no_question_names_more_records_than_graph_takes() -> None:
    """Graph takes fifteen values of `in`: of forty changed records, three questions are asked."""
    world = PretendGraph(people(40))
    target = Target(world.graph(), ROOT, CATALOG["users"], Query())

    async def follow_changes() -> None:
        delta = Delta(target)
        await delta.begin()
        for key in list(world.directory):
            world.put({"id": key, "department": "new"})
        assert await Replayer(target, delta, make_id_set()).run()

    virtual_time.run(follow_changes())
    filters = [unquote(one.url) for one in world.requests if "id in (" in unquote(one.url)]

    assert [text.count("','") + 1 for text in filters] == [15, 15, 10]


ENABLED = "accountEnabled eq true"
UNDECIDABLE = "userPrincipalName ge 'a'"
GONE = {"id": "1", "@removed": {"reason": "changed"}}
ANA, BEN = {"id": "1", "accountEnabled": True}, {"id": "1", "accountEnabled": False}

NAMED, RENAMED = ({"id": "1", "userPrincipalName": name} for name in ("ana", "anna"))


class Told(PretendGraph):
    """What the delta tells once, and what is shown with a filter and without one."""

    def __init__(self, told: Record, filtered: list[Record], plain: list[Record]) -> None:
        super().__init__()
        self.told, self.filtered, self.plain = [told], filtered, plain

    def _serve_delta(self, options: dict[str, str]) -> Response:
        value: list[Record] = []
        if options.get("$deltatoken") != "latest":
            value, self.told = self.told, []
        link = f"{ROOT}/users/delta?$deltatoken=then"
        return answer({"@odata.deltaLink": link, "value": value})

    def _serve_list(self, options: dict[str, str]) -> Response:
        conditions = options["$filter"].split(" and ")
        return answer({"value": self.filtered if len(conditions) > 1 else self.plain})


@pytest.mark.parametrize(
    ("told", "condition", "filtered", "plain", "doubtful", "undecided"),
    [
        # Without a filter, what is read has to say what was told.
        (ANA, None, [], [ANA], False, False),
        (ANA, None, [], [BEN], True, False),
        (ANA, None, [], [], True, False),
        (GONE, None, [], [], False, False),
        (GONE, None, [], [ANA], True, False),
        # Under a filter, too, if it is shown.
        (ANA, ENABLED, [ANA], [], False, False),
        (ANA, ENABLED, [BEN], [], True, False),
        (GONE, ENABLED, [], [], False, False),
        (GONE, ENABLED, [ANA], [], True, False),
        # What is hidden may not match, or a replica is behind: its values say which.
        (BEN, ENABLED, [], [], False, False),
        (ANA, ENABLED, [], [ANA], True, False),
        (ANA, ENABLED, [], [], True, False),
        (BEN, ENABLED, [{"id": "1"}], [BEN], True, False),
        # Where they do not, it has to be seen without the filter.
        (ANA, UNDECIDABLE, [], [ANA], False, True),
        (ANA, UNDECIDABLE, [], [BEN], True, False),
        (ANA, UNDECIDABLE, [], [], True, False),
        (ANA, UNDECIDABLE, [ANA], [ANA], False, True),
        (ANA, UNDECIDABLE, [ANA], [BEN], True, False),
        (ANA, UNDECIDABLE, [BEN], [ANA], True, False),
        ({"id": "1"}, ENABLED, [], [{"id": "1"}], False, True),
        # Shown under the filter with what it tests as it was told of, it matches.
        (NAMED, UNDECIDABLE, [NAMED], [], False, False),
        (NAMED, UNDECIDABLE, [RENAMED], [NAMED], True, False),
        (NAMED, UNDECIDABLE, [], [NAMED], False, True),
    ],
)
def test_what_was_told_is_held_against_what_is_read(
    told: Record,
    condition: str | None,
    filtered: list[Record],
    plain: list[Record],
    doubtful: bool,
    undecided: bool,
) -> None:
    """It is a doubt until it is shown as it was told, or certain that it must not be shown."""
    world = Told(told, filtered, plain)
    target = Target(world.graph(), ROOT, CATALOG["users"], Query(filter=condition))

    async def follow() -> tuple[Replayer, bool]:
        delta = Delta(target)
        await delta.begin()
        replayer = Replayer(target, delta, make_id_set())
        return replayer, await replayer.run()

    replayer, settled = virtual_time.run(follow())

    assert settled is not doubtful
    assert list(replayer.doubtful) == ["1"] * doubtful
    assert replayer.undecided == ({"1"} if undecided else set())


@pytest.mark.parametrize(
    ("condition", "undecided"),
    [("memberOf/any(m:m/id eq 'x')", {"1"}), ("otherMails/any(m:m eq 'x')", set[str]())],
    ids=["a relation", "a property"],
)
def test_that_a_relation_is_not_told_does_not_say_that_it_is_empty(
    condition: str, undecided: set[str]
) -> None:
    """A property that was never set is not told; a relation is told in another way."""
    world = Told({"id": "1"}, [], [{"id": "1"}])
    target = Target(world.graph(), ROOT, CATALOG["users"], Query(("displayName",), condition))

    async def follow() -> Replayer:
        delta = Delta(target)
        await delta.begin()
        replayer = Replayer(target, delta, make_id_set())
        await replayer.run()
        return replayer

    assert virtual_time.run(follow()).undecided == undecided


def test_a_doubt_outlives_the_run_that_left_it() -> None:
    """What nothing showed is not forgotten because the next round tells nothing."""
    world = Told(ANA, [], [])
    target = Target(world.graph(), ROOT, CATALOG["users"], Query())

    async def follow() -> list[bool]:
        delta = Delta(target)
        await delta.begin()
        replayer = Replayer(target, delta, make_id_set())
        runs = [await replayer.run(), await replayer.run()]
        world.plain = [ANA]
        return [*runs, await replayer.run()]

    assert virtual_time.run(follow()) == [False, False, True]


def test_a_long_wait_for_a_replica_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks on would otherwise see minutes in which nothing happens."""
    world = Told(ANA, [], [])
    target = Target(world.graph(), ROOT, CATALOG["users"], Query())

    async def follow() -> bool:
        delta = Delta(target)
        await delta.begin()
        return await Replayer(target, delta, make_id_set()).run()

    assert not virtual_time.run(follow())

    waits = [text.rpartition(" in ")[2] for text in caplog.messages]
    assert waits == ["8 s", "16 s", "32 s", "64 s", "128 s"]


def test_what_comes_again_after_it_was_taken_out_is_read_again() -> None:
    """A replica that is behind still shows who is gone."""
    target = Target(Told(GONE, [], []).graph(), ROOT, CATALOG["users"], Query())
    written = make_id_set()
    written.add(pack_ids(["1"]))

    async def follow() -> dict[str, Any]:
        delta = Delta(target)
        await delta.begin()
        replayer = Replayer(target, delta, written)
        await replayer.run()
        assert list(replayer.doubt(["1", "2"])) == ["1"], "the delta said nothing of the other"
        assert list(replayer.doubtful) == ["1"]
        assert await replayer.run()
        return dict(replayer.corrections)

    assert virtual_time.run(follow()) == {"1": None}
    assert len(written) == 0
