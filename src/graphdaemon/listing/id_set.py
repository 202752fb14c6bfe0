"""A set of the IDs that a listing has read: sixteen bytes for each, so a million take 30 MB."""

import binascii
import hashlib
import os
import struct
from collections.abc import Sequence
from typing import Protocol

from graphdaemon.graph.compiled import KNOWN_IDS, KnownIds
from graphdaemon.graph.page import Page, page_ids

_SIZE = 16
_each = struct.Struct("16s").iter_unpack
# The number of buckets at first, and the mean number of IDs in a bucket from which on there are
# more. A bucket with sixteen IDs is searched as fast as one with a single ID.
_BUCKETS = 1 << 16
_MOST_IN_BUCKET = 24
# Several tables grow one after another, because copying a single large one would need twice its
# memory.
_TABLES = 256


def packed_ids(page: Page) -> bytes:
    """
    Return the packed IDs of a page, as `pack_ids` makes them.

    Raises:
        GraphError: `page_malformed`, as in `page_ids`.
    """
    known = page.packed_ids
    return known if known and len(known) == _SIZE * len(page.records) else pack_ids(page_ids(page))


def pack_ids(ids: Sequence[str]) -> bytes:
    """
    Return sixteen bytes for each ID: the bytes of a GUID in lower case, or a digest of another ID.

    Graph writes GUIDs in lower case. IDs that differ only in case are different IDs, and belong to
    different records. Packing all GUIDs of a page together is ten times as fast as one by one.
    """
    count = len(ids)
    joined = "".join(ids)
    dashes = "-" * count
    if (
        len(joined) == 36 * count
        and joined == joined.lower()
        and joined.count("-") == 4 * count
        and all(joined[at::36] == dashes for at in (8, 13, 18, 23))
        and set(map(len, ids)) <= {36}
    ):
        try:
            return binascii.unhexlify(joined.encode().translate(None, b"-"))
        except ValueError:
            pass
    if count > 1:
        return b"".join(pack_ids((one,)) for one in ids)
    return hashlib.blake2b(ids[0].encode(), digest_size=_SIZE).digest()


def split_packed(packed: bytes) -> list[bytes]:
    """Split packed IDs into a list with sixteen bytes for each."""
    return [one for (one,) in _each(packed)]


def pick_packed(packed: bytes, places: Sequence[int]) -> bytes:
    """Return the packed IDs at these positions."""
    return b"".join(packed[at * _SIZE : (at + 1) * _SIZE] for at in places)


class IdSet(Protocol):
    """A set of packed IDs that tells which of those added are new."""

    def __len__(self) -> int:
        """Return how many IDs are in the set."""

    def __contains__(self, packed: bytes) -> bool:
        """Return whether a packed ID is in the set."""

    def add(self, packed: bytes) -> list[int] | None:
        """
        Add packed IDs; return the positions of those that are new, or None if all are.

        Usually all are new, and the caller need not select records by their positions.
        """

    def discard(self, packed: bytes) -> None:
        """Remove a packed ID, if it is in the set."""


def make_id_set(known_ids: KnownIds | None = KNOWN_IDS) -> IdSet:
    """Return an empty set, which uses the compiled function if there is one."""
    return PythonIdSet() if known_ids is None else CompiledIdSet(known_ids)


class CompiledIdSet:
    """
    An `IdSet` whose tables a compiled function reads and writes.

    An ID cannot be removed from the tables. The few removed IDs are kept in a separate set.

    Args:
        known_ids: The compiled function.
    """

    def __init__(self, known_ids: KnownIds) -> None:
        self._known_ids = known_ids
        self._tables = [bytearray(_SIZE) for _ in range(_TABLES)]
        # With a random seed, nobody can choose IDs that all have the same place in a table.
        self._seed = int.from_bytes(os.urandom(8), "big")
        self._in_tables = 0
        self._removed: set[bytes] = set()

    def __len__(self) -> int:
        return self._in_tables - len(self._removed)

    def __contains__(self, packed: bytes) -> bool:
        return packed not in self._removed and self._is_in_tables(packed)

    def add(self, packed: bytes) -> list[int] | None:
        """Add packed IDs, as described in `IdSet.add`."""
        count = len(packed) // _SIZE
        known = self._known_ids(self._tables, packed, self._seed, True)
        self._in_tables += count - len(known)
        if known and self._removed:
            known = [at for at in known if not self._bring_back(pick_packed(packed, (at,)))]
        return sorted({*range(count)}.difference(known)) if known else None

    def discard(self, packed: bytes) -> None:
        """Remove `packed`, if it is there."""
        if self._is_in_tables(packed):
            self._removed.add(packed)

    def _is_in_tables(self, packed: bytes) -> bool:
        return bool(self._known_ids(self._tables, packed, self._seed, False))

    def _bring_back(self, packed: bytes) -> bool:
        was_removed = packed in self._removed
        self._removed.discard(packed)
        return was_removed


class PythonIdSet:
    """
    An `IdSet` in Python, for installations without the compiled function.

    A plain set is fastest, and takes 100 bytes for each ID. A large one is moved into buckets, each
    of which is one byte string of joined IDs; there an ID takes 26 bytes.

    Args:
        large: The most IDs that stay in a plain set.
        buckets: The number of buckets at first.
    """

    def __init__(self, large: int = 200_000, buckets: int = _BUCKETS) -> None:
        self._large = large
        self._first_buckets = buckets
        self._plain: set[bytes] = set()
        self._buckets: list[bytes] = []
        self._bucketed = 0

    def __len__(self) -> int:
        return len(self._plain) + self._bucketed

    def __contains__(self, packed: bytes) -> bool:
        if not self._buckets:
            return packed in self._plain
        return _holds(self._buckets[hash(packed) % len(self._buckets)], packed)

    def add(self, packed: bytes) -> list[int] | None:
        """Add packed IDs, as described in `IdSet.add`."""
        each = split_packed(packed)
        if self._buckets:
            return self._put(each)
        page = set(each)
        known = self._plain & page
        self._plain |= page
        fresh = None
        if len(page) < len(each):
            # If an ID occurs twice in a page, its first position counts.
            first = {one: at for at, one in reversed([*enumerate(each)])}
            fresh = sorted(at for one, at in first.items() if one not in known)
        elif known:
            fresh = [at for at, one in enumerate(each) if one not in known]
        if len(self._plain) > self._large:
            self._buckets = [b""] * self._first_buckets
            plain, self._plain = self._plain, set()
            self._put(list(plain))
        return fresh

    def discard(self, packed: bytes) -> None:
        """Remove `packed`, if it is there."""
        if not self._buckets:
            self._plain.discard(packed)
        elif packed in self:
            place = hash(packed) % len(self._buckets)
            kept = [one for one in split_packed(self._buckets[place]) if one != packed]
            self._buckets[place] = b"".join(kept)
            self._bucketed -= 1

    def _put(self, each: Sequence[bytes]) -> list[int] | None:
        buckets, known = self._buckets, set()
        count = len(buckets)
        for at, one in enumerate(each):
            place = hash(one) % count
            bucket = buckets[place]
            # The first test is fast, but may match across two joined IDs; the second is exact.
            if one in bucket and _holds(bucket, one):
                known.add(at)
            else:
                buckets[place] = bucket + one
        self._bucketed += len(each) - len(known)
        if self._bucketed > _MOST_IN_BUCKET * count:
            self._spread()
        return [at for at in range(len(each)) if at not in known] if known else None

    def _spread(self) -> None:
        """Divide each bucket into four, so that the buckets stay small."""
        count = len(self._buckets)
        buckets = [b""] * (4 * count)
        for place, bucket in enumerate(self._buckets):
            # Each old bucket is freed now, so that the IDs are never in memory twice.
            self._buckets[place] = b""
            for one in split_packed(bucket):
                buckets[hash(one) % (4 * count)] += one
        self._buckets = buckets


def _holds(bucket: bytes, packed: bytes) -> bool:
    at = bucket.find(packed)
    while at % _SIZE and at >= 0:
        at = bucket.find(packed, at + 1)
    return at >= 0
