"""
One thread for the store, so that it writes one page while the next ones are fetched.

A database connection blocks, and is used by one thread alone. What is put in the queue waits there
only while a few pages are before it: whoever fetches faster than the store writes has to wait too,
and memory stays flat.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import Any, Self, TypeVar, cast

T = TypeVar("T")

# Pages that may wait. More would only take memory: the store works on one at a time.
_ROOM = 8

_Job = tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]


class StoreThread:
    """
    Runs functions one after the other in a thread of its own; an async context manager.

    Args:
        room: How many may wait before `put` waits.
    """

    def __init__(self, *, room: int = _ROOM) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(room)
        self._failure: BaseException | None = None
        self._left = 0
        self._thread = threading.Thread(target=self._work, name="graphdaemon store", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def is_busy(self) -> bool:
        """Whether anything waits for the thread, or runs in it."""
        return self._left > 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run `function` after everything before it; return what it returns."""
        future: asyncio.Future[T] = self._loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            self._left -= 1
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast("T", result))

        self._left += 1
        self._jobs.put((partial(function, *arguments), settle))
        return await future

    async def put(self, function: Callable[..., object], *arguments: Any) -> None:
        """
        Let `function` run after everything before it, and do not wait for it.

        Raises:
            Exception: What an earlier such function raised. Those after it were not run.
        """
        self._raise_failure()
        await self._room.acquire()
        self._left += 1
        self._jobs.put((partial(self._attempt, partial(function, *arguments)), self._make_room))

    async def settle(self) -> None:
        """
        Wait until everything was run.

        Raises:
            Exception: What a function raised that was `put`.
        """
        await self.run(_nothing)
        self._raise_failure()

    @asynccontextmanager
    async def entered(self, context: AbstractContextManager[T]) -> AsyncGenerator[T]:
        """
        Enter a context manager in the thread, and leave it there, with the failure if there is one.

        Raises:
            Exception: What a function raised that was `put` meanwhile.
        """
        entry = _Entry(context)
        try:
            value = await self.run(entry.enter)
        except asyncio.CancelledError:
            # The thread may be entering it now, and nobody is left to leave it.
            self._jobs.put((entry.leave_cancelled, _ignore))
            raise
        try:
            yield value
            await self.settle()
        except BaseException as error:
            self._failure = None
            if not await self.run(context.__exit__, type(error), error, error.__traceback__):
                raise
        else:
            await self.run(context.__exit__, None, None, None)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _attempt(self, function: Callable[[], object]) -> None:
        """Run a function that was `put`, unless one before it has failed."""
        if self._failure is None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001  it is raised by `put` or `settle`
                self._failure = error

    def _make_room(self, _: object, __: BaseException | None) -> None:
        self._left -= 1
        self._room.release()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, settle = job
            result, failure = None, None
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                failure = error
            self._loop.call_soon_threadsafe(settle, result, failure)


class _Entry:
    """A context manager that a thread enters, and leaves again if nobody waits for it any more."""

    def __init__(self, context: AbstractContextManager[T]) -> None:
        self._context = context
        self._is_entered = False

    def enter(self) -> Any:
        """Enter it."""
        value = self._context.__enter__()
        self._is_entered = True
        return value

    def leave_cancelled(self) -> None:
        """Leave it as one whose block was cancelled, if it was entered."""
        if self._is_entered:
            error = asyncio.CancelledError()
            self._context.__exit__(type(error), error, error.__traceback__)


def _nothing() -> None:
    pass


def _ignore(_: object, __: BaseException | None) -> None:
    pass
