"""Many chains at once: what is asked for, and when it stops."""

from __future__ import annotations

import asyncio

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.query import Query
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.target import Target
from tests.support import virtual_time
from tests.support.listing_world import SMALL, scattered
from tests.support.pretend_graph import ROOT, PretendGraph


def test_a_listing_that_is_left_stops_asking() -> None:
    """Whoever stops listening ends every chain at once."""
    world = PretendGraph(scattered(2000))

    async def leave() -> int:
        target = Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=20)
        batches = Listing(target, SMALL).batches()
        async for _ in batches:
            break
        await batches.aclose()
        asked = len(world.requests)
        await asyncio.sleep(60)
        assert len(asyncio.all_tasks()) == 1
        return len(world.requests) - asked

    assert virtual_time.run(leave()) == 0


def test_a_slow_consumer_slows_the_fetching_down() -> None:
    """Pages that nobody takes are not asked for: memory stays flat."""
    world = PretendGraph(scattered(4000))

    async def read_slowly() -> list[int]:
        target = Target(world.graph(), ROOT, CATALOG["users"], Query(), page_size=20)
        pages_ahead, taken = [], 0
        async for records in Listing(target, SMALL).batches():
            taken += len(records)
            await asyncio.sleep(5)
            pages_ahead.append(len(world.requests) - taken // 20)
            if taken > 2000:
                break
        return pages_ahead

    # One page in each of 32 chains, 32 that wait to be taken, and what came before either is full.
    assert max(virtual_time.run(read_slowly())) < 32 + 32 + 40
