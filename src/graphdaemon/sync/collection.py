"""
One collection is brought into step with the directory in one transaction.

Begin with `sync_collection`, which decides what is done and why. If there is a delta link to
continue from, it is a round, which reads what has changed since. Otherwise it is a complete
reading.
"""

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Literal

import msgspec

from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.graph import Tally
from graphdaemon.graph.stored_collections import StoredCollection
from graphdaemon.http.span import span
from graphdaemon.listing.changes import Changed, Changes
from graphdaemon.listing.delta import is_dead
from graphdaemon.store.change import StoreChange
from graphdaemon.store.rows import Pair, Position, RunKind
from graphdaemon.store.times import format_time
from graphdaemon.sync.apply import DriftCount, end_absent, write_differing
from graphdaemon.sync.guard import DeleteGuard
from graphdaemon.sync.options import is_due
from graphdaemon.sync.reading import (
    NoDeltaError,
    Reading,
    make_unproved,
    read_listing,
    read_related_objects,
    stage_pages,
    walk_delta,
)
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.session import Selected, Session, Work
from graphdaemon.sync.store_lock import held

logger = logging.getLogger(__name__)

Way = Literal["listing", "walk", "related"]


async def sync_collection(
    session: Session,
    selected: Selected,
    then: Callable[[SyncRecord], Awaitable[None]] | None = None,
) -> SyncRecord:
    """
    Bring one collection of the store into step with the directory.

    Args:
        session: Connection and store.
        selected: The collection, and what to keep of it.
        then: Is called with the sync record before another process may work on the collection.

    Raises:
        DeleteGuardError: More would be deleted than is allowed. Nothing was changed.
        UnprovedError: Nothing proves that the reading was complete. Nothing was changed.
        StoreError: The store cannot be used, or another process is working on it.
        IdentityError, GraphError, NetworkError: The directory could not be read.
    """
    work = Work(session, selected, SyncRecord(selected.stored.name), Tally())
    record, started = work.record, time.monotonic()
    async with held(session, work.stored.name):
        position = await work.read_position()
        record.why = _find_reason(selected, position)
        if position is not None and not record.why:
            record.why = await _follow(work, position)
        if record.why:
            await _read_all(work, position)
        position = await work.read_position()
        record.rows = position.rows if position is not None else 0
        record.requests, record.seconds = work.tally.requests, round(time.monotonic() - started, 3)
        logger.info("%s", record.summary())
        if then is not None:
            await then(record)
    return record


def _find_reason(selected: Selected, position: Position | None) -> str:
    """Say why everything must be read; return an empty text if a round is enough."""
    if position is None:
        return "it is not in the store yet"
    if set(position.selected) != set(selected.select):
        return "other properties are selected than before"
    if position.link is None:
        return "there is no delta of it"
    return ""


# A round.


async def _follow(work: Work, position: Position) -> str:
    """Make a round; say why everything has to be read all the same, if it has."""
    options = work.session.options
    try:
        changes = work.open_changes(position.link)
    except UsageError:
        # A copy of the same tenant, say, or another address of Graph: no token goes to that one.
        return "the delta link is of another Graph"
    try:
        await _make_round(work, position, changes)
    except GraphError as error:
        if not is_dead(error):
            raise
        work.record.notes.append(f"the delta link is no longer valid: {error}")
        return "the delta link is no longer valid"
    if options.reconcile:
        return "a reconciliation was requested"
    if is_due(position.reconciled, options.reconcile_every, options.now()):
        return "a reconciliation was due"
    return ""


async def _make_round(work: Work, position: Position, changes: Changes) -> None:
    session, thread, name = work.session, work.thread, work.stored.name
    async with aclosing(changes.pages()) as pages:
        first = await _find_first(pages)
        if not first:
            told = position._replace(link=changes.link)
            async with session.alone():
                await thread.run(session.store.note_check, session.tenant, name, told)
            return
        async with work.changing("round") as change:
            await stage_pages(work, change, changes, _chain(first, pages))
            guard = DeleteGuard(name, change.rows_before, session.options.allowance)
            await thread.run(_write_round, change, work.selected, guard)
            await thread.run(change.save, position._replace(link=changes.link))
    _note_counts(work.record, change)


def _write_round(change: StoreChange, selected: Selected, guard: DeleteGuard) -> None:
    form = selected.form

    def compose(pair: Pair) -> bytes:
        assert pair.staged is not None, "what is gone is not composed"
        if selected.stored.is_edge:
            return pair.staged
        if pair.stored is None:
            return form.fill(pair.staged)
        return form.merge(pair.stored, pair.staged)

    write_differing(change, compose, guard)
    guard.check()


async def _find_first(pages: AsyncIterator[list[Changed]]) -> list[Changed]:
    """Return the first page that tells of anything; an empty list where none does."""
    async for items in pages:
        if items:
            return items
    return []


async def _chain(
    first: list[Changed], pages: AsyncIterator[list[Changed]]
) -> AsyncGenerator[list[Changed]]:
    yield first
    async for items in pages:
        yield items


# A complete reading.


async def _read_all(work: Work, position: Position | None) -> None:
    """Read everything in the best available way, and write what differs."""
    unproved: NoDeltaError | None = None
    for way in _list_ways(work.stored):
        try:
            with span("complete reading", collection=work.stored.name, way=way):
                await _read_one_way(work, way, position)
        except NoDeltaError as error:
            unproved = error
        except GraphError as error:
            if way != "walk" or not is_dead(error):
                raise
            work.record.notes.append(f"there is no delta: {error}")
        else:
            return
    assert unproved is not None, "the last way ends, or says why not"
    if not work.session.options.allow_unproved:
        raise make_unproved(unproved.record, work.selected)
    await _read_one_way(work, "listing", position, last=True)


def _list_ways(stored: StoredCollection) -> tuple[Way, ...]:
    if not stored.parent:
        return ("listing", "walk") if stored.delta else ("listing",)
    return ("walk", "related") if stored.delta else ("related",)


async def _read_one_way(
    work: Work, way: Way, position: Position | None, *, last: bool = False
) -> None:
    thread, record, options = work.thread, work.record, work.session.options
    kind: RunKind = "baseline" if position is None else "comparison"
    async with work.changing(kind) as change:
        if way == "walk":
            reading = await walk_delta(work, change)
        elif way == "related":
            reading = await read_related_objects(work, change)
        else:
            reading = await read_listing(work, change, last=last)
        count = await _prepare_drift(work)
        guard = DeleteGuard(work.stored.name, change.rows_before, options.allowance)
        await thread.run(_write_reading, change, work.selected, reading, guard, count)
        if reading.listing is not None:
            await thread.run(change.note_listing, msgspec.json.encode(reading.listing))
        now = format_time(options.now())
        await thread.run(change.save, Position(reading.link, work.selected.select, now))
    record.how, record.listing = kind, reading.listing
    if not reading.is_complete:
        record.notes.append("nothing proves that it is complete, so rows that it lacks were kept")
    record.drift = count.drift if count is not None else None
    _note_counts(record, change)


async def _prepare_drift(work: Work) -> DriftCount | None:
    """
    Read what the delta told while everything was read: that is no drift.

    Returns:
        Counts drift; None where nothing says what changed since the store was in step.
    """
    if "reconciliation" not in work.record.why:
        return None
    position = await work.read_position()
    if position is None or position.link is None:
        return None
    changes = work.open_changes(position.link)
    told: set[str] = set()
    try:
        async with aclosing(changes.pages()) as pages:
            async for items in pages:
                told.update(_list_told(items, work.stored.relation))
    except GraphError as error:
        if not is_dead(error):
            raise
        work.record.notes.append(f"the differences were repaired, but not counted: {error}")
        return None
    return DriftCount(told)


def _list_told(items: Sequence[Changed], relation: str) -> Iterator[str]:
    """The IDs of the rows that a delta told of; of all edges of one that is gone, `PARENT/`."""
    for item in items:
        yield item.id
        if item.removed:
            yield f"{item.id}/"
        yield from (f"{item.id}/{link.id}" for link in item.links.get(relation, ()))


def _write_reading(
    change: StoreChange,
    selected: Selected,
    reading: Reading,
    guard: DeleteGuard,
    count: DriftCount | None,
) -> None:
    form, stored = selected.form, selected.stored

    def compose(pair: Pair) -> bytes:
        assert pair.staged is not None, "what is gone is not composed"
        if reading.is_list_form or stored.is_edge:
            return pair.staged
        return form.fill(pair.staged)

    write_differing(change, compose, guard, count)
    # What was loaded in a baseline was not staged, and is no less there.
    if reading.is_complete and not change.first:
        end_absent(change, guard, count)
    guard.check()


def _note_counts(record: SyncRecord, change: StoreChange) -> None:
    record.created += change.created
    record.updated += change.updated
    record.ended += change.ended
