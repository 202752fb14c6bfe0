"""One sync: some collections of one tenant, one after another, and the report about them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import msgspec

from graphdaemon.errors import (
    DeleteGuardError,
    Error,
    GraphError,
    OutputError,
    StoreError,
    UnprovedError,
)
from graphdaemon.graph.graph import Graph
from graphdaemon.store.retention import prune
from graphdaemon.store.store import Store
from graphdaemon.store.times import format_time
from graphdaemon.sync.collection import sync_collection
from graphdaemon.sync.feed import Feed, tell_changes
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.session import Selected, Session
from graphdaemon.sync.store_lock import when_free
from graphdaemon.sync.store_thread import StoreThread
from graphdaemon.sync.tenant import Tenant

# What concerns one collection alone; after anything else there is no sense in going on.
_OF_ONE = (GraphError, UnprovedError, DeleteGuardError)


class Failure(msgspec.Struct):
    """
    A collection that could not be brought into step.

    Attributes:
        collection: Its name.
        code: One of the codes of `errors.CODES`.
        message: What happened.
    """

    collection: str
    code: str
    message: str


class SyncReport(msgspec.Struct):
    """
    What one sync did.

    Attributes:
        tenant: The tenant's ID.
        store: The URL of the store, without a password.
        started: When it started, as RFC 3339 in UTC.
        finished: When it ended.
        collections: What was done, one record for each collection.
        left_out: Collections that were not named and that the app may not read, each with the
            reason.
        failed: Collections that could not be brought into step.
        forgotten: How many versions were deleted because they were older than the retention.
    """

    tenant: str
    store: str
    started: str
    finished: str = ""
    collections: list[SyncRecord] = msgspec.field(default_factory=list)
    left_out: dict[str, str] = msgspec.field(default_factory=dict)
    failed: list[Failure] = msgspec.field(default_factory=list)
    forgotten: int = 0

    def to_json(self) -> bytes:
        """Return the whole report as JSON, indented, with a line break at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


@asynccontextmanager
async def open_session(
    graph: Graph,
    root: str,
    tenant: Tenant,
    options: SyncOptions,
    open_store: Callable[[], Store],
    *,
    owner: str = "",
) -> AsyncGenerator[Session]:
    """
    Open the store in a thread of its own.

    Args:
        graph: The connection to Graph.
        root: Origin and version of Graph.
        tenant: Whose directory it is.
        options: How a sync is made.
        open_store: Opens the store; called in that thread, which alone uses it.
        owner: By what learned cuts are kept.

    Raises:
        StoreError: The store cannot be used.
    """
    async with StoreThread() as thread:
        store = await when_free(thread, options.wait, open_store)
        try:
            enter = partial(store.enter_tenant, tenant.id, tenant.name)
            number = await when_free(thread, options.wait, enter)
            yield Session(graph, root, store, thread, number, options, owner)
        finally:
            await thread.run(store.close)


async def sync_collections(
    session: Session,
    tenant: Tenant,
    selections: Sequence[Selected],
    *,
    named: bool,
    feed: Feed | None = None,
) -> tuple[SyncReport, list[Error]]:
    """
    Bring some collections into step. Each one is independent of the failure of another.

    Args:
        session: Connection and store.
        tenant: Whose directory it is.
        selections: The collections, and what to keep of each.
        named: The collections were named explicitly. Otherwise those that the app may not read are
            left out.
        feed: Where the changes of each collection are delivered after they were committed.

    Returns:
        The report, and the failures. The first failure determines the exit code.
    """
    report = SyncReport(tenant.id, session.store.shown, format_time(session.options.now()))
    failures: list[Error] = []
    refusals: list[Error] = []

    async def account_for(record: SyncRecord) -> None:
        report.collections.append(record)
        if feed is not None:
            record.told = await tell_changes(session, tenant.id, record.collection, feed)

    for selected in selections:
        name = selected.stored.name
        try:
            await sync_collection(session, selected, account_for)
        except Error as error:
            if not named and await may_be_left_out(session, name, error):
                report.left_out[name] = f"the app lacks {selected.stored.role} ({error})"
                refusals.append(error)
                continue
            failures.append(error)
            report.failed.append(Failure(name, error.code, str(error)))
            if isinstance(error, OutputError):
                # The store is in step; what the feed did not take waits for the next sync.
                feed = None
            elif not isinstance(error, _OF_ONE):
                break
    if not report.collections and not failures:
        # Where nothing may be read at all, something is wrong.
        failures += refusals[:1]
    if not failures:
        report.forgotten = await forget_versions(session)
    report.finished = format_time(session.options.now())
    return report, failures


async def may_be_left_out(session: Session, name: str, error: Error) -> bool:
    """
    Say whether an app that nobody gave the permission was refused.

    What the store has already was readable once: it would grow old, and nobody were told.
    """
    if not isinstance(error, GraphError) or error.status != 403:
        return False
    position = await session.thread.run(session.store.position, session.tenant, name)
    return position is None


async def forget_versions(session: Session) -> int:
    """
    Forget versions of the tenant that ended longer ago than its retention.

    Returns:
        How many there were; 0 also where another process works at them, which may do it, too.
    """
    retention = session.options.retention
    if retention is None:
        return 0
    before = format_time(session.options.now() - timedelta(seconds=retention))
    async with session.alone():
        try:
            pruned = await session.thread.run(prune, session.store, session.tenant, before)
        except StoreError as error:
            if error.code != "store_busy":
                raise
            return 0
    return pruned.versions
