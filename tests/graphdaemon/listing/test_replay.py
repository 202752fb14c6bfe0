"""What changed while a listing ran, put right afterwards."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.listing.delta import Delta
from graphdaemon.listing.id_set import IdSet
from graphdaemon.listing.replay import Replayer, _compare
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.graph_answers import raw
from tests.support.listing_world import SMALL, list_world, people, scattered
from tests.support.pretend_graph import ROOT, PretendGraph, Weather


def test_what_changed_meanwhile_is_corrected() -> None:
    """Hired, dismissed, renamed: the output is the directory at the end."""
    world = PretendGraph(scattered(400), weather=Weather(change=0.4), seed=2)

    outcome = list_world(world, options=SMALL)

    assert outcome.proved.verdict == "complete"
    assert outcome.written == world.shown(directory=world.at_last_delta)
    replay = outcome.proved.replay
    assert replay is not None
    assert replay.applied
    assert replay.changed + replay.removed > 0
    assert replay.appeared > 0


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
        assert await Replayer(target, delta, IdSet()).run()

    virtual_time.run(follow_changes())
    filters = [unquote(one.url) for one in world.requests if "id in (" in unquote(one.url)]

    assert [text.count("','") + 1 for text in filters] == [15, 15, 10]


SAME, OTHER, SILENT = {"id": "1", "a": 1}, {"id": "1", "a": 2}, {"id": "1"}


@pytest.mark.parametrize(
    ("told", "read", "filtered", "doubtful", "silent"),
    [
        (SAME, SAME, False, False, False),
        (SAME, OTHER, False, True, True),
        (SILENT, SAME, False, False, True),
        (SAME, None, False, True, True),
        (None, None, False, False, False),
        (None, SAME, False, True, True),
        (SAME, SAME, True, False, False),
        (SAME, OTHER, True, True, True),
        (SAME, None, True, False, True),
        (None, None, True, False, False),
        (None, SAME, True, True, False),
    ],
)
def test_what_was_told_is_held_against_what_is_read(
    told: Any, read: Any, filtered: bool, doubtful: bool, silent: bool
) -> None:
    """What a filter leaves out may exist: that contradicts nothing, and settles nothing."""
    changes = {"1": told and raw(told)}
    current = {"1": raw(read)} if read else {}

    assert _compare(changes, current, filtered=filtered) == (changes if doubtful else {}, silent)
