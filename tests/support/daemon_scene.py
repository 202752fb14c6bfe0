"""Several tenants, a daemon that keeps them in step, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphdaemon.daemon.clock import Clock
from graphdaemon.daemon.events import DaemonEvent
from graphdaemon.daemon.options import DaemonOptions, TenantFiles
from graphdaemon.daemon.run import Daemon
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.settings.tenants import read_folder, read_tenant_file
from graphdaemon.store.leases import Lease, read_leases
from graphdaemon.store.store import open_store
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.session import Selected
from tests.support.emulator_probe import Probe
from tests.support.sync_scene import LISTING, SyncScene, open_sync_scene

EVERY = 300.0
ROUND = 1.2 * EVERY
"""After so long each tenant has been brought into step once more, whenever its moment is."""

START = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)

# No test waits so long unless something is wrong.
PATIENCE_S = 60.0


class ScriptedClock:
    """Stands still until the test lets time pass, which it does while the daemon has no work."""

    def __init__(self) -> None:
        self.wall = START
        self.seconds = 1_000.0
        self._left = 0.0
        self._more = asyncio.Event()
        self._spent = asyncio.Event()
        self.daemon: Daemon | None = None

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.seconds, self._wait, leads=True)

    async def let_pass(self, seconds: float) -> None:
        """Let the daemon live through so many seconds."""
        self._left += seconds
        self._spent.clear()
        self._more.set()
        async with asyncio.timeout(PATIENCE_S):
            await self._spent.wait()

    def step(self, seconds: float) -> None:
        """Set the wall clock, while no time passes."""
        self.wall += dt.timedelta(seconds=seconds)

    async def _wait(self, wake: asyncio.Event, seconds: float) -> None:
        if self.daemon is not None and self.daemon.state.running:
            await wake.wait()
            return
        while not self._left and not wake.is_set():
            self._spent.set()
            self._more.clear()
            waiting = [asyncio.ensure_future(one.wait()) for one in (wake, self._more)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in waiting:
                one.cancel()
        if not wake.is_set():
            passed = min(seconds, self._left)
            self._left -= passed
            self.seconds += passed
            self.wall += dt.timedelta(seconds=passed)


@dataclass
class DaemonScene:
    """
    Tenants of one emulator, each with its settings file, and the store.

    Attributes:
        folder: Where the settings files are.
        tenants: The tenants by the names of their files.
        events: What the daemons have told.
    """

    probe: Probe
    folder: Path
    store_url: str
    stack: ExitStack
    tenants: dict[str, SyncScene] = field(default_factory=dict)
    events: list[DaemonEvent] = field(default_factory=list)
    collections: tuple[str, ...] = ("users",)
    listener: asyncio.Event | None = None

    def add_tenant(self, name: str, *, users: int = 3) -> SyncScene:
        """A tenant with some users, and its settings file."""
        home = self.folder.parent / f"{name}-home"
        home.mkdir()
        scene = self.stack.enter_context(open_sync_scene(self.probe, home))
        scene.store_url = self.store_url
        for _ in range(users):
            scene.add("user", accountEnabled=True)
        self.tenants[name] = scene
        self.write(name)
        return scene

    def write(self, name: str, **changes: Any) -> Path:
        """Write a tenant's settings file, with `changes`."""
        written = self.tenants[name].write_parameters()
        values = json.loads(written.read_text()) | changes
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(values))
        path.chmod(0o600)
        return path

    def options(self, **changes: Any) -> DaemonOptions:
        selections = tuple(
            Selected(stored, stored.select)
            for name, stored in STORED_COLLECTIONS.items()
            if name in self.collections
        )
        made = DaemonOptions(
            self.store_url,
            EVERY,
            TenantFiles(lambda: read_folder(self.folder, {}), self._read_again),
            selections,
            named=True,
            attempts=1,
            sync=SyncOptions(listing=LISTING),
        )
        return made._replace(**changes)

    @asynccontextmanager
    async def running(
        self, clock: ScriptedClock | None = None, **changes: Any
    ) -> AsyncIterator[Daemon]:
        """A daemon in this event loop, which is told to stop at the end of the block."""
        if clock is not None:
            changes["clock"] = clock.clock
        self.listener = self.listener or asyncio.Event()
        daemon = Daemon(self.options(**changes), self.hear)
        if clock is not None:
            clock.daemon = daemon
        task = asyncio.ensure_future(daemon.run())
        task.add_done_callback(lambda _: self._notify())
        try:
            yield daemon
        finally:
            daemon.stop()
            async with asyncio.timeout(PATIENCE_S):
                await task

    def hear(self, event: DaemonEvent) -> None:
        self.events.append(event)
        self._notify()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds, which can only come true when an event is told."""
        assert self.listener is not None, "a daemon runs"
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.listener.clear()
                await self.listener.wait()

    async def until_told(self, name: str, count: int = 1, /, **fields: object) -> DaemonEvent:
        """Wait until an event was told so many times; return the last one."""
        await self.until(lambda: len(self.told(name, **fields)) >= count)
        return self.told(name, **fields)[-1]

    def told(self, name: str, /, **fields: object) -> list[DaemonEvent]:
        """The events of a name whose fields have these values."""
        return [
            event
            for event in self.events
            if event.name == name and fields.items() <= event.fields.items()
        ]

    def leases(self) -> dict[tuple[str, str], Lease]:
        """What the store knows, by the name of the settings file and the collection."""
        with open_store(self.store_url) as store:
            return {(lease.name, lease.collection): lease for lease in read_leases(store)}

    def _notify(self) -> None:
        if self.listener is not None:
            self.listener.set()

    def _read_again(self, file: Any) -> Any:
        return read_tenant_file(file.path, {})


@contextmanager
def open_daemon_scene(probe: Probe, folder: Path, store_url: str) -> Iterator[DaemonScene]:
    """No tenant yet, and a store that does not exist yet."""
    tenants = folder / "tenants"
    tenants.mkdir()
    with ExitStack() as stack:
        yield DaemonScene(probe, tenants, store_url, stack)
