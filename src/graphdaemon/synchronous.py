"""The bridge from scripts without async to the library, which is async throughout."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import cache
from typing import TypeVar, overload

T = TypeVar("T")


@overload
def blocking(work: AsyncIterator[T]) -> Iterator[T]: ...
@overload
def blocking(work: Awaitable[T]) -> T: ...
def blocking(work: AsyncIterator[T] | Awaitable[T]) -> Iterator[T] | T:
    """
    Run async work to its end from code that is not async, and return its result.

    Of an async iterator, it returns a plain iterator.

    Example:
        .. code-block:: python

            client = graphdaemon.load("parameters.json")
            for user in graphdaemon.blocking(client.list("users")):
                print(user["displayName"])
    """
    if isinstance(work, AsyncIterator):
        return _iterate(work)
    return _wait(work)


def _iterate(work: AsyncIterator[T]) -> Iterator[T]:
    try:
        while True:
            try:
                yield _wait(anext(work))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(work, "aclose", None)
        if close is not None:
            _wait(close())


def _wait(work: Awaitable[T]) -> T:
    # `run_coroutine_threadsafe` takes a coroutine, which not every awaitable is.
    async def finish() -> T:
        return await work

    future = asyncio.run_coroutine_threadsafe(finish(), _loop())
    try:
        return future.result()
    except BaseException:
        # Ctrl-C arrives here, on the caller's thread; the loop would go on with the work.
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Start one loop on a thread of its own for all callers, which works inside a notebook too."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="graphdaemon-loop").start()
    return loop
