"""
What changed while a listing ran, read again until the output and the directory are the same.

A round of the delta names records. Each is read again, as the listing would show it, and the output
is corrected. This is over after a round that names none: then nothing happened since the round
before. A directory that is never quiet has no such round. There it is over after a round of one
page whose records were all read as the round told them, since one page tells of one moment.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from graphdaemon.graph.concurrency import gather
from graphdaemon.graph.page import ids_of
from graphdaemon.graph.query import quote_string
from graphdaemon.listing.chain import Chain, ChainPage, read_chain
from graphdaemon.listing.delta import Changes, Delta, agrees
from graphdaemon.listing.id_set import IdSet, pack_ids
from graphdaemon.listing.record import Replay
from graphdaemon.listing.target import Target

# A directory that still differs after so many rounds changes faster than it can be followed.
_MOST_ROUNDS = 10
# Graph takes no more values of `in` in one `$filter`: "Some limitations apply to query parameters".
_IDS_AT_ONCE = 15


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
        account: What the listing record says of it.
    """

    def __init__(self, target: Target, delta: Delta, written: IdSet) -> None:
        self._target = target
        self._delta = delta
        self._written = written
        self.corrections: dict[str, msgspec.Raw | None] = {}
        self.appeared: dict[str, msgspec.Raw] = {}
        self.touched: set[bytes] = set()
        self.account = Replay()

    async def run(self) -> bool:
        """
        Follow the delta until nothing is left to correct; say whether that was reached.

        Raises:
            IdentityError, GraphError, NetworkError: The delta, or a record, could not be read.
        """
        doubtful: Changes = {}
        for number in range(_MOST_ROUNDS):
            told = await self._delta.round()
            self.account.rounds += 1
            # What only an earlier round told of has not changed since then.
            changes = doubtful | told
            if not changes:
                return True
            if doubtful and not told:
                # Nothing happened, and yet two answers differ: a replica is behind.
                await asyncio.sleep(0.25 * 2**number)
            current = await self._read(list(changes))
            self._apply(changes, current)
            filtered = bool(self._target.query.filter)
            doubtful, silent = _compare(changes, current, filtered=filtered)
            if not doubtful and (not told or (not silent and self._delta.pages == 1)):
                return True
        return False

    def settle(self) -> list[msgspec.Raw]:
        """Count what was corrected, and return the records that are still to be written."""
        account = self.account
        account.removed = sum(record is None for record in self.corrections.values())
        account.changed = len(self.corrections) - account.removed
        account.appeared += len(self.appeared)
        records = list(self.appeared.values())
        self.appeared.clear()
        return records

    async def _read(self, ids: Sequence[str]) -> dict[str, msgspec.Raw]:
        """The records as the listing would show them now; those that it would not are left out."""
        starts = range(0, len(ids), _IDS_AT_ONCE)
        read = await gather(*(self._read_chunk(ids[at : at + _IDS_AT_ONCE]) for at in starts))
        records = [record for chunk in read for record in chunk]
        return dict(zip(ids_of(records), records, strict=True))

    async def _read_chunk(self, ids: Sequence[str]) -> list[msgspec.Raw]:
        records: list[msgspec.Raw] = []

        async def keep(chain_page: ChainPage) -> None:
            records.extend(chain_page.page.records)
            chain_page.chain.consume(len(chain_page.page.records), len(ids))

        condition = f"id in ({','.join(map(quote_string, ids))})"
        await read_chain(self._target, Chain(condition), keep)
        return records

    def _apply(self, changes: Changes, current: dict[str, msgspec.Raw]) -> None:
        ids = list(changes)
        for key, packed in zip(ids, pack_ids(ids), strict=True):
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
                self._written.add((packed,))


def _compare(
    changes: Changes, current: dict[str, msgspec.Raw], *, filtered: bool
) -> tuple[Changes, bool]:
    """
    Compare what the delta told with what was read.

    Returns:
        The changes that are contradicted, and whether the delta was silent about a value.
    """
    doubtful: Changes = {}
    silent = False
    for key, record in changes.items():
        if filtered and (record is None or key not in current):
            # It may exist and not match the filter: only a round that tells nothing settles it.
            silent = silent or record is not None
            contradicting = record is None and key in current
        else:
            contradicting, same = agrees(record, current.get(key))
            silent = silent or not same
        if contradicting:
            doubtful[key] = record
    return doubtful, silent
