"""Several things at the same time: all end, however one of them does."""

import asyncio

import pytest

from graphdaemon.graph.concurrency import gather
from tests.support import virtual_time


def test_results_come_in_the_order_of_the_work() -> None:
    """Whichever ends first; all at the same time."""

    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def scenario() -> tuple[list[float], float]:
        began = virtual_time.now()
        return await gather(work(3), work(1), work(2)), virtual_time.now() - began

    assert virtual_time.run(scenario()) == ([3, 1, 2], 3)
    assert virtual_time.run(gather()) == []


def test_a_failure_is_raised_when_the_rest_has_stopped() -> None:
    """The rest is cancelled, and may still clean up."""
    stopped = []

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(1)
            stopped.append(name)

    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    async def scenario() -> None:
        with pytest.raises(ValueError, match="no"):
            await gather(work("a"), fail(), work("b"))
        assert stopped == ["a", "b"]

    virtual_time.run(scenario())


def test_who_is_cancelled_leaves_nothing_behind() -> None:
    """What it waited for is cancelled too."""
    stopped = []

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            stopped.append(virtual_time.now())

    async def scenario() -> None:
        task = asyncio.ensure_future(gather(work(), work()))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(stopped) == 2

    virtual_time.run(scenario())
