"""
Read again what changed while a listing ran, until the output is the same as the directory.

A round of the delta reports records. Each is read again, as the listing would show it, and the
output is corrected. This ends after a round that reports no records, because nothing happened since
the round before. A directory that changes all the time has no such round. There it ends after a
round of a single page, if all its records were read as the round reported them, because a single
page shows the state of one moment.

If a record is not read as the delta last reported it, the answer came from a replica that lags
behind. The record is doubtful until it is read as reported. With a filter, a record that the delta
reports as existing may rightly be left out. Its values may show whether it matches. If they do not,
only one thing proves a match: Graph shows the record with the filter, and with the values that the
delta reported for all properties that the filter tests. That Graph does not show it proves nothing,
because a replica may lag behind.
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

# If the output still differs after so many rounds, the directory changes too fast to be followed.
_MOST_ROUNDS = 10
# The most values for `in` that Graph takes in one `$filter` ("Some limitations apply to query
# parameters").
_IDS_AT_ONCE = 15
# Waits of more seconds than these are logged.
_SILENT_S = 5.0


class Replayer:
    """
    Corrects the output by the changes that happened while the listing ran.

    Args:
        target: What is listed.
        delta: The delta of the collection.
        written: The packed IDs of the records that were written; it is updated here.

    Attributes:
        corrections: By the ID of each written record that has changed, the record as it is now, or
            None if it is gone.
        appeared: The records that are still to be written, by ID.
        touched: The packed IDs of all records that the delta reported.
        told: The state that the delta last reported of each record, by ID.
        doubtful: The last reported state of the records that were not read like this, by ID.
        undecided: The IDs of existing records of which it is not certain whether they match the
            filter.
        account: The numbers for the listing record.
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
        Follow the delta until nothing is left to correct, and return whether that was reached.

        A further call continues where the last one stopped, with its doubtful records.

        Raises:
            IdentityError, GraphError, NetworkError: The delta, or a record, could not be read.
        """
        for number in range(_MOST_ROUNDS):
            told = await self._delta.round()
            self.account.rounds += 1
            # Records that only an earlier round reported have not changed since then.
            changes = self.doubtful | told
            self.told |= told
            if not changes:
                return True
            if self.doubtful and not told:
                # Nothing happened, but a record was not read as reported: a replica lags behind.
                await self._wait(0.25 * 2**number)
            # All are doubtful until they were read, also if reading them fails.
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
        Have records read again in the next round, as far as the delta has reported them.

        They are records that a page contained again after they had been removed from the output: a
        replica that lags behind may still show them.

        Returns:
            By ID, the last reported state of those of `ids` that the delta has reported.
        """
        told = {key: self.told[key] for key in ids if key in self.told}
        self.doubtful |= told
        return told

    def settle(self) -> list[msgspec.Raw]:
        """Count the corrections, and return the records that are still to be written."""
        account = self.account
        account.removed = sum(record is None for record in self.corrections.values())
        account.changed = len(self.corrections) - account.removed
        account.appeared += len(self.appeared)
        records = list(self.appeared.values())
        self.appeared.clear()
        return records

    async def _compare(self, changes: Told, current: dict[str, msgspec.Raw]) -> bool:
        """
        Compare the reported records with those that were read; keep contradictions as doubtful.

        Returns:
            Whether the delta left out a value that would be needed for a comparison, so that only a
            round without changes proves that the record is right.
        """
        decided = self._decide(changes)
        undecided = [key for key, match in decided.items() if match is None]
        seen = await self._read_tested(undecided, current) if undecided else {}
        matching = {key for key in undecided if self._shows_match(changes[key], seen.get(key))}
        decided |= dict.fromkeys(matching, True)
        undecided = [key for key in undecided if key not in matching]
        # It is not known whether these match the filter, so they are read and compared without it.
        there = await self._read_unfiltered(undecided) if undecided else {}
        self.undecided.difference_update(changes)
        self.doubtful, silent = {}, bool(undecided)
        for key, record in changes.items():
            match = decided.get(key, True)
            if match is False:
                # A replica that shows it does not know of the change by which it stopped matching.
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
        """Return for each existing record whether it matches the filter; None if not certain."""
        condition = self._target.query.filter
        if not condition:
            return {}
        # Imported here, because few listings have a filter.
        from graphdaemon.listing.filter_match import matches

        # A relation is reported in another way, so a missing value of it does not mean null.
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
        """Return those of `ids` that Graph shows with the filter, with the properties it tests."""
        if not self._delta.selects or self._delta.tested <= {*self._target.selected}:
            return current
        return await self._read(ids, select=self._delta.select)

    def _shows_match(self, told: msgspec.Raw | None, read: msgspec.Raw | None) -> bool:
        """Return whether a record read with the filter proves that the reported one matches."""
        tested = self._delta.tested
        if told is None or read is None or not tested:
            return False
        told_values, read_values = values_of(told), values_of(read)
        # With a selection, a property that is not reported was never set; without one, a property
        # that is not reported is not known.
        is_told = self._delta.selects or tested <= told_values.keys()
        is_seen = is_told and tested <= read_values.keys()
        return is_seen and all(is_same(told_values.get(name), read_values[name]) for name in tested)

    async def _read_unfiltered(self, ids: Sequence[str]) -> dict[str, msgspec.Raw]:
        return await self._read(ids, select=self._delta.select, filter=None)

    async def _read(self, ids: Sequence[str], **changes: Any) -> dict[str, msgspec.Raw]:
        """Return the records with these IDs by a query with `changes`."""
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
    """Return by ID the records as `target` shows them now; those that it does not are left out."""
    if not target.collection.takes_ids:
        return await _read_among_all(target, frozenset(ids))
    starts = range(0, len(ids), _IDS_AT_ONCE)
    read = await gather(*(_read_chunk(target, ids[at : at + _IDS_AT_ONCE]) for at in starts))
    records = [record for chunk in read for record in chunk]
    return dict(zip(ids_of(records), records, strict=True))


async def _read_among_all(target: Target, ids: frozenset[str]) -> dict[str, msgspec.Raw]:
    """Return the same where Graph cannot select records by ID: the whole collection is read."""
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
