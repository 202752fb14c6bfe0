"""Many chains of pages at once: who reads which shard, and what waits to be taken."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from graphdaemon.listing.chain import Batch, Shard

# Pages, and bytes of them, that wait to be taken; with more, readers wait, and memory stays flat.
# All that 32 chains bring at once: a chain that waits here does not ask for its next page.
_FEW, _MOST, _MOST_BYTES = 8, 32, 12_000_000


class Crew:
    """
    Reads shards, several at a time.

    Args:
        read: Reads one shard, and delivers its pages.
        size: Shards at a time.
        note: Hears of every shard before anybody reads it.

    Attributes:
        size: The same.
    """

    def __init__(
        self,
        read: Callable[[Shard], Awaitable[None]],
        size: int,
        note: Callable[[Shard], None] = lambda _: None,
    ) -> None:
        self._read = read
        self.size = size
        self._note = note
        self._pending: deque[Shard] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: deque[Batch] = deque()
        self._held = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None

    @property
    def busy(self) -> int:
        """Shards that are being read."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """Shards that nobody reads yet."""
        return len(self._pending)

    def add(self, shards: Iterable[Shard]) -> None:
        """Read these too."""
        for shard in shards:
            self._note(shard)
            self._pending.append(shard)
        while self._pending and len(self._tasks) < self.size and self._failure is None:
            task = asyncio.create_task(self._work(self._pending.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def drop(self, unwanted: Callable[[Shard], bool]) -> None:
        """Read none of these that nobody has begun."""
        self._pending = deque(shard for shard in self._pending if not unwanted(shard))

    async def deliver(self, batch: Batch) -> None:
        """Hand a page over; wait while too many wait already."""
        while self._is_full():
            self._room.clear()
            await self._room.wait()
        self._held += len(batch.page.body)
        self._pages.append(batch)
        self._news.set()

    async def batches(self, shards: Iterable[Shard]) -> AsyncGenerator[Batch]:
        """
        Yield every page of `shards`, and of what is added meanwhile, as they come.

        Closing it stops every chain.

        Raises:
            Error: The first failure of any chain; the others are stopped.
        """
        self.add(shards)
        try:
            while self._tasks or self._pages:
                if self._pages:
                    batch = self._pages.popleft()
                    self._held -= len(batch.page.body)
                    self._room.set()
                    yield batch
                else:
                    self._news.clear()
                    await self._news.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            await self._dismiss()

    def _is_full(self) -> bool:
        waiting = len(self._pages)
        return waiting >= _MOST or (waiting >= _FEW and self._held >= _MOST_BYTES)

    async def _work(self, shard: Shard) -> None:
        await self._read(shard)
        while self._pending and self._failure is None:
            await self._read(self._pending.popleft())

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if self._failure is None and isinstance(error, Exception):
                self._failure = error
            for other in self._tasks:
                other.cancel()
        self._news.set()

    async def _dismiss(self) -> None:
        self._pending.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
