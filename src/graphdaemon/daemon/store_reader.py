"""Reading the store beside the daemon's own work: in threads, a few at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from graphdaemon.errors import StoreError
from graphdaemon.http.threads import SHARED as THREADS
from graphdaemon.store.store import Store, open_store

T = TypeVar("T")

_AT_A_TIME = 2
_MOST_WAITING = 16


class StoreReader:
    """
    Reads a store, each time over a connection of its own, so that none has to be kept alive.

    Args:
        url: The store's URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._room = asyncio.Semaphore(_AT_A_TIME)
        self._waiting = 0

    async def read(self, function: Callable[[Store], T]) -> T:
        """
        Call `function` with the store in a thread, and return the result.

        Raises:
            StoreError: The store cannot be read; `store_busy`: too many others wait.
        """
        if self._waiting >= _MOST_WAITING:
            raise StoreError(
                "too many requests are reading the store at the moment",
                code="store_busy",
                hint="Try again in a moment.",
            )
        self._waiting += 1
        try:
            async with self._room:
                return await _run(self._open, function)
        finally:
            self._waiting -= 1

    def _open(self, function: Callable[[Store], T]) -> T:
        with open_store(self._url, create=False) as store:
            return function(store)


async def _run(function: Callable[[Callable[[Store], T]], T], argument: Callable[[Store], T]) -> T:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # what the function returned

    def work() -> None:
        result, failure = None, None
        try:
            result = function(argument)
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    THREADS.start(work)
    return await future
