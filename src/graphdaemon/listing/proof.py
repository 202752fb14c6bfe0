"""
Collect the evidence for a listing while it runs: the delta, the counts, and a second reading.

The result is an `Evidence`, about which `verdict` decides.
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

# If Graph's count may lag behind, it is requested again after each of these waits, in seconds.
_COUNT_AGAIN_AFTER_S = (1, 2, 4, 8)
# A collection of so many records or fewer is read again instead of waiting for long.
_CHEAP_TO_READ_AGAIN = 50_000
# Statuses that mean that Graph does not count this collection; after another one it may later.
_REFUSALS = frozenset({400, 403, 404, 405, 501})


class Proof:
    """
    Collects the evidence for one listing.

    Args:
        target: What is listed.
        met: The packed IDs of the records that were read; the replay updates it.
        record: The listing record, into which the results of the delta and the counts are written.
        partition: Tells what was read, and how.

    Attributes:
        delta: The changes since before the first page; None if there is no delta.
        replayer: Corrects the output by these changes; None without a delta.
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
        Take a delta link, which reports every change from now on, if the collection has a delta.

        Returns:
            Why there is none; empty if there is one.

        Raises:
            IdentityError, GraphError, NetworkError: The link could not be requested.
        """
        refusal, target = "", self._target
        if untracked := find_untracked(target):
            return f"Graph tells of no change of {untracked}, which the filter tests"
        trials = [target.selected]
        if find_tested(target) <= {*target.defaults}:
            # If the selection is refused, a delta without one still reports what the filter tests.
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
        """Use `delta` to find out at the end what changed."""
        self.delta = self._partition.delta = delta
        self.replayer = Replayer(self._target, delta, self._met)
        self._record.replay = self.replayer.account

    def begin_second_reading(self) -> None:
        """Note from now on which records the second reading contains."""
        self._second_reading = make_id_set()
        # The next count replaces this one in the record, but does not make up for it.
        self._count_between = self._record.count_after

    def note(self, page: Page, packed: bytes, places: list[int] | None) -> list[int] | None:
        """
        Note the IDs of a page that was read.

        Args:
            page: The page.
            packed: Its packed IDs.
            places: The positions of the new records, or None if all are new.

        Returns:
            The positions of the records that are to be written, or None for all of them. Records
            that the replay had removed are left out: a replica that lags behind may show them
            again, and the replay decides about them.
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
        Follow the delta, and request the count at the same time.

        Raises:
            IdentityError, GraphError, NetworkError: As in `Replayer.run`. If the delta can no
                longer be followed, that is not raised, but becomes part of the evidence.
        """
        _, self._record.count_after = await gather(self._replay(), self._count())

    async def await_count(self) -> None:
        """Request Graph's count again after a wait, if it is so little too high that it may lag."""
        # Reading a small directory again takes no longer than all the waits.
        is_cheap = self._second_reading is None and len(self._met) <= _CHEAP_TO_READ_AGAIN
        for wait in _COUNT_AGAIN_AFTER_S[: 1 if is_cheap else None]:
            if not may_catch_up(self.evidence()):
                return
            await asyncio.sleep(wait)
            await self.compare()

    @property
    def settled(self) -> bool:
        """Whether every change that the delta reported is in the output, as it was reported."""
        return self._settled and not (self.replayer is not None and self.replayer.doubtful)

    def evidence(self) -> Evidence:
        """Return the evidence so far."""
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
            # A witness that has changed may have moved to a part that was read before.
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
        # The count is one check among several, so no listing fails because it cannot be read.
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
        """Return how many unchanged records are missing in the second reading."""
        second = self._second_reading
        if second is None:
            return 0
        # Each record of the second reading is in the output, unless the delta reported a change.
        unchanged = len(self._met) - sum(one in self._met for one in touched)
        return unchanged - len(second) + sum(one in second for one in touched)
