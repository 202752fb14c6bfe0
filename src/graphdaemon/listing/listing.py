"""
One listing, page by page: what is read first, who takes the pages, when it is over.

Begin with `batches`; it names the steps in their order.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import msgspec

from graphdaemon.concurrency import gather
from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.page import ids_of, page_ids
from graphdaemon.graph.query import Query
from graphdaemon.listing.chain import Batch, Shard, read_shard
from graphdaemon.listing.chain_pool import Crew
from graphdaemon.listing.delta import Delta, is_dead
from graphdaemon.listing.empty_properties import Blanks
from graphdaemon.listing.expand import Expander
from graphdaemon.listing.id_set import IdSet, pack_ids
from graphdaemon.listing.journal import Journal
from graphdaemon.listing.learned_cuts import Planner
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.partition import Ranges
from graphdaemon.listing.record import (
    Corrections,
    Evidence,
    ListingRecord,
    Progress,
    conclude,
    tolerance,
)
from graphdaemon.listing.replay import Replayer
from graphdaemon.listing.target import Target

logger = logging.getLogger(__name__)

# Up to so many records a second reading costs little, and the count is taken at its word.
_SOON_READ = 50_000


class Listing:
    """
    One listing, page by page.

    Args:
        target: What is listed.
        options: How to go about it.

    Attributes:
        record: The account so far.
        corrections: What to put right, at the end, in records that were yielded before.
        stage: What is being done.
    """

    def __init__(self, target: Target, options: ListingOptions | None = None) -> None:
        self._target = target
        self._options = options or ListingOptions()
        query = target.query
        self.record = ListingRecord(target.collection.name, _describe(query, self._options), _now())
        self.corrections: Corrections = {}
        self.stage = "baseline"
        self._proving = self._options.proved and query.limit is None
        self._key = target.collection.key or Key("")
        self._seen = IdSet()
        self._written = 0
        self._settled = False
        self._trouble = ""
        self._delta: Delta | None = None
        self._replayer: Replayer | None = None
        self._blanks = Blanks(query.select)
        expand = self._options.expand
        self._expander = Expander(target, expand) if expand else None
        filtered = query.filter or query.search or query.orderby
        plan = None if filtered else self._options.plan
        self._planner = Planner(plan, self._key.name, target.page_size)
        self._journal: Journal | None = None
        self._crew = Crew(self._read, self._options.chains, self._remember)
        self._ranges = self._make_ranges()
        target.graph.budget.widen(self._options.chains)

    async def batches(self) -> AsyncGenerator[list[msgspec.Raw]]:
        """
        Yield every record once, some at a time; closing it leaves nothing running.

        Raises:
            Error: What was yielded so far is a part.
        """
        try:
            shards = await self._begin()
            for records in self._kept():
                yield records
            self.stage = "listing"
            async with aclosing(self._pages(shards)) as pages:
                async for records in pages:
                    yield records
                    if self._written == self._target.query.limit:
                        return
            if self._proving:
                async with aclosing(self._settle()) as pages:
                    async for records in pages:
                        yield records
        finally:
            if self._journal is not None:
                self._journal.close()

    def finish(self, *, corrected: bool = True) -> ListingRecord:
        """
        Reach the verdict.

        Args:
            corrected: Whether `corrections` were applied to what had been yielded.
        """
        self.update()
        record = self.record
        record.finished = _now()
        if record.replay is not None:
            record.replay.late = 0 if corrected else len(self.corrections)
            record.replay.applied = self._settled and not record.replay.late
        if self._proving or self._target.query.limit is None:
            record.blank = self._blanks.names()
        record.notes += self._expander.find_nameless() if self._expander is not None else []
        conclude(record, self._evidence())
        if record.verdict == "complete" and record.pages > 1:
            self._planner.save(record.records)
        self.stage = "done"
        return record

    def fail(self, error: Error) -> None:
        """Close the account of a listing that an error has ended."""
        self.update()
        self.record.finished = _now()
        self.record.why = f"it failed ({error.code})"
        self._note(str(error))

    def update(self) -> None:
        """Bring the numbers of `record` up to date."""
        record, tally = self.record, self._target.tally
        record.method = self._ranges.method
        record.requests, record.retries = tally.requests, tally.retries
        record.throttled, record.units = tally.throttled, round(tally.units)
        record.splits = self._ranges.splits
        record.records = min(len(self._seen), self._target.query.limit or len(self._seen))
        record.count_before = self._ranges.expected
        if self._expander is not None:
            record.expanded = self._expander.found
        record.notes[len(record.notes) :] = self._ranges.take_notes()

    def progress(self) -> Progress:
        """How far it is."""
        budget = self._target.graph.budget
        wait = budget.waiting
        return Progress(
            len(self._seen),
            self._ranges.expected,
            self.record.pages,
            budget.in_flight,
            round(self._target.tally.units),
            budget.unit_rate,
            budget.unit_limit,
            f"Graph, {wait:.0f} s" if wait >= 1 else "",
            self.stage,
        )

    @property
    def _is_resumed(self) -> bool:
        return self._journal is not None and self._journal.resumed

    def _open_journal(self) -> Journal | None:
        path = self._options.journal
        if path is None or self._target.query.limit is not None:
            return None
        head = {"root": self._target.root, "collection": self.record.collection}
        head |= {**self.record.query, "owner": self._options.owner}
        return Journal(path, head, asyncio.get_running_loop().time)

    def _remember(self, shard: Shard) -> None:
        if self._journal is not None:
            self._journal.add(shard)

    def _make_ranges(self) -> Ranges:
        query, options = self._target.query, self._options
        whole = bool(self._target.advanced or query.orderby or query.limit or not self._key.name)
        wanted = "chain" if whole else options.method
        plan = self._planner.load() if wanted in ("auto", "ranges") else ()
        return Ranges(
            self._target,
            self._key,
            self._crew,
            room=lambda: self._target.graph.budget.room,
            wanted=wanted,
            plan=plan,
            proving=self._proving,
        )

    async def _begin(self) -> list[Shard]:
        """Take the delta link from which on every change will be known; return what to read."""
        journal = self._journal = self._open_journal()
        if journal is not None and journal.resumed and await self._is_alive(journal.delta):
            if journal.delta is not None:
                self._follow(Delta(self._target, journal.delta))
            self._ranges.witnesses = journal.witnesses
            shards = self._ranges.resume(journal.shards)
            self.record.ranges = self._ranges.ended
            return shards
        if self._proving and not self._target.advanced and self._target.collection.delta:
            delta = Delta(self._target)
            try:
                await delta.begin()
            except GraphError as error:
                if not is_dead(error):
                    raise
                self._note(f"there is no delta: {error}")
            else:
                self._follow(delta)
        if journal is not None:
            journal.begin(self._delta.link if self._delta is not None else None)
        return self._ranges.begin()

    async def _is_alive(self, link: str | None) -> bool:
        """Say whether changes can be followed from where an earlier run began to."""
        if link is None:
            return True
        try:
            await Delta(self._target, link).round()
        except GraphError as error:
            if not is_dead(error):
                raise
            self._note(f"the journal is too old, and was begun anew: {error}")
            return False
        return True

    def _follow(self, delta: Delta) -> None:
        self._delta = self._ranges.delta = delta
        self._replayer = Replayer(self._target, delta, self._seen)
        self.record.replay = self._replayer.account

    def _kept(self) -> Iterator[list[msgspec.Raw]]:
        """What an earlier run had read."""
        if self._journal is None or not self._is_resumed:
            return
        for records in self._journal.records():
            self._seen.add(pack_ids(ids_of(records)))
            self._learn(records)
            yield records
        self._note(f"{self._written:,} records were kept from an earlier run")

    def _learn(self, records: list[msgspec.Raw]) -> None:
        self._written += len(records)
        self._ranges.found += len(records)
        self._planner.note(records)
        self._blanks.look(records)

    def _note(self, text: str) -> None:
        self.record.notes.append(text)
        logger.info("%s: %s", self.record.collection, text)

    async def _read(self, shard: Shard) -> None:
        try:
            await read_shard(self._target, shard, self._crew.deliver, self._ranges.divide)
        except GraphError as error:
            if not shard.condition or shard.read or error.status != 400:
                raise
            self._ranges.give_up(f"a part was refused ({error.graph_code}): one chain")
            self._crew.add(self._ranges.make_whole())
        finally:
            self.record.restarts += shard.restarts

    async def _pages(self, shards: list[Shard]) -> AsyncGenerator[list[msgspec.Raw]]:
        async with aclosing(self._crew.batches(shards)) as batches:
            async for batch in batches:
                chosen, witnesses = self._choose(batch)
                new = await self._expand(chosen)
                if self._journal is not None:
                    self._journal.take(batch, new, witnesses)
                if new:
                    self._learn(new)
                    yield new

    def _choose(self, batch: Batch) -> tuple[list[msgspec.Raw], set[bytes]]:
        """The records of a page that were not there before, and its witnesses."""
        records = batch.page.records
        packed = pack_ids(page_ids(batch.page))
        fresh = self._seen.add(packed)
        new, fresh_packed = records, packed
        if fresh is not None:
            new, fresh_packed = [records[at] for at in fresh], [packed[at] for at in fresh]
        self.record.pages += 1
        self.record.ranges += batch.last and not batch.shard.handed_over
        self.record.duplicates += len(records) - len(new)
        batch.shard.take(len(records), len(self._seen))
        witnesses = self._ranges.take(batch, packed, fresh_packed)
        limit = self._target.query.limit
        return new if limit is None else new[: limit - self._written], witnesses

    async def _settle(self) -> AsyncGenerator[list[msgspec.Raw]]:
        """Put right what changed; where the parts leave a doubt, read all in one chain besides."""
        self.stage = "replay"
        await self._compare()
        doubt = self._find_gap() if self._options.confirm else ""
        if doubt:
            self.stage = "check"
            self._ranges.give_up(f"{doubt}: read a second time, in one chain")
            async with aclosing(self._pages(self._ranges.make_whole())) as pages:
                async for records in pages:
                    yield records
            await self._compare()
        if self._replayer is not None:
            appeared = await self._expand(self._replayer.settle())
            self._written += len(appeared)
            yield appeared
            self.corrections = await self._correct(self._replayer.corrections)

    async def _expand(self, records: list[msgspec.Raw]) -> list[msgspec.Raw]:
        return await self._expander.apply(records) if self._expander is not None else records

    async def _correct(self, corrections: Corrections) -> Corrections:
        kept = {one: record for one, record in corrections.items() if record is not None}
        expanded = await self._expand(list(kept.values()))
        return {**corrections, **dict(zip(kept, expanded, strict=True))}

    async def _compare(self) -> None:
        """Follow what changed, and ask for the count meanwhile."""
        _, self.record.count_after = await gather(self._replay(), self._count())

    async def _replay(self) -> None:
        if self._replayer is None:
            return
        try:
            self._settled = await self._replayer.run()
        except GraphError as error:
            if not is_dead(error):
                raise
            self._settled = False
            self._trouble = f"what changed meanwhile could not be read: {error}"

    async def _count(self) -> int | None:
        try:
            return await self._target.count()
        except Error:
            return None

    def _find_gap(self) -> str:
        """Why the parts may not be the whole; empty where nothing says so."""
        if self._ranges.whole_read:
            return ""
        missing = self._missing()
        if missing:
            return f"{missing} of the first records are in none of the parts"
        counted, found = self.record.count_after, len(self._seen)
        if counted is None:
            # That every part was honest, nothing else would show.
            return "Graph gives no count"
        small = found <= _SOON_READ
        if counted > found + (0 if small else tolerance(found)) or counted < found - tolerance(
            found
        ):
            return f"Graph counts {counted:,}, and {found:,} were found"
        return ""

    def _missing(self) -> int:
        touched = self._replayer.touched if self._replayer is not None else set()
        return len(self._ranges.witnesses - touched)

    def _evidence(self) -> Evidence:
        return Evidence(
            cut=self._written == self._target.query.limit,
            proving=self._proving,
            advanced=self._target.advanced,
            single=self._ranges.whole_read and self.record.pages == 1 and not self._is_resumed,
            baseline=self._delta is not None,
            settled=self._settled,
            trouble=self._trouble,
            whole=self._ranges.whole_read,
            parts=self._ranges.method != "chain",
            witnesses=self._missing(),
            certain=bool(self._key.signs),
            key=self._key.name,
        )


def _describe(query: Query, options: ListingOptions) -> dict[str, str]:
    given = {
        "select": ",".join(query.select),
        "filter": query.filter,
        "search": query.search,
        "orderby": query.orderby,
        "limit": None if query.limit is None else str(query.limit),
        "with": ",".join(options.expand),
    }
    return {name: value for name, value in given.items() if value}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
