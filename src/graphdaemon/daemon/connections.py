"""Connections to the store: one for each tenant that is worked at, or one for all of SQLite."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, NamedTuple, TypeVar

from graphdaemon.store.store import Store
from graphdaemon.sync.store_thread import StoreThread

T = TypeVar("T")


class StoreConnection(NamedTuple):
    """
    An open store, and the thread that alone uses it.

    Attributes:
        store: The store.
        thread: Its thread.
        writing: Held while a transaction is open, where others share the connection.
    """

    store: Store
    thread: StoreThread
    writing: asyncio.Lock | None

    @property
    def is_taken(self) -> bool:
        """Whether whoever wants to write would have to wait for another tenant's run."""
        return self.writing is not None and self.writing.locked()

    def alone(self) -> AbstractAsyncContextManager[object]:
        """Let nobody else who shares it write while the block runs."""
        return self.writing or nullcontext()

    async def run_alone(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in the thread while no other transaction is open."""
        async with self.alone():
            return await self.thread.run(function, *arguments)

    async def close(self) -> None:
        """End it, and its thread."""
        try:
            await self.thread.run(self.store.close)
        finally:
            await self.thread.__aexit__()


class StoreConnections:
    """
    Lends connections, and keeps those that come back.

    SQLite is written by one connection at a time, whoever has it: there, everybody gets the same
    one, and takes turns at writing.

    Args:
        open_store: Opens the store; called in the thread that is to use it.
        is_shared: It is SQLite.
    """

    def __init__(self, open_store: Callable[[], Store], *, is_shared: bool) -> None:
        self._open_store = open_store
        self.is_shared = is_shared
        self._kept: list[StoreConnection] = []
        self._all: list[StoreConnection] = []

    async def open(self) -> StoreConnection:
        """
        Return a connection that nobody else has; of SQLite the only one.

        Raises:
            StoreError: The store cannot be used.
        """
        if self.is_shared and self._all:
            return self._all[0]
        thread = await StoreThread().__aenter__()
        try:
            store = await thread.run(self._open_store)
        except BaseException:
            await thread.__aexit__()
            raise
        writing = asyncio.Lock() if self.is_shared else None
        connection = StoreConnection(store, thread, writing)
        self._all.append(connection)
        return connection

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[StoreConnection]:
        """Lend a connection for the length of the block."""
        connection = self._kept.pop() if self._kept else await self.open()
        try:
            yield connection
        finally:
            if not self.is_shared:
                self._kept.append(connection)

    async def close(self) -> None:
        """End every connection."""
        for connection in self._all:
            await connection.close()
        self._all.clear()
        self._kept.clear()
