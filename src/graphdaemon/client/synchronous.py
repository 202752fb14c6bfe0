"""The bridge from scripts without async to the library, which is async throughout."""

import asyncio
import atexit
import contextlib
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Generator
from functools import cache
from typing import TypeVar

T = TypeVar("T")

# How long the end of a program waits for what it has left unfinished.
_END_SECONDS = 5.0

_unfinished: "weakref.WeakSet[Generator[object]]" = weakref.WeakSet()
_program_ends = threading.Event()


def iterate(work: AsyncIterator[T]) -> Generator[T]:
    """
    Return an ordinary iterator of what `work` yields.

    The work is done on a thread of its own.
    """
    iterator = _iterate(work)
    _unfinished.add(iterator)
    return iterator


def _iterate(work: AsyncIterator[T]) -> Generator[T]:
    try:
        while True:
            try:
                yield wait(anext(work))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(work, "aclose", None)
        # At the very end of a program there is no loop any more.
        if close is not None and _loop().is_running():
            wait(close(), _END_SECONDS if _program_ends.is_set() else None)


def wait(work: Awaitable[T], seconds: float | None = None) -> T:
    """
    Return the result of `work`, which is done on a thread of its own.

    Raises:
        TimeoutError: The result was not available after this many seconds.
    """

    # `run_coroutine_threadsafe` takes a coroutine, which not every awaitable is.
    async def finish() -> T:
        return await work

    future = asyncio.run_coroutine_threadsafe(finish(), _loop())
    try:
        return future.result(seconds)
    except BaseException:
        # Ctrl-C arrives here, on the caller's thread; the loop would go on with the work.
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """
    Start one event loop on a thread of its own for all callers.

    It works inside a notebook too.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="graphdaemon-loop")
    thread.start()
    atexit.register(_end, loop, thread)
    return loop


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """
    Close what is unfinished, and end the loop.

    Python closes what is left of iterators at the very end, when the loop's thread stands still
    already: waiting for the loop then would last for ever.
    """
    _program_ends.set()
    for iterator in list(_unfinished):
        # Whatever it meets, the program ends; a ValueError is that another thread is inside it.
        with contextlib.suppress(Exception):
            iterator.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_END_SECONDS)
