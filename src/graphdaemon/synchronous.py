"""Use what is asynchronous from scripts that are not."""

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
    Use what is async from code that is not: an iterator for an iterator, a result for an await.

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
    async def finish() -> T:
        return await work

    future = asyncio.run_coroutine_threadsafe(finish(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop on one thread for all blocking callers, so that it works inside a notebook too."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="graphdaemon-loop").start()
    return loop
