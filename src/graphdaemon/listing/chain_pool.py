"""Read several chains at the same time, and keep their pages for the consumer."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from graphdaemon.listing.chain import Chain, ChainPage

# Chains are not read on while so many pages wait for the consumer, so that memory does not grow. It
# is one page for each of the usual 32 chains.
_MOST_PAGES = 32
# From so many bytes on, the lower number of pages counts, because large pages fill the memory.
_MOST_BYTES = 6_000_000
_MOST_LARGE_PAGES = 8


class ChainPool:
    """
    Reads chains, several at a time.

    Args:
        read: Reads one chain, and delivers its pages.
        size: The most chains to read at the same time.
        announce: Is called with every chain that is added.
        width: Returns how many chains should be read at the same time at present.
        join: Takes the chains that have not been begun, and returns the chains to read in their
            place; it returns the same list to change nothing.
    """

    def __init__(
        self,
        read: Callable[[Chain], Awaitable[None]],
        size: int,
        announce: Callable[[Chain], None] = lambda _: None,
        *,
        width: Callable[[], int] | None = None,
        join: Callable[[list[Chain]], list[Chain]] = lambda chains: chains,
    ) -> None:
        self._read = read
        self.size = size
        self._announce = announce
        self._width = width or (lambda: size)
        self._join = join
        self._pending: deque[Chain] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: deque[ChainPage] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: Exception | None = None

    @property
    def busy(self) -> int:
        """How many chains are being read."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """How many chains have not been begun."""
        return len(self._pending)

    def add(self, chains: Iterable[Chain]) -> None:
        """Add chains to be read."""
        for chain in chains:
            self._announce(chain)
            self._pending.append(chain)
        self._start()

    def _start(self) -> None:
        while self._pending and self._has_room(len(self._tasks)) and self._failure is None:
            task = asyncio.create_task(self._work(self._take()))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _has_room(self, busy: int) -> bool:
        """Return whether another chain may be begun while `busy` chains are read."""
        return busy < self.size and (busy == 0 or busy < self._width())

    def _take(self) -> Chain:
        """Remove and return the next chain to read."""
        pending = list(self._pending)
        joined = self._join(pending)
        if joined is not pending:
            for chain in joined:
                if chain not in pending:
                    self._announce(chain)
            self._pending = deque(joined)
        return self._pending.popleft()

    def drop_parts(self) -> None:
        """Drop the chains of parts of the collection that have not been begun."""
        self._pending = deque(chain for chain in self._pending if not chain.condition)

    async def deliver(self, chain_page: ChainPage) -> None:
        """Keep a page for the consumer; first wait while too many pages are kept."""
        while self._is_full():
            self._room.clear()
            await self._room.wait()
        self._bytes += chain_page.page.size
        self._pages.append(chain_page)
        self._news.set()
        self._start()

    async def pages(self, chains: Iterable[Chain]) -> AsyncGenerator[ChainPage]:
        """
        Yield every page of `chains`, and of those that are added meanwhile, as the pages arrive.

        If the generator is closed, all chains are stopped.

        Raises:
            Error: The failure of a chain; the other chains are stopped.
        """
        self.add(chains)
        try:
            while self._tasks or self._pages:
                if self._pages:
                    chain_page = self._pages.popleft()
                    self._bytes -= chain_page.page.size
                    self._room.set()
                    yield chain_page
                else:
                    self._news.clear()
                    await self._news.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            await self._stop()

    def _is_full(self) -> bool:
        most = _MOST_PAGES if self._bytes < _MOST_BYTES else _MOST_LARGE_PAGES
        return len(self._pages) >= most

    async def _work(self, chain: Chain) -> None:
        await self._read(chain)
        while self._pending and self._failure is None and self._has_room(len(self._tasks) - 1):
            await self._read(self._take())
            self._start()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if self._failure is None and isinstance(error, Exception):
                self._failure = error
            for other in self._tasks:
                other.cancel()
        # If several tasks ended at once, chains may be waiting without a task to read them.
        self._start()
        self._news.set()

    async def _stop(self) -> None:
        self._pending.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
