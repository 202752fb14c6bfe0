"""
The collections of one tenant that are due are brought into step, one after another.

Problems of a tenant do not affect other tenants: its failures are noted, and if it does not answer
for a while, no other tenant waits for it.
"""

import asyncio
import datetime as dt
import logging
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from graphdaemon.daemon.connections import StoreConnection, StoreConnections
from graphdaemon.daemon.events import DaemonEvent, Tell, make_event
from graphdaemon.daemon.reason import describe_error, make_reason
from graphdaemon.daemon.schedule import after_failure, after_success
from graphdaemon.daemon.tenant_graph import TenantGraph
from graphdaemon.errors import (
    DeleteGuardError,
    Error,
    GraphError,
    IdentityError,
    NetworkError,
    SettingsError,
    StoreError,
)
from graphdaemon.http.span import span
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.leases import LeaseKey, LeaseOutcome, Taken
from graphdaemon.store.times import format_time
from graphdaemon.sync.collection import sync_collection
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.run import forget_versions, may_be_left_out
from graphdaemon.sync.session import Selected, Session

logger = logging.getLogger(__name__)

T = TypeVar("T")

# After these there is no sense in going on to the tenant's next collection.
_FATAL = (IdentityError, NetworkError, SettingsError)
# The identity platform is out of order: that passes by itself.
_PASSING = frozenset(("identity_unavailable", "identity_unreadable"))
_BUG = Error(
    "graphdaemon has a bug; its log shows the details",
    code="internal",
    hint="Report it, together with the lines of the log.",
)


class Works(NamedTuple):
    """
    What the syncs of all tenants share.

    Attributes:
        selections: The collections by name, each with the properties to keep.
        named: The collections were named explicitly. If the app may not read one, that is a
            failure.
        sync: How a sync is made; `retention` and `reconcile_every` are those of each tenant.
        every: Seconds from one sync to the next.
        patience: Seconds for which a tenant may be silent before it is given up for this time.
        leases: What came of it is noted here.
        notes: The connection of the leases.
        connections: Where each tenant gets a connection to the store.
        tell: Is told every event.
    """

    selections: dict[str, Selected]
    named: bool
    sync: SyncOptions
    every: float
    patience: float
    leases: LeaseHolder
    notes: StoreConnection
    connections: StoreConnections
    tell: Tell


async def work_at_tenant(works: Works, graph: TenantGraph, taken: Sequence[Taken]) -> Error | None:
    """
    Bring what was taken of a tenant into step, and note what came of each collection.

    Returns:
        The failure that kept the tenant as a whole from it, if one did.
    """
    left = deque(taken)
    try:
        tenant = await _within(graph.prepare(), works.patience, graph, None)
        async with works.connections.lend() as connection:
            number = await connection.run_alone(
                connection.store.enter_tenant, tenant.id, tenant.name
            )
            session = _make_session(works, graph, connection, number)
            changed = 0
            while left:
                changed += await _sync_one(works, graph, session, left[0])
                left.popleft()
            if changed:
                # Where nothing changes, nothing is added that could be forgotten.
                await forget_versions(session)
    except Error as error:
        await _note_all(works, graph, left, error)
        return error
    except Exception:
        # It must not end the work at the other tenants.
        logger.exception("%s: a bug in graphdaemon", graph.name)
        await _note_all(works, graph, left, _BUG)
        return _BUG
    return None


def _make_session(
    works: Works, graph: TenantGraph, connection: StoreConnection, number: int
) -> Session:
    settings = graph.settings
    kept = settings.sync
    return Session(
        graph.graph,
        settings.graph_root,
        connection.store,
        connection.thread,
        number,
        works.sync._replace(retention=kept.retention, reconcile_every=kept.reconcile_every),
        owner=settings.authority or settings.oidc_authority or "",
        writing=connection.writing,
    )


async def _sync_one(works: Works, graph: TenantGraph, session: Session, one: Taken) -> int:
    """
    Bring one collection into step, and note what came of it.

    Returns:
        How many rows changed.

    Raises:
        Error: The tenant as a whole cannot be brought into step, or nothing can be noted.
    """
    graph.note_answer()
    work = sync_collection(session, works.selections[one.key.collection])
    try:
        with span("job", tenant=one.key.tenant, collection=one.key.collection) as note:
            record = await _within(work, works.patience, graph, session)
            note("rows", record.rows)
            note("changed", record.changed)
    except _FATAL:
        raise
    except Error as error:
        left_out = not works.named and await may_be_left_out(session, one.key.collection, error)
        await _note_failure(works, graph, one, session.tenant, error, left_out=left_out)
        return 0
    await _note_success(works, graph, one, session.tenant, record)
    return record.changed


async def _within(
    work: Coroutine[Any, Any, T],
    patience: float,
    graph: TenantGraph,
    session: Session | None,
) -> T:
    """
    Do a piece of work, and give it up if nothing has come for too long.

    Raises:
        NetworkError: No answer came, and the store had nothing to do, for `patience` seconds.
    """
    task = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=patience / 4)
            if done:
                return task.result()
            if session is not None and _waits_for_store(session):
                graph.note_answer()
            elif graph.silent_for() >= patience:
                raise NetworkError(
                    f"there was no answer for {patience:.0f} s, so this sync was given up",
                    code="timed_out",
                    hint="Run graphdaemon doctor with the settings of this tenant.",
                )
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _waits_for_store(session: Session) -> bool:
    writing = session.writing
    return session.thread.is_busy or (writing is not None and writing.locked())


async def _note_success(
    works: Works, graph: TenantGraph, one: Taken, number: int, record: SyncRecord
) -> None:
    now = await works.notes.thread.run(works.leases.now)
    due = after_success(graph.key, now, works.every)
    await _note(works, graph, LeaseOutcome(one.key, number, due))
    place = _describe(graph, one.key)
    works.tell(_describe_success(place, record))
    if one.failures:
        works.tell(make_event("recovered", **place, failures=one.failures))


def _describe_success(place: dict[str, Any], record: SyncRecord) -> DaemonEvent:
    if record.how == "round" and not record.changed:
        return make_event("unchanged", **place, rows=record.rows, seconds=record.seconds)
    return make_event(
        "synced",
        **place,
        how=record.how,
        rows=record.rows,
        created=record.created,
        updated=record.updated,
        ended=record.ended,
        requests=record.requests,
        seconds=record.seconds,
        drift=None if record.drift is None else record.drift.rows,
    )


async def _note_failure(
    works: Works,
    graph: TenantGraph,
    one: Taken,
    number: int | None,
    error: Error,
    *,
    told: bool = False,
    left_out: bool = False,
) -> None:
    """
    Note a failure; tell of it unless it is `told`, or was the same the last time.

    It is none where the collection is `left_out`, since nobody gave the app the permission.
    """
    reason = make_reason(error)
    now = await works.notes.thread.run(works.leases.now)
    if left_out:
        due = after_success(graph.key, now, works.every)
        outcome = LeaseOutcome(one.key, number, due, 0, True, reason)
        event = make_event("left_out", **_describe(graph, one.key), message=reason.message)
    else:
        failures = one.failures + 1
        due = _plan_again(now, works.every, failures, error)
        outcome = LeaseOutcome(one.key, number, due, failures, False, reason)
        event = make_event(
            "failed",
            **_describe(graph, one.key),
            **describe_error(error),
            failures=failures,
            due=format_time(due),
        )
    if not told and (one.error is None or one.error.code != error.code):
        works.tell(event)
    await _note(works, graph, outcome)


async def _note_all(works: Works, graph: TenantGraph, left: Iterable[Taken], error: Error) -> None:
    """Note that one failure kept several collections from being brought into step."""
    # If nothing can be noted, the leases end by themselves.
    with suppress(StoreError):
        for position, one in enumerate(left):
            await _note_failure(works, graph, one, None, error, told=position > 0)


async def _note(works: Works, graph: TenantGraph, outcome: LeaseOutcome) -> None:
    if not await works.notes.run_alone(works.leases.note, outcome):
        works.tell(make_event("lease_lost", **_describe(graph, outcome.key)))


def _describe(graph: TenantGraph, key: LeaseKey) -> dict[str, Any]:
    return {"tenant": graph.key, "name": graph.name, "collection": key.collection}


def _plan_again(now: dt.datetime, every: float, failures: int, error: Error) -> dt.datetime:
    refused = isinstance(error, GraphError) and error.status in (401, 403)
    identity = isinstance(error, IdentityError) and error.code not in _PASSING
    return after_failure(
        now,
        every,
        failures,
        retry_after=error.retry_after if isinstance(error, GraphError) else None,
        is_steady=refused or identity or isinstance(error, SettingsError | DeleteGuardError),
        is_silent=isinstance(error, NetworkError),
    )
