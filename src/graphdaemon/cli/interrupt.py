"""Ctrl-C: while the event loop waits, and how to go on after it."""

import asyncio
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def advising(step: str) -> Iterator[None]:
    """Let a KeyboardInterrupt say the next step, which is printed when the command ends."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(step) from None


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """
    Run `work` to its end; Ctrl-C cancels it and raises KeyboardInterrupt.

    `asyncio.run` alone loses a Ctrl-C that comes in the moment before the loop begins to wait:
    Python 3.11 to 3.13 wake a waiting loop only for handlers that the loop knows.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # On Windows the loop always knows; and Ctrl-C comes to the main thread alone.
    if sys.platform == "win32" or not is_main:
        return asyncio.run(work)
    results: list[T] = []
    asyncio.run(_supervise(work, results))
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _supervise(work: Coroutine[Any, Any, T], results: list[T]) -> None:
    """Put what `work` returns into `results`, which stay empty if it is interrupted."""
    interrupted = False
    task = asyncio.ensure_future(work)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    try:
        results.append(await task)
    except asyncio.CancelledError:
        if not interrupted:
            raise
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
