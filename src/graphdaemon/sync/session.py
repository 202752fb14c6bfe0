"""What every step of a sync needs: the connection to Graph, the store and the options."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import NamedTuple

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.graph import Graph, Tally
from graphdaemon.graph.query import Query
from graphdaemon.graph.stored_collections import StoredCollection
from graphdaemon.listing.changes import Changes
from graphdaemon.listing.target import Target
from graphdaemon.store.change import StoreChange
from graphdaemon.store.rows import Position, RunKind
from graphdaemon.store.store import Store
from graphdaemon.sync.document import ListForm
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.store_thread import StoreThread


class Session(NamedTuple):
    """
    One tenant that is brought into one store.

    Attributes:
        graph: The connection to Graph.
        root: Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`.
        store: The store, which the thread of `thread` alone uses.
        thread: That thread.
        tenant: The number that the store gave the tenant.
        options: How the sync is made.
        owner: Whose directory it is, such as the authority. Learned cuts are stored by it.
        writing: Held while a transaction is open, if several tenants share the store.
    """

    graph: Graph
    root: str
    store: Store
    thread: StoreThread
    tenant: int
    options: SyncOptions
    owner: str = ""
    writing: asyncio.Lock | None = None

    def alone(self) -> AbstractAsyncContextManager[object]:
        """Let no other tenant that shares the store write while the block runs."""
        return self.writing or nullcontext()


class Selected(NamedTuple):
    """A collection of the store, and the properties to keep of its objects, `id` first."""

    stored: StoredCollection
    select: tuple[str, ...]

    @property
    def form(self) -> ListForm:
        """The form of its documents."""
        return ListForm(self.select, self.stored.lists)


class Work(NamedTuple):
    """
    One collection that is brought into step.

    Attributes:
        session: Connection and store.
        selected: The collection, and what to keep of it.
        record: The sync record, which is filled in as the work proceeds.
        tally: Counts the requests.
    """

    session: Session
    selected: Selected
    record: SyncRecord
    tally: Tally

    @property
    def stored(self) -> StoredCollection:
        """The collection of the store."""
        return self.selected.stored

    @property
    def thread(self) -> StoreThread:
        """The thread of the store."""
        return self.session.thread

    def aim(self) -> Target:
        """Return what to request from Graph."""
        session, stored = self.session, self.stored
        return Target(
            session.graph,
            session.root,
            CATALOG[stored.parent or stored.name],
            Query(("id",) if stored.parent else self.selected.select),
            self.tally,
            page_size=session.options.listing.page_size,
        )

    def open_changes(self, link: str | None) -> Changes:
        """
        Return the changes since `link`; all that there is without one.

        Raises:
            UsageError: The link is of another Graph, where no token must go.
        """
        relations = (self.stored.relation,) if self.stored.is_edge else ()
        return Changes(self.aim(), link, relations)

    async def read_position(self) -> Position | None:
        """Return how far the store has followed the collection."""
        session = self.session
        return await self.thread.run(session.store.position, session.tenant, self.stored.name)

    @asynccontextmanager
    async def changing(self, kind: RunKind) -> AsyncGenerator[StoreChange]:
        """Begin a transaction in the thread of the store; it is committed at the end, or undone."""
        context = self.session.store.change(self.session.tenant, self.stored.name, kind)
        async with self.session.alone(), self.thread.entered(context) as change:
            yield change
