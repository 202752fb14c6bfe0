"""An event loop in a thread of its own, on which an application is served or called."""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop that runs from the beginning on, until `close`."""

    def __init__(self) -> None:
        # What the loop runs itself is one task to its end: the application's threads end with it.
        started: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = (
            queue.SimpleQueue()
        )

        async def run() -> None:
            ended = asyncio.Event()
            started.put((asyncio.get_running_loop(), ended))
            await ended.wait()

        # A daemon thread: a test that forgets to close it must not keep the process alive.
        self._thread = threading.Thread(target=lambda: _run(run()), name="emulator", daemon=True)
        self._thread.start()
        self._loop, self._ended = started.get()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Let the loop do this work; its result comes with the future."""
        # Without the caller's context, which may say that another kind of loop runs.
        return Context().run(asyncio.run_coroutine_threadsafe, work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns, done on the loop."""
        return self.start(work).result()

    def close(self) -> None:
        """End the loop and its thread; what is still under way is cancelled."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()


def _run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=_choose_loop()) as runner:
        runner.run(work)


def _choose_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop
