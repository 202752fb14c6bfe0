"""
Records in an order, however many there are: sorted in parts, which are then merged.

The order is that of `null` (or absent), false, true, numbers by value, texts by code point, and
anything nested by its JSON; equal ones by ID, and equal IDs as they came. So two listings of the
same directory give the same bytes.
"""

import heapq
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from graphdaemon.listing.record import Corrections
from graphdaemon.output.fields import NULL, Record, make_picker, text_of
from graphdaemon.output.spool import Space
from graphdaemon.output.stream import explaining_failure

Key = tuple[int, Any, str]
_Row = tuple[Key, bytes]
_key_of = operator.itemgetter(0)

# How much is sorted in memory at once: each doubling halves the parts that are merged at the end.
_PART = 8 << 20
_BATCH = 1000
# Each record has its length before it, since line breaks may stand between its tokens.
_LENGTH = 4

# Digits of an integer that is compared as one; longer ones are beyond any float, and endless.
_LONGEST_INTEGER = 400


class Sorter:
    """
    Keeps records and gives them back in order; memory does not grow with their number.

    They are sorted by the property `name`, `part` bytes at once, and kept in `space`, which whoever
    opened it closes.
    """

    def __init__(self, space: Space, name: str, *, part: int = _PART) -> None:
        self._space = space
        self._key = make_key(name)
        self._part = part
        self._rows: list[_Row] = []
        self._size = 0
        self._end = 0
        self._parts: list[tuple[int, int]] = []

    def write(self, records: Sequence[Record]) -> None:
        """Keep these records."""
        for record in records:
            self._rows.append((self._key(record), bytes(record)))
            self._size += len(self._rows[-1][1])
        if self._size >= self._part:
            self._spill()

    def read(self, corrections: Corrections) -> Iterator[list[Record]]:
        """Yield all records in order, with `corrections` applied."""
        runs = [self._run(*part) for part in self._parts]
        kept = heapq.merge(*runs, sorted(self._rows, key=_key_of), key=_key_of)
        if corrections:
            late = [record for record in corrections.values() if record is not None]
            new = sorted([(self._key(record), bytes(record)) for record in late], key=_key_of)
            old = (row for row in kept if row[0][2] not in corrections)
            kept = heapq.merge(old, new, key=_key_of)
        while batch := [msgspec.Raw(text) for _, text in itertools.islice(kept, _BATCH)]:
            yield batch

    def _spill(self) -> None:
        start = self._end
        texts = [text for _, text in sorted(self._rows, key=_key_of)]
        part = b"".join([len(text).to_bytes(_LENGTH, "big") + text for text in texts])
        with explaining_failure():
            self._space.write(part)
        self._end += len(part)
        self._parts.append((start, self._end))
        self._rows, self._size = [], 0

    def _run(self, start: int, end: int) -> Iterator[_Row]:
        """Yield the rows of one sorted part, read piece by piece."""
        # All parts are open at once: the more there are, the smaller the pieces.
        piece = max(1 << 14, self._part // (len(self._parts) + 1))
        held = b""
        while start < end or held:
            while len(held) < _LENGTH or len(held) < _LENGTH + int.from_bytes(held[:_LENGTH]):
                with explaining_failure():
                    data = self._space.read(min(piece, end - start), start)
                assert data, "what was written can be read"
                held, start = held + data, start + len(data)
            position = 0
            while position + _LENGTH <= len(held):
                stop = position + _LENGTH + int.from_bytes(held[position : position + _LENGTH])
                if stop > len(held):
                    break
                text = held[position + _LENGTH : stop]
                yield self._key(msgspec.Raw(text)), text
                position = stop
            held = held[position:]


def make_key(name: str) -> Callable[[Record], Key]:
    """Return the function that gives the sort key of a record, for the property `name`."""
    pick = make_picker((name, "id") if name != "id" else ("id",))

    def key(record: Record) -> Key:
        values = pick(record)
        kind, value = _rank(values[0])
        return kind, value, text_of(values[-1]) or ""

    return key


def _rank(value: bytes) -> tuple[int, Any]:
    first = value[:1]
    if first == b'"':
        return 3, text_of(value)
    if first in b"[{":
        return 4, text_of(value)
    if first in b"tf":
        return 1, first == b"t"
    if value == NULL:
        return 0, 0
    # Not msgspec, which refuses 1e400; and Python refuses integers of 4,300 digits.
    is_exact = len(value) <= _LONGEST_INTEGER and value.lstrip(b"-").isdigit()
    return 2, int(value) if is_exact else float(value)
