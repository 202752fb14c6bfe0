"""
What changed while a listing ran, read anew until the directory and the output are the same.

A round of the delta names records. Each is read again, as the listing would show it. A round that
names none shows that nothing happened since; so does, in a directory that is never quiet, a round
of one page whose records were all found as it told them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from graphdaemon.concurrency import gather
from graphdaemon.graph.page import ids_of
from graphdaemon.listing.chain import Batch, Shard, never_divide, read_shard
from graphdaemon.listing.delta import Delta, Told, agrees
from graphdaemon.listing.id_set import IdSet, pack_ids
from graphdaemon.listing.intervals import quote
from graphdaemon.listing.record import Replay
from graphdaemon.listing.target import Target

_ROUNDS = 10
_AT_ONCE = 15
"""IDs in one question: Graph takes no more values of `in`."""


class Replayer:
    """
    Puts right what changed.

    Attributes:
        corrections: Records that were written, by ID: as they are now, or None if gone.
        appeared: Records that were not, by ID.
        touched: Every ID that was told of, packed.

    Args:
        target: What is listed.
        delta: Its changes.
        seen: The IDs that were written; kept up with.
        sleep: Waits between rounds.
    """

    def __init__(
        self,
        target: Target,
        delta: Delta,
        seen: IdSet,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._target = target
        self._delta = delta
        self._seen = seen
        self._sleep = sleep
        self.corrections: dict[str, msgspec.Raw | None] = {}
        self.appeared: dict[str, msgspec.Raw] = {}
        self.touched: set[bytes] = set()
        self.account = Replay()

    async def run(self) -> bool:
        """
        Follow the delta until nothing is left to put right; say whether that came about.

        Raises:
            IdentityError, GraphError, NetworkError: The delta, or a record, could not be read.
        """
        doubtful: Told = {}
        for number in range(_ROUNDS):
            told = await self._delta.round()
            self.account.rounds += 1
            # What was told once and is not told again is as it was told then.
            asked = doubtful | told
            if not asked:
                return True
            if doubtful and not told:
                # Nothing happened, and yet two answers differ: a replica is behind.
                await self._sleep(0.25 * 2**number)
            now = await self._read(asked)
            self._apply(asked, now)
            doubtful, silent = _compare(asked, now, filtered=bool(self._target.query.filter))
            if not doubtful and (not told or (not silent and self._delta.pages == 1)):
                return True
        return False

    def settle(self) -> list[msgspec.Raw]:
        """Count what was put right, and return the records that are still to be written."""
        account = self.account
        account.removed = sum(record is None for record in self.corrections.values())
        account.changed = len(self.corrections) - account.removed
        account.appeared += len(self.appeared)
        records = list(self.appeared.values())
        self.appeared.clear()
        return records

    async def _read(self, told: Told) -> dict[str, msgspec.Raw]:
        """The records as the listing would show them now; those that it would not are left out."""
        chunks = list(_chunks(told, _AT_ONCE))
        found = await gather(*(self._read_chunk(chunk) for chunk in chunks))
        records = [record for chunk in found for record in chunk]
        return dict(zip(ids_of(records), records, strict=True))

    async def _read_chunk(self, ids: Sequence[str]) -> list[msgspec.Raw]:
        found: list[msgspec.Raw] = []

        async def keep(batch: Batch) -> None:
            found.extend(batch.page.records)
            batch.shard.take(len(batch.page.records), len(ids))

        listed = ",".join(quote(one) for one in ids)
        shard = Shard(f"id in ({listed})")
        await read_shard(self._target, shard, keep, never_divide)
        return found

    def _apply(self, told: Told, now: dict[str, msgspec.Raw]) -> None:
        self.touched.update(pack_ids(list(told)))
        for one in told:
            record = now.get(one)
            (packed,) = pack_ids((one,))
            if one in self.appeared or (packed not in self._seen and one not in self.corrections):
                if record is None:
                    self.appeared.pop(one, None)
                else:
                    self.appeared[one] = record
            else:
                self.corrections[one] = record
            if record is None:
                self._seen.discard(packed)
            else:
                self._seen.add((packed,))


def _chunks(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _compare(told: Told, now: dict[str, msgspec.Raw], *, filtered: bool) -> tuple[Told, bool]:
    """What is contradicted, and whether the delta was silent about anything else."""
    doubtful: Told = {}
    silent = False
    for one, record in told.items():
        if filtered and (record is None or one not in now):
            # It may be there, and not be what the filter asks for: only quiet can tell.
            silent = silent or record is not None
            contradicting = record is None and one in now
        else:
            contradicting, same = agrees(record, now.get(one))
            silent = silent or not same
        if contradicting:
            doubtful[one] = record
    return doubtful, silent
