"""
The threads in which requests do long work, so that others are answered meanwhile.

Python runs one thread at a time, so that more threads finish nothing sooner: they only make a
request that needs a millisecond, such as one for a token, wait for all of them. Long reads
therefore run in few threads, and in steps between which they take turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from entra_emulator.directory.steps import Steps, take_step

T = TypeVar("T")
P = ParamSpec("P")

# Two, so that one reads in Python while the database looks for the other.
READERS = 2
# The database has one writer; the second thread prepares what it writes next.
WRITERS = 2
# Pages of the portal are read and sent by people.
PAGES = 4


class WorkQueue:
    """
    Limits how many requests read, write, or make pages at the same time; the others wait in order.

    Token requests are not among them, and so wait for none of these.
    """

    def __init__(self) -> None:
        self._reading = asyncio.Semaphore(READERS)
        self._writing = asyncio.Semaphore(WRITERS)
        self._pages = asyncio.Semaphore(PAGES)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def read(self, steps: Steps[T], is_gone: Callable[[], Awaitable[bool]]) -> T:
        """
        What the steps return in the end.

        After each step the request goes to the end of the queue, so that a short read waits for
        one step of each long one, not for their ends.

        Args:
            steps: the work.
            is_gone: whether nobody waits for the result.

        Raises:
            ClientDisconnect: nobody does; the rest of the work is not done.
        """
        while True:
            async with self._reading:
                ended = await run_in_threadpool(take_step, steps)
            if ended is not None:
                return ended[0]
            if await is_gone():
                raise ClientDisconnect

    async def write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns, which may wait for the database's only writer."""
        async with self._writing:
            return await run_in_threadpool(work, *args, **kwargs)

    async def make_page(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns, which makes a page for a person."""
        self._loop = asyncio.get_running_loop()
        async with self._pages:
            return await run_in_threadpool(work, *args, **kwargs)

    def wait_for(self, answer: Coroutine[Any, Any, T]) -> T:
        """In a thread that makes a page: what this coroutine of the event loop returns."""
        assert self._loop is not None, "a page is being made"
        return asyncio.run_coroutine_threadsafe(answer, self._loop).result()
