"""
One listing: the order of the requests, who gets the records, and when it is finished.

Begin with `Listing.batches`, which names the steps in their order:

1. A delta link is taken: from now on, every change will be reported. 2. The chains are read: the
whole collection, or its parts many at a time (`partition`). 3. What changed meanwhile is read again
(`replay`), and the service's own count is requested. 4. If it is still doubtful whether this was
everything, everything is read in one chain. 5. `finish` reaches the verdict (`verdict`).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.page import ids_of
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.chain_pool import ChainPool
from graphdaemon.listing.delta import Delta, is_dead
from graphdaemon.listing.empty_properties import EmptyProperties
from graphdaemon.listing.expand import Expander
from graphdaemon.listing.id_set import make_id_set, pack_ids, packed_ids, pick_packed
from graphdaemon.listing.learned_cuts import LearnedCuts, find_cuts
from graphdaemon.listing.options import ListingOptions, describe
from graphdaemon.listing.partition import Partition
from graphdaemon.listing.proof import Proof
from graphdaemon.listing.record import Corrections, ListingRecord, Progress, now
from graphdaemon.listing.target import Target
from graphdaemon.listing.verdict import Evidence, conclude, find_gap

if TYPE_CHECKING:
    from graphdaemon.listing.journal import Journal
    from graphdaemon.listing.parts import ListingStart, PartReading

logger = logging.getLogger(__name__)


class Listing:
    """
    One listing, page by page.

    Attributes:
        record: The listing record so far.
        corrections: Corrections, at the end, of records that were yielded before.
        stage: What the listing is doing, as in `Progress.stage`.
    """

    def __init__(self, target: Target, options: ListingOptions | None = None) -> None:
        self._target = target
        self._options = options or ListingOptions()
        query = target.query
        self.record = ListingRecord(target.collection.name, describe(query, self._options), now())
        self.corrections: Corrections = {}
        self.stage = "baseline"
        self._proving = self._options.proved and query.limit is None
        self._met = make_id_set()
        self._written = 0
        self._began = 0.0
        self._empty_properties = EmptyProperties(query.select)
        self._expander = Expander(target, self._options.expand, self.record.notes)
        self._read_by = target
        self._cuts = find_cuts(target, self._options)
        self._journal: Journal | None = None
        self._pool = ChainPool(
            self._read,
            self._options.chains,
            self._announce,
            # No more than may be in flight, because a chain that has been begun cannot be joined.
            width=lambda: min(self._partition.supply.width(), target.graph.budget.window),
            join=lambda chains: self._partition.join(chains),  # noqa: PLW0108  the same
        )
        self._partition = make_partition(
            target, self._options, self._pool, self.record.notes, self._cuts
        )
        self._proof = Proof(target, self._met, self.record, self._partition)
        target.graph.budget.widen(self._options.chains)

    async def batches(self) -> AsyncGenerator[Sequence[msgspec.Raw]]:
        """
        Yield every record once, several at a time. Closing the iterator leaves nothing running.

        Raises:
            Error: The listing failed. What was yielded so far is only a part of the collection.
        """
        try:
            chains = await self._begin()
            for kept in self._kept():
                yield kept
            self.stage = "listing"
            async with aclosing(self._read_all(chains)) as batches:
                async for records in batches:
                    yield records
                    if self._written == self._target.query.limit:
                        return
            async with aclosing(self.settle()) as batches:
                async for records in batches:
                    yield records
        finally:
            if self._journal is not None:
                self._journal.close()

    def finish(self, *, corrected: bool = True) -> ListingRecord:
        """Reach the verdict; `corrected` says whether `corrections` were applied to the output."""
        self.update()
        record = self.record
        record.finished = now()
        if record.replay is not None:
            record.replay.late = 0 if corrected else len(self.corrections)
            record.replay.applied = self._proof.settled and not record.replay.late
        # With a limit, few records were read, which say nothing about the others.
        if self._proving or self._target.query.limit is None:
            record.blank = self._empty_properties.names()
        record.notes += self._expander.find_nameless()
        conclude(record, self._evidence())
        # A single page needs no cuts, and an incomplete listing would teach wrong ones.
        if record.verdict == "complete" and record.pages > 1:
            elapsed = asyncio.get_running_loop().time() - self._began
            self._cuts.save(record.records, self._partition.supply.find_rate(elapsed))
        self.stage = "done"
        return record

    @property
    def link(self) -> str | None:
        """
        The delta link for every change since the listing; only after `finish`.

        None if the listing is not proved complete, if there is no delta, or if a filter or a limit
        leaves something out that the delta would report.
        """
        delta = self._proof.delta
        if self.record.verdict != "complete" or self._target.query.filter or delta is None:
            return None
        return delta.link

    def fail(self, error: Error) -> None:
        """Complete the listing record after `error` has ended the listing."""
        self.update()
        self.record.finished = now()
        self.record.why = f"it failed ({error.code})"
        self._note(str(error))

    def update(self) -> None:
        """Bring the numbers of `record` up to date."""
        record, tally = self.record, self._target.tally
        record.method = self._partition.method
        record.requests, record.retries = tally.requests, tally.retries
        record.throttled, record.units = tally.throttled, round(tally.units)
        record.splits = self._partition.splits
        record.records = min(len(self._met), self._target.query.limit or len(self._met))
        record.count_before = self._partition.expected
        record.expanded = self._expander.counts

    def progress(self) -> Progress:
        """Return the progress."""
        budget = self._target.graph.budget
        return Progress(
            len(self._met),
            self._partition.expected,
            self.record.pages,
            budget.in_flight,
            round(self._target.tally.units),
            budget.unit_rate,
            budget.unit_limit,
            budget.waiting_for,
            self.stage,
        )

    # The beginning.

    async def _begin(self) -> list[Chain]:
        """Continue an earlier run or take a delta link; return the chains to read."""
        self._began = asyncio.get_running_loop().time()
        self._journal = self._open_journal()
        if self._journal is not None and await self._can_resume(self._journal):
            await self._try_expanding()
            return self._resume(self._journal)
        if self._proving and not self._target.advanced and self._target.collection.delta:
            reason = await self._proof.take_baseline()
            if reason:
                self._note(f"there is no delta: {reason}")
        await self._try_expanding()
        if self._journal is not None:
            delta = self._proof.delta
            self._journal.begin(*((delta.link, delta.selected) if delta is not None else (None,)))
        return self._partition.begin()

    async def _try_expanding(self) -> None:
        """Find out by the first page whether a related object can be read with the pages."""
        expanded = await self._expander.try_expanding()
        if expanded is not None:
            self._read_by, first_page = expanded
            self._partition.read_along(self._read_by, first_page)

    def _open_journal(self) -> "Journal | None":
        path = self._options.journal
        # A listing with a limit ends early on purpose, and is not to be resumed.
        if path is None or self._target.query.limit is not None:
            return None
        from graphdaemon.listing.journal import Journal

        head = {"root": self._target.root, "collection": self.record.collection}
        head |= {**self.record.query, "owner": self._options.owner}
        return Journal(path, head, asyncio.get_running_loop().time)

    async def _can_resume(self, journal: "Journal") -> bool:
        """Return whether an earlier run can be continued, because its delta link is still valid."""
        if not journal.resumed or not journal.follows(self._target.selected):
            return False
        if journal.delta is None:
            return True
        # Only check that the link still works; the changes are read again at the end.
        try:
            await Delta(self._target, journal.delta).round()
        except GraphError as error:
            if not is_dead(error):
                raise
            self._note(f"the journal was too old, so the listing started again: {error}")
            return False
        return True

    def _resume(self, journal: "Journal") -> list[Chain]:
        if journal.delta is not None:
            self._proof.follow(Delta(self._target, journal.delta, selected=journal.selected))
        self._partition.witnesses = journal.witnesses
        chains = self._partition.resume(journal.chains)
        self.record.ranges = self._partition.resumed_parts
        return chains

    def _kept(self) -> Iterator[list[msgspec.Raw]]:
        """Yield the records that an earlier run had read."""
        if self._journal is None or not self._journal.resumed:
            return
        for records in self._journal.records():
            self._met.add(pack_ids(ids_of(records)))
            self._learn(records)
            yield records
        self._note(f"{self._written:,} records were kept from an earlier run")

    # The reading of chains.

    def _announce(self, chain: Chain) -> None:
        if self._journal is not None:
            self._journal.add(chain)

    async def _read(self, chain: Chain) -> None:
        try:
            await read_chain(self._read_by, chain, self._pool.deliver, self._partition.divide)
        except GraphError as error:
            if not chain.condition or chain.pages_in_all or error.status != 400:
                raise
            # The first page of this part was refused: the service does not support its condition.
            self._partition.give_up(f"a part was refused ({error.graph_code}): one chain")
            self._pool.add(self._partition.make_whole())
        finally:
            self.record.restarts += chain.restarts

    async def _read_all(self, chains: list[Chain]) -> AsyncGenerator[Sequence[msgspec.Raw]]:
        """Yield the new records of `chains`, and of the chains into which they are divided."""
        async with aclosing(self._pool.pages(chains)) as chain_pages:
            async for chain_page in chain_pages:
                records, witnesses = self._take(chain_page)
                records = await self._expander.apply(records, chain_page.page.context)
                if self._journal is not None:
                    self._journal.take(chain_page, records, witnesses)
                if records:
                    self._learn(records)
                    yield records

    def _take(self, chain_page: ChainPage) -> tuple[Sequence[msgspec.Raw], set[bytes]]:
        """Count a page; return its new records, and the witnesses that it made or showed."""
        records = chain_page.page.records
        packed = packed_ids(chain_page.page)
        places = self._proof.note(chain_page.page, packed, self._met.add(packed))
        fresh, fresh_packed = records, packed
        if places is not None:
            fresh, fresh_packed = [records[at] for at in places], pick_packed(packed, places)
        self.record.pages += 1
        self.record.ranges += chain_page.last and not chain_page.chain.handed_over
        self.record.duplicates += len(records) - len(fresh)
        chain_page.chain.consume(len(records), len(self._met))
        witnesses = self._partition.take_page(chain_page, packed, fresh_packed)
        limit = self._target.query.limit
        return fresh if limit is None else fresh[: limit - self._written], witnesses

    def _learn(self, records: Sequence[msgspec.Raw]) -> None:
        self._written += len(records)
        self._partition.met += len(records)
        self._cuts.note(records)
        self._empty_properties.look(records)

    def _note(self, text: str) -> None:
        self.record.notes.append(text)
        logger.info("%s: %s", self.record.collection, text)

    # The proof.

    def take_over(self, start: "ListingStart", readings: Sequence["PartReading"]) -> None:
        """Count what other processes have read of the parts of `start` as read by this listing."""
        record, partition, tally = self.record, self._partition, self._target.tally
        record.started = start.started
        record.notes += start.notes
        if start.link is not None:
            self._proof.follow(Delta(self._target, start.link.reveal(), selected=start.selected))
        partition.method, partition.expected = start.method, start.expected
        partition.whole_read = start.method == "chain"
        if any(reading.given_up for reading in readings):
            partition.give_up("Graph did not honour ranges of some part")
        tally.requests += start.requests
        tally.units += start.units
        for reading in readings:
            fresh = self._met.add(pack_ids(reading.ids))
            new = len(reading.ids if fresh is None else fresh)
            self._written += new
            record.duplicates += reading.duplicates + len(reading.ids) - new
            record.pages += reading.pages
            record.ranges += reading.ranges
            record.restarts += reading.restarts
            partition.splits += reading.splits
            tally.requests += reading.requests
            tally.retries += reading.retries
            tally.throttled += reading.throttled
            tally.units += reading.units
            if reading.blank is not None:
                self._empty_properties.narrow(reading.blank)
        partition.met = self._written
        partition.witnesses = {one for one in start.witnesses if one not in self._met}

    async def settle(self) -> AsyncGenerator[Sequence[msgspec.Raw]]:
        """
        Follow what changed, and read everything again if it is doubtful whether all was read.

        Yields the records that must still be written. If no proof is required, nothing is done.

        Raises:
            Error: The delta, or a record, could not be read.
        """
        if not self._proving:
            return
        self.stage = "replay"
        await self._proof.compare()
        await self._proof.await_count()
        gap = find_gap(self._evidence()) if self._options.confirm else ""
        if gap:
            self.stage = "check"
            self._partition.give_up(f"{gap}: read a second time, in one chain")
            self._proof.begin_second_reading()
            async with aclosing(self._read_all(self._partition.read_again())) as batches:
                async for records in batches:
                    yield records
            await self._proof.compare()
            await self._proof.await_count()
        replayer = self._proof.replayer
        if replayer is not None:
            appeared = await self._expander.apply(replayer.settle())
            self._written += len(appeared)
            yield appeared
            self.corrections = await self._expander.apply_to_corrections(replayer.corrections)

    def _evidence(self) -> Evidence:
        self.update()
        replay = self.record.replay
        return self._proof.evidence()._replace(
            records=self.record.records,
            cut=self._written == self._target.query.limit,
            proving=self._proving,
            resumed=self._journal is not None and self._journal.resumed,
            late=replay.late if replay is not None else 0,
        )


def make_partition(
    target: Target,
    options: ListingOptions,
    pool: ChainPool,
    notes: list[str],
    cuts: LearnedCuts,
) -> Partition:
    """Return the partition of a listing, which divides nothing if the query does not allow it."""
    query, key = target.query, target.collection.key or Key("")
    undivided = target.advanced or query.orderby or query.limit or not key.name
    method = "chain" if undivided else options.method
    boundaries = cuts.load() if method in ("auto", "ranges") else []
    if cuts.rate is not None:
        target.graph.budget.suppose(cuts.rate)
    return Partition(
        target,
        key,
        pool,
        room=lambda: target.graph.budget.room,
        requested_method=method,
        cuts=boundaries,
        proving=options.proved and query.limit is None,
        notes=notes,
    )
