"""The time by which a daemon works, and how it waits."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from graphdaemon.store.times import now_utc


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)


class Clock(NamedTuple):
    """
    The time by which a daemon works.

    Attributes:
        now: Tells the time in UTC; it may be set back and forth.
        steady: Seconds that only grow.
        wait: Waits until the event is set, and for so many seconds at most.
        leads: Leases are given by this clock, even where the database has one of its own.
    """

    now: Callable[[], dt.datetime] = now_utc
    steady: Callable[[], float] = time.monotonic
    wait: Callable[[asyncio.Event, float], Awaitable[None]] = _wait
    leads: bool = False
