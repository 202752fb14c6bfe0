"""
What changed while a listing ran, read again until the output and the directory are the same.

A round of the delta names records. Each is read again, as the listing would show it, and the output
is corrected. This is over after a round that names none: then nothing happened since the round
before. A directory that is never quiet has no such round. There it is over after a round of one
page whose records were all read as the round told them, since one page tells of one moment.

A record that is not read as the delta told of it last is a doubt, and stays one until it is: the
answer came from a replica that lags behind. Under a filter, a record that the delta says is there
may rightly not be shown: its values say whether it must be, or must not. Where they do not, one
thing alone says that it matches: that Graph shows it under the filter, with all the values that the
filter tests as the delta told of them. That it is not shown says nothing: a replica may be behind.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.page import ids_of
from graphdaemon.graph.property_types import find_object_type, list_published
from graphdaemon.graph.query import quote_string
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.delta import Delta, Told, agrees, is_same, values_of
from graphdaemon.listing.id_set import IdSet, pack_ids, split_packed
from graphdaemon.listing.record import Replay
from graphdaemon.listing.target import Target

logger = logging.getLogger(__name__)

# A directory that still differs after so many rounds changes faster than it can be followed.
_MOST_ROUNDS = 10
# Graph takes no more values of `in` in one `$filter`: "Some limitations apply to query parameters".
_IDS_AT_ONCE = 15
# Who waits longer than this, in seconds, is told why.
_SILENT_S = 5.0


class Replayer:
    """
    Corrects the output by what changed while the listing ran.

    Args:
        target: What is listed.
        delta: Its changes.
        written: The packed IDs of what was written; kept up to date here.

    Attributes:
        corrections: Records that were written and have changed: by ID as they are now, or None if
            they are gone.
        appeared: Records that are still to be written, by ID.
        touched: Packed IDs of every record that the delta told of.
        told: What it told of each last, by ID.
        doubtful: What the delta told last of records that were not read like that.
        undecided: IDs of records that are there, of which nothing says for certain whether the
            filter should show them.
        account: What the listing record says of it.
    """

    def __init__(self, target: Target, delta: Delta, written: IdSet) -> None:
        self._target = target
        self._delta = delta
        self._written = written
        self.corrections: dict[str, msgspec.Raw | None] = {}
        self.appeared: dict[str, msgspec.Raw] = {}
        self.touched: set[bytes] = set()
        self.told: Told = {}
        self.doubtful: Told = {}
        self.undecided: set[str] = set()
        self.account = Replay()

    async def run(self) -> bool:
        """
        Follow the delta until nothing is left to correct; say whether that was reached.

        Called again, it goes on where it stopped: a doubt that was left is still one.

        Raises:
            IdentityError, GraphError, NetworkError: The delta, or a record, could not be read.
        """
        for number in range(_MOST_ROUNDS):
            told = await self._delta.round()
            self.account.rounds += 1
            # What only an earlier round told of has not changed since then.
            changes = self.doubtful | told
            self.told |= told
            if not changes:
                return True
            if self.doubtful and not told:
                # Nothing happened, and yet two answers differ: a replica is behind.
                await self._wait(0.25 * 2**number)
            # Before it is read: where that fails, nobody has seen what was told.
            self.doubtful = changes
            current = await _read_ids(self._target, list(changes))
            self._apply(changes, current)
            silent = await self._compare(changes, current)
            if not self.doubtful and (not told or (not silent and self._delta.pages == 1)):
                return True
        return False

    async def _wait(self, seconds: float) -> None:
        if seconds > _SILENT_S:
            logger.warning(
                "records that changed are not yet seen as the delta tells (%d); looking again in "
                "%.0f s",
                len(self.doubtful),
                seconds,
            )
        await asyncio.sleep(seconds)

    def doubt(self, ids: Iterable[str]) -> Told:
        """
        Read these again in the next round, as far as the delta told of them.

        They were brought again after they had been taken out: a replica that lags behind may still
        show what is gone.

        Returns:
            What the delta told last of those that it told of.
        """
        told = {key: self.told[key] for key in ids if key in self.told}
        self.doubtful |= told
        return told

    def settle(self) -> list[msgspec.Raw]:
        """Count what was corrected, and return the records that are still to be written."""
        account = self.account
        account.removed = sum(record is None for record in self.corrections.values())
        account.changed = len(self.corrections) - account.removed
        account.appeared += len(self.appeared)
        records = list(self.appeared.values())
        self.appeared.clear()
        return records

    async def _compare(self, changes: Told, current: dict[str, msgspec.Raw]) -> bool:
        """
        Compare what the delta told with what was read, and keep what is contradicted as a doubt.

        Returns:
            Whether the delta was silent about a value, so that only a quiet round settles it.
        """
        decided = self._decide(changes)
        undecided = [key for key, match in decided.items() if match is None]
        seen = await self._read_tested(undecided, current) if undecided else {}
        matching = {key for key in undecided if self._shows_match(changes[key], seen.get(key))}
        decided |= dict.fromkeys(matching, True)
        undecided = [key for key in undecided if key not in matching]
        # Nobody knows whether the filter should show them; their values must be seen without it.
        there = await self._read_unfiltered(undecided) if undecided else {}
        self.undecided.difference_update(changes)
        self.doubtful, silent = {}, bool(undecided)
        for key, record in changes.items():
            match = decided.get(key, True)
            if match is False:
                # A replica that shows it has not heard of the change that took it out.
                contradicting, same = key in current, True
            else:
                reads = [current.get(key)] if match or key in current else []
                reads += [there.get(key)] if match is None else []
                reads += [seen[key]] if match is None and key in seen else []
                compared = [agrees(record, read) for read in reads]
                contradicting = any(differs for differs, _ in compared)
                same = all(equal for _, equal in compared)
            silent = silent or not same
            if contradicting:
                self.doubtful[key] = record
            elif match is None:
                self.undecided.add(key)
        return silent

    def _decide(self, changes: Told) -> dict[str, bool | None]:
        """Whether the filter should show each record that the delta says is there."""
        condition = self._target.query.filter
        if not condition:
            return {}
        # Loaded for a filter alone, of which few listings have one.
        from graphdaemon.listing.filter_match import matches

        # A relation is told in another way: that its name is not among the values says nothing.
        published = list_published(find_object_type(self._target.collection.name))
        all_told = self._delta.selects and self._delta.tested <= {*published}
        return {
            key: matches(condition, values_of(record), all_told=all_told)
            for key, record in changes.items()
            if record is not None
        }

    async def _read_tested(
        self, ids: Sequence[str], current: dict[str, msgspec.Raw]
    ) -> dict[str, msgspec.Raw]:
        """Those of `ids` that Graph shows under the filter, with the properties that it tests."""
        if not self._delta.selects or self._delta.tested <= {*self._target.selected}:
            return current
        return await self._read(ids, select=self._delta.select)

    def _shows_match(self, told: msgspec.Raw | None, read: msgspec.Raw | None) -> bool:
        """Whether a record that is read under the filter shows that what was told matches it."""
        tested = self._delta.tested
        if told is None or read is None or not tested:
            return False
        told_values, read_values = values_of(told), values_of(read)
        # What was never set is not told; of what was not asked for, nothing is known.
        is_told = self._delta.selects or tested <= told_values.keys()
        is_seen = is_told and tested <= read_values.keys()
        return is_seen and all(is_same(told_values.get(name), read_values[name]) for name in tested)

    async def _read_unfiltered(self, ids: Sequence[str]) -> dict[str, msgspec.Raw]:
        return await self._read(ids, select=self._delta.select, filter=None)

    async def _read(self, ids: Sequence[str], **changes: Any) -> dict[str, msgspec.Raw]:
        """With the properties that the filter tests, which the listing itself need not show."""
        query = self._target.query._replace(**changes)
        return await _read_ids(msgspec.structs.replace(self._target, query=query), ids)

    def _apply(self, changes: Told, current: dict[str, msgspec.Raw]) -> None:
        ids = list(changes)
        for key, packed in zip(ids, split_packed(pack_ids(ids)), strict=True):
            record = current.get(key)
            self.touched.add(packed)
            was_written = packed in self._written or key in self.corrections
            if was_written and key not in self.appeared:
                self.corrections[key] = record
            elif record is None:
                self.appeared.pop(key, None)
            else:
                self.appeared[key] = record
            if record is None:
                self._written.discard(packed)
            else:
                self._written.add(packed)


async def _read_ids(target: Target, ids: Sequence[str]) -> dict[str, msgspec.Raw]:
    """The records as `target` would show them now; those that it would not are left out."""
    if not target.collection.takes_ids:
        return await _read_among_all(target, frozenset(ids))
    starts = range(0, len(ids), _IDS_AT_ONCE)
    read = await gather(*(_read_chunk(target, ids[at : at + _IDS_AT_ONCE]) for at in starts))
    records = [record for chunk in read for record in chunk]
    return dict(zip(ids_of(records), records, strict=True))


async def _read_among_all(target: Target, ids: frozenset[str]) -> dict[str, msgspec.Raw]:
    """As `_read_ids`, where Graph cannot be asked for single records: everything is read."""
    records: dict[str, msgspec.Raw] = {}

    async def keep(chain_page: ChainPage) -> None:
        page = chain_page.page.records
        read = ids_of(page)
        records.update((key, one) for key, one in zip(read, page, strict=True) if key in ids)
        chain_page.chain.consume(len(page), len(page))

    await read_chain(target, Chain(""), keep)
    return records


async def _read_chunk(target: Target, ids: Sequence[str]) -> list[msgspec.Raw]:
    records: list[msgspec.Raw] = []

    async def keep(chain_page: ChainPage) -> None:
        records.extend(chain_page.page.records)
        chain_page.chain.consume(len(chain_page.page.records), len(ids))

    condition = f"id in ({','.join(map(quote_string, ids))})"
    await read_chain(target, Chain(condition), keep)
    return records
