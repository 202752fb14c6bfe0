"""
What a proof of one listing needs, gathered while it runs: the delta, the counts, a second reading.

What it says of the listing is `Evidence`; `verdict` decides.
"""

import asyncio

from graphdaemon.errors import Error, GraphError
from graphdaemon.graph.catalog import Key
from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.page import Page, page_ids
from graphdaemon.listing.delta import Delta, count_told, find_tested, find_untracked, is_dead
from graphdaemon.listing.id_set import IdSet, make_id_set, pick_packed
from graphdaemon.listing.partition import Partition
from graphdaemon.listing.record import ListingRecord
from graphdaemon.listing.replay import Replayer
from graphdaemon.listing.target import Target
from graphdaemon.listing.verdict import Evidence, may_catch_up

# Seconds to wait before each time that Graph's count is asked for again, where it may lag behind.
_COUNT_AGAIN_AFTER_S = (1, 2, 4, 8)
# Up to so many records are read again at once.
_CHEAP_TO_READ_AGAIN = 50_000
# These mean that Graph does not count this; a service that is busy may do so another time.
_REFUSALS = frozenset({400, 403, 404, 405, 501})


class Proof:
    """
    The evidence of one listing, as far as it was gathered.

    Args:
        target: What is listed.
        met: The packed IDs of what was read; the replay keeps it up to date.
        record: The account of the listing; what the delta and the counts say is written there.
        partition: Says what was read, and how.

    Attributes:
        delta: The changes since before the first page; None where they cannot be had.
        replayer: Corrects the output by them; None without a delta.
    """

    def __init__(
        self, target: Target, met: IdSet, record: ListingRecord, partition: Partition
    ) -> None:
        self._target = target
        self._met = met
        self._record = record
        self._partition = partition
        self.delta: Delta | None = None
        self.replayer: Replayer | None = None
        self._settled = False
        self._trouble = ""
        self._count_refused = False
        self._count_between: int | None = None
        self._second_reading: IdSet | None = None

    async def take_baseline(self) -> str:
        """
        Take the delta link that tells of every change from now on, if there is a delta.

        Returns:
            Why there is none; nothing where there is.
        """
        refusal, target = "", self._target
        if untracked := find_untracked(target):
            return f"Graph tells of no change of {untracked}, which the filter tests"
        trials = [target.selected]
        if find_tested(target) <= {*target.defaults}:
            # What was refused is not what the filter tests: a delta of everything tells of that.
            trials.append(target.query.select)
        for selected in dict.fromkeys(trials):
            delta = Delta(self._target, selected=selected)
            try:
                await delta.begin()
            except GraphError as error:
                if not is_dead(error):
                    raise
                refusal = refusal or str(error)
                continue
            self.follow(delta)
            return ""
        return refusal

    def follow(self, delta: Delta) -> None:
        """Let `delta` say at the end what changed."""
        self.delta = self._partition.delta = delta
        self.replayer = Replayer(self._target, delta, self._met)
        self._record.replay = self.replayer.account

    def begin_second_reading(self) -> None:
        """Hear, from now on, which records everything that is read once more brings."""
        self._second_reading = make_id_set()
        # The next count takes its place in the record, and does not explain it.
        self._count_between = self._record.count_after

    def note(self, page: Page, packed: bytes, places: list[int] | None) -> list[int] | None:
        """
        Hear of the IDs of a page that was read.

        Args:
            page: The page.
            packed: Its IDs, packed.
            places: The positions of those that are new, or None if all are.

        Returns:
            The positions of those that belong into the output. A replica that lags behind shows
            again what was taken out of it; the replay decides about that, not the page.
        """
        if self._second_reading is None:
            return places
        self._second_reading.add(packed)
        if self.replayer is None:
            return places
        ids = page_ids(page)
        fresh = range(len(ids)) if places is None else places
        told = self.replayer.doubt(ids[at] for at in fresh)
        for at in fresh:
            if ids[at] in told:
                self._met.discard(pick_packed(packed, (at,)))
        return [at for at in fresh if ids[at] not in told] if told else places

    async def compare(self) -> None:
        """
        Follow what changed, and ask for the count at the same time.

        Raises:
            IdentityError, GraphError, NetworkError: As `Replayer.run`, unless it means that the
                delta cannot be followed any more: then that is part of the evidence.
        """
        _, self._record.count_after = await gather(self._replay(), self._count())

    async def await_count(self) -> None:
        """Where Graph's count is too high by so little that it may lag, let it catch up."""
        # To read a small directory again takes no longer than to wait to the end.
        is_cheap = self._second_reading is None and len(self._met) <= _CHEAP_TO_READ_AGAIN
        for wait in _COUNT_AGAIN_AFTER_S[: 1 if is_cheap else None]:
            if not may_catch_up(self.evidence()):
                return
            await asyncio.sleep(wait)
            await self.compare()

    @property
    def settled(self) -> bool:
        """Whether every change that the delta told of is in the output, as it was told."""
        return self._settled and not (self.replayer is not None and self.replayer.doubtful)

    def evidence(self) -> Evidence:
        """Return what is known so far."""
        record, partition, replayer = self._record, self._partition, self.replayer
        key = self._target.collection.key or Key("")
        touched = replayer.touched if replayer is not None else set()
        present = sum(one in self._met for one in touched)
        return Evidence(
            collection=record.collection,
            records=len(self._met),
            advanced=self._target.advanced,
            whole=partition.whole_read,
            divided=partition.method != "chain",
            pages=record.pages,
            method=partition.method,
            ranges=record.ranges,
            key=key.name,
            certain=bool(key.signs),
            # A witness that changed meanwhile may have moved to a part that was read before.
            witnesses=len(partition.witnesses - touched),
            readings=1 if self._second_reading is None else 2,
            missed=self._count_missed(touched),
            baseline=self.delta is not None,
            trouble=self._trouble,
            unshown=len(replayer.doubtful) if replayer is not None else 0,
            settled=self.settled,
            undecided=len(replayer.undecided) if replayer is not None else 0,
            count_before=partition.expected,
            count_between=self._count_between,
            count_after=record.count_after,
            count_refused=self._count_refused,
            gone=len(touched) - present,
            present=present,
        )

    async def _replay(self) -> None:
        if self.replayer is None:
            return
        try:
            self._settled = await self.replayer.run()
        except GraphError as error:
            if not is_dead(error):
                raise
            self._settled = False
            self._trouble = f"what changed meanwhile could not be read: {error}"

    async def _count(self) -> int | None:
        # The count is one check among several: no listing fails for want of it.
        target = self._target
        try:
            if target.collection.counted:
                return await target.count()
            number = await count_told(target) if target.collection.delta else None
        except Error as error:
            self._count_refused = isinstance(error, GraphError) and error.status in _REFUSALS
            return None
        self._count_refused = number is None
        return number

    def _count_missed(self, touched: set[bytes]) -> int:
        """How many records that did not change the second reading did not bring."""
        second = self._second_reading
        if second is None:
            return 0
        # Each record that it brought was read, and is still there unless the delta named it.
        unchanged = len(self._met) - sum(one in self._met for one in touched)
        return unchanged - len(second) + sum(one in second for one in touched)
