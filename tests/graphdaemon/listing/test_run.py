"""Running a listing: its time, its progress, and its account when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from graphdaemon.errors import UnprovedError
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.run import read_within
from tests.support import virtual_time
from tests.support.graph_answers import raw
from tests.support.listing_world import SMALL, list_world, people, scattered
from tests.support.pretend_graph import PretendGraph, Weather


def test_a_deadline_ends_it_with_an_account() -> None:
    """Nobody waits for ever, and what was read until then is told."""
    world = PretendGraph(scattered(2000), latency=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=20, seconds=10))

    assert outcome.error is not None
    assert outcome.error.code == "listing_overdue"
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert 0 < account.records < 2000


def test_a_listing_takes_a_day_at_most_unless_more_is_allowed() -> None:
    """A job that is run every day finds the one before at its end."""
    assert ListingOptions().seconds == 24 * 60 * 60


class Slow:
    """A listing that yields two batches, ten seconds apart."""

    async def batches(self) -> AsyncGenerator[list[msgspec.Raw]]:
        yield [raw({"id": "1"})]
        await asyncio.sleep(10)
        yield [raw({"id": "2"})]


@pytest.mark.parametrize(("seconds", "batches"), [(None, 2), (10.1, 2), (9.9, 1)])
def test_what_comes_within_the_time_is_yielded(seconds: float | None, batches: int) -> None:
    """Without a time it may take for ever."""
    listing: Any = Slow()
    taken: list[msgspec.Raw] = []

    async def read() -> None:
        async with aclosing(read_within(listing, seconds)) as generator:
            async for records in generator:
                taken.extend(records)

    if batches == 2:
        virtual_time.run(read())
    else:
        with pytest.raises(UnprovedError, match=r"was not finished after 9\.9 s"):
            virtual_time.run(read())
    assert len(taken) == batches


def test_a_timeout_within_a_listing_is_not_its_deadline() -> None:
    """It is raised as it came."""

    class Failing(Slow):
        async def batches(self) -> AsyncGenerator[list[msgspec.Raw]]:
            yield [raw({"id": "1"})]
            raise TimeoutError("within")

    listing: Any = Failing()

    async def read() -> None:
        async for _ in read_within(listing, 10):
            pass

    with pytest.raises(TimeoutError, match="within"):
        virtual_time.run(read())


def test_a_failure_has_the_account_so_far() -> None:
    """A proof file can be written for what failed, too."""
    world = PretendGraph(people(100), weather=Weather(unavailable=0.9), seed=1)

    outcome = list_world(world, options=ListingOptions("chain", page_size=5))

    assert outcome.error is not None
    account: Any = outcome.error.listing
    assert account.verdict == "incomplete"
    assert account.retries > 0


def test_progress_is_told_while_it_goes_on() -> None:
    """Records, pages, what is being done, in an order that only grows."""
    world = PretendGraph(scattered(500), weather=Weather(throttled=0.1, retry_after=("5",)))

    outcome = list_world(world, options=SMALL)

    progress = outcome.progress
    assert [one.records for one in progress] == sorted(one.records for one in progress)
    assert {one.stage for one in progress} >= {"baseline", "listing", "replay"}
    assert any(one.waiting.startswith("Graph (429, ") for one in progress)
    assert progress[-1].records == 500
