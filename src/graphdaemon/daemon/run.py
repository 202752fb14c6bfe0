"""
The loop of the daemon: take what is due, let it be worked at, note what came of it, and wait.

Begin with `Daemon.run`. Everything here runs in one event loop; what blocks runs in the threads of
the store's connections.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any

from graphdaemon.daemon.connections import StoreConnection, StoreConnections
from graphdaemon.daemon.events import Tell, make_event
from graphdaemon.daemon.options import DaemonOptions, DaemonState
from graphdaemon.daemon.reason import describe_error, make_reason
from graphdaemon.daemon.tenant_graph import TenantGraph
from graphdaemon.daemon.tenants import Tenants
from graphdaemon.daemon.work import Works, work_at_tenant
from graphdaemon.errors import Error, IdentityError, SettingsError, StoreError
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.location import read_location
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.times import format_time

LONGEST_LEASE_S = 60.0
"""Seconds after which others take over from a process that was killed; less for short intervals."""

# At least so often the loop looks around: for a machine that slept, a lease that others lost.
_LOOK_S = 30.0
# A tenant without an answer for so long leaves its slot to another one.
_SLOW_S = 15.0
# So many times as many tenants as there are slots may be waited for at once.
_MOST_SLOW = 4
# A clock that is off by more seconds than that from what has passed was set, or has slept.
_STEP_S = 30.0
# Before the loop looks again it waits so long at least, and so long for a store that has failed.
_SHORTEST_S = 0.05
_STORE_S = 5.0
# At the end: seconds for those who finish by themselves, and for those who are cut to roll back.
_FINISH_S = 2.0
_CUT_S = 1.0


class Daemon:
    """
    Keeps tenants in step until it is told to stop.

    Args:
        options: How it works.
        tell: Is told every event.

    Attributes:
        options: How it works.
        state: How it is.
    """

    def __init__(self, options: DaemonOptions, tell: Tell) -> None:
        self.options = options
        self.tell = tell
        clock = options.clock
        self.state = DaemonState(
            read_location(options.store).shown,
            options.every,
            f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}",
            format_time(clock.now()),
            clock.steady(),
        )
        self._selections = {one.stored.name: one for one in options.selections}
        self._is_shared = read_location(options.store).path is not None
        self._connections = StoreConnections(self._open_store, is_shared=self._is_shared)
        self._tenants = Tenants(options, self.state, tell, self._retire)
        self._tasks: dict[str, asyncio.Task[Error | None]] = {}
        self._working: dict[str, TenantGraph] = {}
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._reload = False
        self._is_entered = False
        self._gone: set[str] = set()
        self._renewed = clock.steady()
        self._wall = clock.now()

    # What others call, in the event loop.

    def stop(self) -> None:
        """End soon: what is under way is finished if it takes a moment, and else rolled back."""
        self.state.stopping = True
        self._stop.set()
        self._wake.set()

    def reload(self) -> None:
        """Read the settings again; where they cannot be used, those from before stay."""
        self._reload = True
        self._wake.set()

    async def run(self) -> None:
        """
        Keep everything in step until `stop` is called.

        Raises:
            SettingsError: No tenant has settings that can be used.
            StoreError: The store cannot be used, and would not be later.
        """
        self._tenants.read()
        self._tell_started()
        async with AsyncExitStack() as stack:
            for enter in self.options.beside:
                await stack.enter_async_context(enter(self))
            stack.push_async_callback(self._close)
            notes = await self._open(stack)
            if notes is not None:
                await self._loop(self._make_works(notes))

    # The beginning.

    def _tell_started(self) -> None:
        state = self.state
        self.tell(
            make_event(
                "started",
                store=state.store,
                every=state.every,
                tenants=len(state.files),
                collections=len(self._selections),
                holder=state.holder,
            )
        )
        self._tenants.tell_sick()

    def _retire(self, graph: TenantGraph) -> None:
        """Close the connections of settings that hold no longer, once they are not used."""
        task = self._tasks.get(graph.key)
        if task is None:
            graph.close()
        else:
            task.add_done_callback(lambda _: graph.close())

    def _open_store(self) -> Store:
        return open_store(self.options.store, now=self.options.clock.now)

    async def _open(self, stack: AsyncExitStack) -> StoreConnection | None:
        """Open the store, and wait for it where others have it; None if it is to end before."""
        while not self.state.stopping:
            try:
                notes = await self._connections.open()
                if self._is_shared:
                    await self._hold(notes, stack)
            except StoreError as error:
                if error.code not in ("store_busy", "store_gone"):
                    raise
                self._note_standby(error)
                await self._pause(min(self.options.every, _LOOK_S / 6))
            else:
                self.state.standby = False
                self._note_store()
                return notes
        return None

    async def _hold(self, notes: StoreConnection, stack: AsyncExitStack) -> None:
        """Keep every other process away from a SQLite store, for as long as this one lives."""
        context = notes.store.database.hold("daemon", 0.0)
        await notes.thread.run(context.__enter__)

        async def release() -> None:
            await notes.thread.run(context.__exit__, None, None, None)

        stack.push_async_callback(release)

    def _note_standby(self, error: StoreError) -> None:
        if error.code != "store_busy":
            self._note_store(error)
        elif not self.state.standby:
            self.state.standby = True
            self.tell(make_event("standby", store=self.state.store))

    def _make_works(self, notes: StoreConnection) -> Works:
        options = self.options
        lasting = min(options.every / 3, LONGEST_LEASE_S)
        now = options.clock.now if options.clock.leads or self._is_shared else None
        return Works(
            self._selections,
            options.named,
            options.sync._replace(now=options.clock.now),
            options.every,
            options.patience,
            LeaseHolder(notes.store, self.state.holder, lasting, now),
            notes,
            self._connections,
            self.tell,
        )

    # The loop.

    async def _loop(self, works: Works) -> None:
        try:
            while not self.state.stopping:
                self._wake.clear()
                self._look_at_clock()
                try:
                    wait = await self._unless_stopped(self._turn(works))
                except StoreError as error:
                    self._note_store(error)
                    wait = _STORE_S
                else:
                    self._note_store()
                if not self._wake.is_set():
                    await self._pause(wait)
        finally:
            await self._end(works)

    async def _unless_stopped(self, turn: Coroutine[Any, Any, float]) -> float:
        """
        Do a turn, and break it off when the daemon is to end: the store may be held by others.

        What it takes of leases meanwhile is released at the end, by the same thread.
        """
        turning = asyncio.ensure_future(turn)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({turning, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return turning.result() if turning.done() else 0.0
        finally:
            for task in (turning, stopped):
                task.cancel()
            await asyncio.wait({turning, stopped})

    async def _enter(self, works: Works) -> None:
        """Enter what is to be kept in step into the leases."""
        leases, run = works.leases, works.notes.run_alone
        graphs = self._tenants.graphs
        tenants = [(key, graph.name) for key, graph in graphs.items()]
        await run(leases.enter, tenants, list(self._selections), self.options.every)
        await run(leases.mend_files, [graph.name for graph in graphs.values()])
        for sick in self._tenants.sick.values():
            await run(
                leases.note_file,
                sick.file.name,
                self.options.every,
                sick.failures,
                make_reason(sick.error),
            )

    async def _catch_up(self, works: Works) -> None:
        """Bring the leases into line with the settings, if these were read."""
        if not self.state.ready and self._is_shared:
            # This process alone writes, so whoever held a lease has ended.
            await works.notes.run_alone(works.leases.release_all)
        if self._reload:
            self._reload, self._is_entered = False, False
            self._gone |= self._tenants.read_again()
        if self._tenants.look_at_sick():
            self._is_entered = False
        if self._is_entered:
            return
        await self._enter(works)
        await works.notes.run_alone(works.leases.forget, list(self._gone))
        self._gone, self._is_entered = set(), True
        if not self.state.ready:
            self.state.ready = True
            self.tell(make_event("ready"))

    async def _turn(self, works: Works) -> float:
        """Take what is due, and return in how many seconds to look again."""
        await self._catch_up(works)
        await self._renew(works)
        collections = list(self._selections)
        while self._free() > 0:
            if works.notes.is_taken:
                # A run is being written to SQLite; whoever ends it wakes the loop.
                return self._longest()
            idle = [key for key in self._tenants.graphs if key not in self._tasks]
            taken = await works.notes.run_alone(works.leases.take, idle, collections)
            if not taken:
                seconds = await works.notes.thread.run(works.leases.next, idle, collections)
                wait = self._longest() if seconds is None else min(seconds, self._longest())
                return max(wait, _SHORTEST_S)
            graph = self._tenants.find(taken[0].key.tenant)
            self._start(graph, work_at_tenant(works, graph, taken))
        return self._longest()

    def _free(self) -> int:
        """Return how many tenants more may be worked at; a silent one leaves its slot."""
        active = sum(graph.silent_for() < _SLOW_S for graph in self._working.values())
        slots = self.options.slots
        return min(slots - active, _MOST_SLOW * slots - len(self._tasks))

    def _longest(self) -> float:
        """Return how long the loop may wait: less while leases have to be renewed."""
        return min(_LOOK_S, self._renewal()) if self._tasks else _LOOK_S

    def _renewal(self) -> float:
        return min(self.options.every / 3, LONGEST_LEASE_S) / 3

    def _start(self, graph: TenantGraph, work: Coroutine[Any, Any, Error | None]) -> None:
        key = graph.key
        graph.note_answer()
        task = asyncio.ensure_future(work)
        self._tasks[key], self._working[key] = task, graph
        self.state.running[key] = self.options.clock.steady()
        task.add_done_callback(lambda task: self._finish(graph, task))

    def _finish(self, graph: TenantGraph, task: "asyncio.Task[Error | None]") -> None:
        del self._tasks[graph.key], self._working[graph.key]
        del self.state.running[graph.key]
        self._wake.set()
        if not task.cancelled() and isinstance(task.result(), IdentityError | SettingsError):
            graph.is_refused = True

    async def _renew(self, works: Works) -> None:
        steady = self.options.clock.steady()
        # Where one process alone works at the store, nobody else waits for a lease to end.
        if self._is_shared or steady - self._renewed < self._renewal() * 0.9:
            return
        self._renewed = steady
        if self._tasks:
            await works.notes.run_alone(works.leases.renew, list(self._tasks))

    async def _pause(self, seconds: float) -> None:
        await self.options.clock.wait(self._wake, seconds)

    def _look_at_clock(self) -> None:
        """Tell of a clock that was set, and of a machine that has slept."""
        clock, state = self.options.clock, self.state
        wall, steady = clock.now(), clock.steady()
        step = (wall - self._wall).total_seconds() - (steady - state.turned)
        if abs(step) >= _STEP_S:
            self.tell(make_event("clock_stepped", seconds=round(step, 1)))
        self._wall, state.turned = wall, steady

    def _note_store(self, error: StoreError | None = None) -> None:
        """Tell of a store that cannot be used, once, and of one that can again."""
        state, known = self.state, self.state.store_error
        if error is None:
            state.store_error = None
            if known is not None:
                self.tell(make_event("store_recovered"))
            return
        state.store_error = make_reason(error)
        if known is None or known.code != error.code:
            self.tell(make_event("store_failed", **describe_error(error)))

    # The end.

    async def _end(self, works: Works) -> None:
        """Let what takes a moment finish, roll back the rest, and leave nothing held."""
        self.tell(make_event("stopping", running=len(self._tasks)))
        cut = await _finish_within(self._tasks.values(), _FINISH_S)
        for task in cut:
            task.cancel()
        await _finish_within(cut, _CUT_S)
        with suppress(StoreError, TimeoutError):
            await asyncio.wait_for(works.notes.run_alone(works.leases.release), _CUT_S)
        self.tell(make_event("stopped", cut=len(cut)))

    async def _close(self) -> None:
        self._tenants.close()
        with suppress(StoreError):
            await self._connections.close()


async def _finish_within(
    tasks: "Iterable[asyncio.Task[Error | None]]", seconds: float
) -> "set[asyncio.Task[Error | None]]":
    """Wait for tasks; return those that have not ended after `seconds`."""
    some = set(tasks)
    if not some:
        return set()
    _, left = await asyncio.wait(some, timeout=seconds)
    return left
