"""What the stream of changes does with the store: bring it into step, and read it between runs."""

import asyncio
from contextlib import closing
from typing import Any

import msgspec

from graphdaemon.client.client import Client
from graphdaemon.client.spark.columns import find_stored_columns
from graphdaemon.client.spark.options import ChangesRequest
from graphdaemon.client.tenant import find_tenant
from graphdaemon.errors import StoreLateError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from graphdaemon.store.location import DEFAULT
from graphdaemon.store.run_changes import RecordAfterRun, records_between
from graphdaemon.store.store import Store, open_store
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.run import open_session, sync_collections
from graphdaemon.sync.session import Selected
from graphdaemon.sync.tenant import Tenant


async def find_last_run(request: ChangesRequest) -> int:
    """
    Return the number of the last run that changed something, after bringing the store into step.

    Where others do that, 0 is returned while the store has nothing.

    Raises:
        Error: The store could not be brought into step, or not be read.
    """
    settings = read_settings(request.parameters)
    async with Client(settings, share=request.share) as client:
        tenant = await find_tenant(client)
        if request.syncs:
            await _sync(client, tenant, request)
    with open_store(_choose_store(request, settings), create=False) as store:
        position = store.position(_find_number(store, tenant.id), request.collection)
    return 0 if position is None else position.run


def read_run_changes(
    request: ChangesRequest, first: int, last: int, run_column: str, state_column: str
) -> Any:
    """
    Return, as a table of Arrow, what changed after run `first` as it was after run `last`.

    Raises:
        Error: The store cannot be read, or no longer has the versions that are needed.
    """
    settings = read_settings(request.parameters)
    tenant = asyncio.run(_ask(settings))
    arrow = load_pyarrow()
    with open_store(_choose_store(request, settings), create=False) as store:
        number = _find_number(store, tenant.id)
        with closing(records_between(store, number, request.collection, first, last)) as some:
            rows = [row for rows in some for row in rows]
    table = Frame(find_stored_columns(request.collection)).convert(list(map(_document, rows)))
    runs = arrow.array([last] * len(rows), arrow.int64())
    states = arrow.array([row.state for row in rows], arrow.string())
    return table.append_column(run_column, runs).append_column(state_column, states)


async def _sync(client: Client, tenant: Tenant, request: ChangesRequest) -> None:
    settings = client.settings
    stored = STORED_COLLECTIONS[request.collection]
    url = _choose_store(request, settings)
    options = SyncOptions(
        wait=60.0,
        retention=settings.sync.retention,
        reconcile_every=settings.sync.reconcile_every,
    )
    async with open_session(
        client.graph,
        settings.graph_root,
        tenant,
        options,
        lambda: open_store(url),
        owner=settings.authority or settings.oidc_authority or "",
    ) as session:
        _, failures = await sync_collections(
            session, tenant, [Selected(stored, stored.select)], named=True
        )
    if failures:
        raise failures[0]


async def _ask(settings: Settings) -> Tenant:
    async with Client(settings) as client:
        return await find_tenant(client)


def _choose_store(request: ChangesRequest, settings: Settings) -> str:
    own = settings.sync.store
    return request.store or (own.reveal() if own is not None else DEFAULT)


def _find_number(store: Store, tenant_id: str) -> int:
    for tenant in store.tenants():
        if tenant.id == tenant_id.lower():
            return tenant.number
    raise StoreLateError(
        f"the store {store.shown} has nothing of the tenant {tenant_id}",
        code="store_late",
        hint="Run graphdaemon sync first, or leave the option sync out.",
    )


def _document(row: RecordAfterRun) -> bytes:
    return row.document or msgspec.json.encode({"id": row.id})
