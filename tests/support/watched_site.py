"""A daemon's HTTP server over a watched store, for whoever asks or looks."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphdaemon.daemon.metrics import Metrics
from graphdaemon.daemon.server import Listening, serve
from graphdaemon.daemon.site import Site
from graphdaemon.daemon.store_reader import StoreReader
from tests.support.watched_store import NOW


@dataclass
class Life:
    """How a daemon is, as its state says it."""

    turned: float = field(default_factory=time.monotonic)
    ready: bool = True
    standby: bool = False
    stopping: bool = False
    store_error: Any = None
    running: dict[str, float] = field(default_factory=dict)


@contextmanager
def run_site(
    url: str, *, now: Callable[[], dt.datetime] = lambda: NOW, life: Life | None = None
) -> Iterator[str]:
    """Answer in a thread of its own; yield the address."""
    started = threading.Event()
    address: list[str] = []
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def main() -> None:
        site = Site(life or Life(), StoreReader(url), Metrics(), now=now)
        async with serve(Listening("127.0.0.1", 0), site.answer) as place:
            address.append(place)
            started.set()
            await ended.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
