"""Wait for another process that uses the same store, as long as the caller allows."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from graphdaemon.errors import StoreError
from graphdaemon.sync.session import Session
from graphdaemon.sync.store_thread import StoreThread

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds between two looks at whether another process has finished.
_LOOK_AGAIN_S = 0.1


async def when_free(
    thread: StoreThread, wait: float, function: Callable[[], T], *, topic: str = ""
) -> T:
    """
    Return what `function` returns in the thread of the store, once no other process is in its way.

    Args:
        thread: The thread.
        wait: The maximum number of seconds to wait.
        function: What to call, again and again while the store is busy.
        topic: What waits, for whoever watches; the store as a whole if it is empty.

    Raises:
        StoreError: `store_busy`, the other one works for longer; or whatever `function` raises.
    """
    end, is_told = time.monotonic() + wait, False
    while True:
        try:
            return await thread.run(function)
        except StoreError as error:
            if error.code != "store_busy" or time.monotonic() >= end:
                raise
        if not is_told:
            is_told = True
            beginning = f"{topic}: " if topic else ""
            logger.warning("%sanother process syncs to this store; waiting", beginning)
        # Not in the store's own thread, where nobody could interrupt it.
        await asyncio.sleep(_LOOK_AGAIN_S)


@asynccontextmanager
async def held(session: Session, name: str) -> AsyncGenerator[None]:
    """Keep every other process away from a collection of the store, or wait for it."""

    def enter() -> Callable[..., bool | None]:
        context = session.store.hold(session.tenant, name)
        context.__enter__()
        return context.__exit__

    leave = await when_free(session.thread, session.options.wait, enter, topic=name)
    try:
        yield
    finally:
        await session.thread.run(leave, None, None, None)
