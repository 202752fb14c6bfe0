"""
Complete readings of a collection: what they do not contain is not in the directory.

There are three ways. The fast one is the parallel listing that proves itself complete. If Graph
gives no delta link to begin with, the delta is read from its beginning. This is also the only way
for edges, because it reports all members of all groups. If there is no delta at all, or none of a
relation, the objects are listed, and the related objects of each are read in addition.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from graphdaemon.errors import UnprovedError
from graphdaemon.graph.page import ids_of
from graphdaemon.graph.stored_collections import StoredCollection
from graphdaemon.listing.changes import Changed, Changes
from graphdaemon.listing.learned_cuts import cuts_path
from graphdaemon.listing.listing import Listing
from graphdaemon.listing.record import Corrections, ListingRecord
from graphdaemon.listing.run import accounting, read_within
from graphdaemon.store.change import StoreChange
from graphdaemon.store.rows import Row, Staged
from graphdaemon.sync.edges import read_edges, read_ending, read_related, stage_edges
from graphdaemon.sync.session import Selected, Work


class Reading(NamedTuple):
    """
    The result of a complete reading.

    Attributes:
        link: The delta link for all later changes; None if there is none.
        listing: The record of the listing, if one was made.
        is_list_form: What was staged has the form of a listing, not that of a delta.
    """

    link: str | None
    listing: ListingRecord | None = None
    is_list_form: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether objects that it does not contain are not in the directory."""
        return self.listing is None or self.listing.exit_code == 0


class NoDeltaError(Exception):
    """A listing could not be proved complete because Graph gave no delta link to begin with."""

    def __init__(self, record: ListingRecord) -> None:
        super().__init__(record.why)
        self.record = record

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.record,)


async def read_listing(work: Work, change: StoreChange, *, last: bool) -> Reading:
    """
    List the objects of a collection, many pages at a time, into `change`.

    Raises:
        NoDeltaError: All that is missing for a proof is a delta, and there is another way than
            this, which is not the `last`.
        UnprovedError: Nothing proves that it is complete.
        Error: The listing failed.
    """
    listing = _open_listing(work)
    store_rows = _load if change.first else _stage
    with accounting(listing):
        batches = read_within(listing, work.session.options.listing.seconds)
        async with aclosing(batches):
            async for records in batches:
                if records:
                    await work.thread.put(store_rows, change, records)
        await work.thread.put(_correct, change, dict(listing.corrections))
        record = listing.finish(corrected=True)
    if record.missing == "delta" and work.stored.delta and not last:
        raise NoDeltaError(record)
    _refuse_unproved(record, work)
    return Reading(listing.link, record)


async def read_related_objects(work: Work, change: StoreChange) -> Reading:
    """
    List the parents, and read the related objects of each, into `change`.

    Raises:
        UnprovedError: Nothing proves that all parents were listed.
        Error: The listing failed.
    """
    stored = work.stored
    listing = _open_listing(work, expand=(stored.relation,))
    read = read_edges if stored.is_edge else read_related

    def stage(records: Sequence[msgspec.Raw]) -> None:
        change.stage(read(records, stored.relation))

    with accounting(listing):
        batches = read_within(listing, work.session.options.listing.seconds)
        async with aclosing(batches):
            async for records in batches:
                await work.thread.put(stage, records)
        # Parents that are gone were read while they were there: each row is as it was read.
        await work.thread.put(stage, [one for one in listing.corrections.values() if one])
        record = listing.finish(corrected=True)
    _refuse_unproved(record, work)
    return Reading(None, record)


async def walk_delta(work: Work, change: StoreChange) -> Reading:
    """
    Read a delta from its beginning into `change`.

    Raises:
        GraphError: There is no delta, for which `is_dead` is true; or it failed.
    """
    changes = work.open_changes(None)
    async with aclosing(changes.pages()) as pages:
        await stage_pages(work, change, changes, pages)
    return Reading(changes.link, None, is_list_form=False)


async def stage_pages(
    work: Work, change: StoreChange, changes: Changes, pages: AsyncIterator[list[Changed]]
) -> None:
    """
    Stage the changes in a delta, page by page, to its end.

    Raises:
        Error: It could not be read to its end.
    """
    restarts = changes.restarts
    async for items in pages:
        if changes.restarts != restarts:
            # The round was begun anew, and what it had told is void.
            restarts = changes.restarts
            await work.thread.put(change.unstage)
        await work.thread.put(stage_changed, change, work.stored, items)


def stage_changed(change: StoreChange, stored: StoredCollection, items: Sequence[Changed]) -> None:
    """Stage what a delta told; blocking, in the thread of the store."""
    if stored.is_edge:
        stage_edges(change, stored.relation, items)
        return
    change.stage(
        [
            Staged(item.id, None, read_ending(item.removed))
            if item.record is None
            else Staged(item.id, bytes(item.record))
            for item in items
        ]
    )


def _open_listing(work: Work, *, expand: tuple[str, ...] = ()) -> Listing:
    session, target = work.session, work.aim()
    options = session.options.listing._replace(expand=expand, journal=None, proved=True)
    if options.learn and options.plan is None:
        path = cuts_path(session.root, session.owner, target.collection.name)
        options = options._replace(plan=path)
    return Listing(target, options)


def _load(change: StoreChange, records: Sequence[msgspec.Raw]) -> None:
    change.load(zip(ids_of(records), records, strict=True))


def _stage(change: StoreChange, records: Sequence[msgspec.Raw]) -> None:
    ids = ids_of(records)
    change.stage([Staged(key, bytes(one)) for key, one in zip(ids, records, strict=True)])


def _correct(change: StoreChange, corrections: Corrections) -> None:
    if not change.first:
        change.stage(
            [
                Staged(key, None, "absent") if one is None else Staged(key, bytes(one))
                for key, one in corrections.items()
            ]
        )
        return
    change.replace(
        rows=[Row(key, bytes(one)) for key, one in corrections.items() if one is not None]
    )
    change.discard([key for key, one in corrections.items() if one is None])


def _refuse_unproved(record: ListingRecord, work: Work) -> None:
    if record.exit_code and not work.session.options.allow_unproved:
        raise make_unproved(record, work.selected)


def make_unproved(record: ListingRecord, selected: Selected) -> UnprovedError:
    """Return the error of a reading that nothing proves to be complete."""
    step, others = record.next_step, set(selected.select) - set(selected.stored.select)
    if record.missing == "delta" and selected.stored.delta and others:
        names = ", ".join(sorted(others))
        step = (
            "Leave out of --select the properties that Graph's delta does not report, perhaps "
            f"{names}."
        )
    return UnprovedError(
        f"{selected.stored.name}: nothing proves that the listing is complete ({record.why}); "
        "nothing was changed",
        code="listing_unproved",
        hint=f"{step} To accept it anyway, add --allow-unproved.",
        listing=record,
    )
