"""The set of IDs that a listing has met: sixteen bytes each, so that a million fit into 30 MB."""

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
# A bucket is searched as fast with sixteen IDs in it as with one; there are so many to begin with.
_BUCKETS = 1 << 16
_MOST_IN_BUCKET = 24
# They grow one after the other: to copy a single large table would take its memory twice.
_TABLES = 256


def packed_ids(page: Page) -> bytes:
    """
    Return what `pack_ids` makes of the IDs of a page.

    Raises:
        GraphError: `page_malformed`, as in `page_ids`.
    """
    known = page.packed_ids
    return known if known and len(known) == _SIZE * len(page.records) else pack_ids(page_ids(page))


def pack_ids(ids: Sequence[str]) -> bytes:
    """
    Return sixteen bytes for each ID: those of a GUID in small letters, or a digest of another text.

    Graph writes GUIDs in small letters. IDs that differ by case alone are different texts, and so
    stay two records. The GUIDs of a page are packed together, which is ten times as fast as one by
    one.
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
    """Return each of the packed IDs by itself."""
    return [one for (one,) in _each(packed)]


def pick_packed(packed: bytes, places: Sequence[int]) -> bytes:
    """Return the packed IDs at these positions."""
    return b"".join(packed[at * _SIZE : (at + 1) * _SIZE] for at in places)


class IdSet(Protocol):
    """A set of packed IDs that tells which of those added are new."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __contains__(self, packed: bytes) -> bool:
        """Say whether a packed ID is there."""

    def add(self, packed: bytes) -> list[int] | None:
        """
        Add packed IDs; return the positions of those that are new, or None if all are.

        None is the usual case, and saves picking records by position.
        """

    def discard(self, packed: bytes) -> None:
        """Remove a packed ID, if it is there."""


def make_id_set(known_ids: KnownIds | None = KNOWN_IDS) -> IdSet:
    """Return an empty set: the compiled one, if there is one."""
    return PythonIdSet() if known_ids is None else CompiledIdSet(known_ids)


class CompiledIdSet:
    """
    An `IdSet` of tables that the compiled part reads and writes.

    These know no removal: what is removed, which is little, is remembered beside them.

    Args:
        known_ids: The compiled part.
    """

    def __init__(self, known_ids: KnownIds) -> None:
        self._known_ids = known_ids
        self._tables = [bytearray(_SIZE) for _ in range(_TABLES)]
        # Nobody who chooses IDs can choose such as have the same place.
        self._seed = int.from_bytes(os.urandom(8), "big")
        self._in_tables = 0
        self._removed: set[bytes] = set()

    def __len__(self) -> int:
        return self._in_tables - len(self._removed)

    def __contains__(self, packed: bytes) -> bool:
        return packed not in self._removed and self._is_in_tables(packed)

    def add(self, packed: bytes) -> list[int] | None:
        """Do what `IdSet.add` says."""
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
    An `IdSet` for where nothing could be compiled.

    A plain set is fastest and takes 100 bytes an ID. A large one moves into buckets, in each of
    which IDs are joined to one string of bytes; there an ID takes 26.

    Args:
        large: Up to this many IDs stay in a plain set.
        buckets: How many there are at first.
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
        """Do what `IdSet.add` says."""
        each = split_packed(packed)
        if self._buckets:
            return self._put(each)
        page = set(each)
        known = self._plain & page
        self._plain |= page
        fresh = None
        if len(page) < len(each):
            # Within a page, an ID's first place counts.
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
        """Divide each bucket into four, so that the search in one takes no longer than before."""
        count = len(self._buckets)
        buckets = [b""] * (4 * count)
        for place, bucket in enumerate(self._buckets):
            # Each is freed when it is divided, so that both are never there in whole.
            self._buckets[place] = b""
            for one in split_packed(bucket):
                buckets[hash(one) % (4 * count)] += one
        self._buckets = buckets


def _holds(bucket: bytes, packed: bytes) -> bool:
    at = bucket.find(packed)
    while at % _SIZE and at >= 0:
        at = bucket.find(packed, at + 1)
    return at >= 0
