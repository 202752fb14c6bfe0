"""Sync the directory of one tenant as the command line says, and put into words what was done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from graphdaemon.client.client import Client
from graphdaemon.client.tenant import find_tenant
from graphdaemon.errors import DeleteGuardError, Error
from graphdaemon.settings.model import Settings
from graphdaemon.store.location import DEFAULT
from graphdaemon.store.store import open_store
from graphdaemon.sync.feed import Feed
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.record import Drift
from graphdaemon.sync.run import SyncReport, open_session, sync_collections
from graphdaemon.sync.session import Selected


class SyncOrder(NamedTuple):
    """
    What the command line says of a sync; the settings of a tenant say the rest.

    Attributes:
        arguments: The options, by name.
        selections: The collections, and what to keep of each.
        is_named: They were named; otherwise those that the app may not read are left out.
        options: How it is made.
        share: Part of the throttle budget to use.
        make_feed: Makes the change feed; what it opens is closed by the stack.
    """

    arguments: Mapping[str, Any]
    selections: Sequence[Selected]
    is_named: bool
    options: SyncOptions
    share: float
    make_feed: Callable[[Settings, ExitStack], Feed | None]

    def choose_store(self, settings: Settings) -> str:
        """The URL of the store: that of the option, else the setting, else a file here."""
        set_ = settings.sync.store.reveal() if settings.sync.store is not None else DEFAULT
        return self.arguments["store"] or set_

    def choose_options(self, settings: Settings) -> SyncOptions:
        """How this tenant's sync is made."""
        options = self.options._replace(retention=settings.sync.retention)
        if self.arguments["reconcile_every"] is None:
            options = options._replace(reconcile_every=settings.sync.reconcile_every)
        return options


async def sync_one(client: Client, order: SyncOrder) -> tuple[SyncReport, list[Error]]:
    """
    Bring a tenant's directory into its store; return the report and what failed, in order.

    Raises:
        Error: Nothing could be done: the tenant, its token or the store cannot be had.
    """
    settings = client.settings
    store = order.choose_store(settings)
    with ExitStack() as stack:
        feed = order.make_feed(settings, stack)
        tenant = await find_tenant(client)
        async with open_session(
            client.graph,
            settings.graph_root,
            tenant,
            order.choose_options(settings),
            lambda: open_store(store),
            owner=settings.authority or settings.oidc_authority or "",
        ) as session:
            return await sync_collections(
                session, tenant, order.selections, named=order.is_named, feed=feed
            )


async def sync_by_settings(settings: Settings, order: SyncOrder) -> tuple[SyncReport, list[Error]]:
    """Do what `sync_one` does, by a client of its own."""
    async with Client(settings, share=order.share) as client:
        return await sync_one(client, order)


def describe_report(report: SyncReport) -> Iterator[str]:
    """Yield the lines that tell people what was done."""
    for record in report.collections:
        for note in record.notes:
            yield f"{record.collection}: {note}"
        if record.drift is not None and record.drift.rows:
            yield _describe_drift(record.collection, record.drift)
        yield record.summary()
    for name, reason in report.left_out.items():
        yield f"{name}: left out, {reason}"


def describe_gone(failure: Error) -> Iterator[str]:
    """Yield what the delete guard kept, if it is what failed."""
    if not isinstance(failure, DeleteGuardError):
        return
    yield from failure.first
    more = failure.gone - len(failure.first)
    if more:
        yield f"… and {more:,} more"


def _describe_drift(collection: str, drift: Drift) -> str:
    rows = f"{drift.rows:,} rows had drifted, and were"
    if drift.rows == 1:
        rows = "1 row had drifted, and was"
    kinds = f"{drift.missing:,} missing, {drift.surplus:,} too many, {drift.different:,} different"
    more = " …" if drift.rows > len(drift.ids) else ""
    return f"{collection}: {rows} repaired ({kinds}): {', '.join(drift.ids)}{more}"
