"""The thread of the store: in order, with bounded room, and no failure is lost."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphdaemon.sync.store_thread import StoreThread


def test_everything_runs_in_one_thread_in_order() -> None:
    """What was put before is done before what is run."""
    done: list[tuple[int, int]] = []

    def note(number: int) -> int:
        done.append((number, threading.get_ident()))
        return number

    async def work() -> int:
        async with StoreThread() as thread:
            for number in range(20):
                await thread.put(note, number)
            return await thread.run(note, 20)

    assert asyncio.run(work()) == 20
    assert [number for number, _ in done] == list(range(21))
    assert {thread for _, thread in done} == {done[0][1]}
    assert done[0][1] != threading.get_ident()


def test_whoever_is_faster_waits() -> None:
    """No more than the room allows is in the queue."""
    gate, put = threading.Event(), []

    async def work() -> int:
        async with StoreThread(room=3) as thread:

            async def fill() -> None:
                for number in range(10):
                    await thread.put(gate.wait)
                    put.append(number)

            task = asyncio.create_task(fill())
            for _ in range(100):
                await asyncio.sleep(0)
            waiting = len(put)
            gate.set()
            await task
            return waiting

    assert asyncio.run(work()) == 3
    assert len(put) == 10


def fail() -> None:
    raise ValueError("the disk")


def test_a_failure_is_raised_and_what_follows_it_is_not_run() -> None:
    """A page that could not be written ends it, though nobody waited for it."""
    done: list[int] = []

    async def work() -> None:
        async with StoreThread() as thread:
            await thread.put(fail)
            await thread.put(done.append, 1)
            await thread.settle()

    with pytest.raises(ValueError, match="the disk"):
        asyncio.run(work())
    assert done == []


def test_a_context_is_left_with_the_failure() -> None:
    """So a transaction is undone; afterwards the thread works on."""
    left: list[object] = []

    @contextmanager
    def transaction() -> Iterator[str]:
        try:
            yield "open"
        except ValueError as error:
            left.append(str(error))
            raise

    async def write(thread: StoreThread) -> None:
        async with thread.entered(transaction()) as value:
            assert value == "open"
            await thread.put(fail)

    async def work() -> str:
        async with StoreThread() as thread:
            with pytest.raises(ValueError, match="the disk"):
                await write(thread)
            return await thread.run(lambda: "works")

    assert asyncio.run(work()) == "works"
    assert left == ["the disk"]


def test_a_failure_ends_with_the_block_that_it_was_in() -> None:
    """What fails next has its own reason: the former one is not raised again."""

    @contextmanager
    def transaction() -> Iterator[None]:
        yield

    async def write(thread: StoreThread) -> None:
        async with thread.entered(transaction()):
            await thread.put(fail)
            await thread.run(int)
            raise KeyError("another")

    async def work() -> None:
        async with StoreThread() as thread:
            with pytest.raises(KeyError, match="another"):
                await write(thread)
            await thread.settle()

    asyncio.run(work())


def test_being_cancelled_undoes_a_transaction() -> None:
    """Ctrl-C in the middle of a page leaves the block with it."""
    left: list[str] = []

    @contextmanager
    def transaction() -> Iterator[None]:
        try:
            yield
            left.append("committed")
        except BaseException:
            left.append("undone")
            raise

    async def work() -> None:
        async with StoreThread() as thread, thread.entered(transaction()):
            await asyncio.sleep(3600)

    async def interrupt() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupt())
    assert left == ["undone"]


def test_being_cancelled_while_it_is_entered_leaves_a_transaction() -> None:
    """Whoever waits for the lock of a store, and is told to end, keeps no transaction open."""
    gate, begun = threading.Event(), threading.Event()
    left: list[str] = []

    @contextmanager
    def transaction() -> Iterator[None]:
        begun.set()
        gate.wait()
        try:
            yield
        except asyncio.CancelledError:
            left.append("undone")
            raise

    async def enter(thread: StoreThread) -> None:
        async with thread.entered(transaction()):
            left.append("in its block")

    async def work() -> str:
        async with StoreThread() as thread:
            task = asyncio.create_task(enter(thread))
            await asyncio.to_thread(begun.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gate.set()
            return await thread.run(lambda: "works")

    assert asyncio.run(work()) == "works"
    assert left == ["undone"]
