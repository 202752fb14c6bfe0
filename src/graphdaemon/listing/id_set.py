"""The set of IDs that a listing has met: sixteen bytes each, so that a million fit into 30 MB."""

import binascii
import hashlib
import struct
from collections.abc import Iterator, Sequence

# A million IDs make 16 to a bucket, which are searched as fast as one.
_BUCKETS = 1 << 16
_each = struct.Struct("16s").iter_unpack


def pack_ids(ids: Sequence[str]) -> list[bytes]:
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
            packed = binascii.unhexlify(joined.encode().translate(None, b"-"))
        except ValueError:
            pass
        else:
            return [one for (one,) in _each(packed)]
    if count > 1:
        return [pack_ids((one,))[0] for one in ids]
    return [hashlib.blake2b(one.encode(), digest_size=16).digest() for one in ids]


class IdSet:
    """
    A set of packed IDs that tells which of those added are new.

    A plain set is fastest and takes 100 bytes an ID. A large one moves into buckets, in each of
    which IDs are joined to one string of bytes; there an ID takes 26.

    Args:
        large: Up to this many IDs stay in a plain set.
    """

    def __init__(self, large: int = 200_000) -> None:
        self._large = large
        self._plain: set[bytes] = set()
        self._buckets: list[bytes] = []
        self._bucketed = 0

    def __len__(self) -> int:
        return len(self._plain) + self._bucketed

    def __contains__(self, packed: bytes) -> bool:
        if not self._buckets:
            return packed in self._plain
        return _holds(self._buckets[hash(packed) % _BUCKETS], packed)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._plain
        for bucket in self._buckets:
            for (packed,) in _each(bucket):
                yield packed

    def add(self, packed: Sequence[bytes]) -> list[int] | None:
        """
        Add `packed`; return the positions of those that are new, or None if all are.

        None is the usual case, and saves picking records by position.
        """
        if self._buckets:
            return self._put(packed)
        page = set(packed)
        known = self._plain & page
        self._plain |= page
        fresh = None
        if len(page) < len(packed):
            # Within a page, an ID's first place counts.
            first = {one: at for at, one in reversed([*enumerate(packed)])}
            fresh = sorted(at for one, at in first.items() if one not in known)
        elif known:
            fresh = [at for at, one in enumerate(packed) if one not in known]
        if len(self._plain) > self._large:
            self._move()
        return fresh

    def discard(self, packed: bytes) -> None:
        """Remove `packed`, if it is there."""
        if not self._buckets:
            self._plain.discard(packed)
        elif packed in self:
            place = hash(packed) % _BUCKETS
            kept = [one for (one,) in _each(self._buckets[place]) if one != packed]
            self._buckets[place] = b"".join(kept)
            self._bucketed -= 1

    def _put(self, packed: Sequence[bytes]) -> list[int] | None:
        buckets, known = self._buckets, set()
        for at, one in enumerate(packed):
            place = hash(one) % _BUCKETS
            bucket = buckets[place]
            # The first test is fast, but may match across two joined IDs; the second is exact.
            if one in bucket and _holds(bucket, one):
                known.add(at)
            else:
                buckets[place] = bucket + one
        self._bucketed += len(packed) - len(known)
        return [at for at in range(len(packed)) if at not in known] if known else None

    def _move(self) -> None:
        self._buckets = [b""] * _BUCKETS
        plain, self._plain = self._plain, set()
        self._put(list(plain))


def _holds(bucket: bytes, packed: bytes) -> bool:
    at = bucket.find(packed)
    while at % 16 and at >= 0:
        at = bucket.find(packed, at + 1)
    return at >= 0
