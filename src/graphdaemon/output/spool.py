"""Records that wait on disk until the listing knows which of them still exist."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from graphdaemon.listing.record import Corrections
from graphdaemon.output.fields import Record
from graphdaemon.output.formats.ndjson import join_lines
from graphdaemon.output.stream import explaining_failure

_BLOCK = 1 << 20


class Space(Protocol):
    """A place on disk for bytes, such as a file without a name."""

    def write(self, data: bytes, /) -> object:
        """Add all of `data`."""

    def read(self, size: int, offset: int, /) -> bytes:
        """Return up to `size` bytes from `offset` on; nothing at the end."""


class Identified(msgspec.Struct):
    """The one property that tells records apart."""

    id: str = ""


_decode_ids = msgspec.json.Decoder(Identified).decode_lines


class Spool:
    """
    Records in the order in which they came, one a line, to be read again at the end.

    Args:
        space: Where they are kept. Whoever opened it closes it.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def write(self, records: Sequence[Record]) -> None:
        """Append these records."""
        with explaining_failure():
            self._space.write(join_lines(records))

    def read(self, corrections: Corrections) -> Iterator[list[Record]]:
        """Yield all records, a block at a time, with `corrections` applied."""
        for block in self._blocks():
            lines = block.split(b"\n")[:-1]
            records = [msgspec.Raw(line) for line in lines]
            if corrections:
                ids = [one.id for one in _decode_ids(block)]
                if not corrections.keys().isdisjoint(ids):
                    records = correct(records, ids, corrections)
            yield records

    def _blocks(self) -> Iterator[bytes]:
        """Yield whole lines, about a megabyte at a time."""
        offset, rest = 0, b""
        while data := self._read(offset):
            offset += len(data)
            whole, line_break, tail = (rest + data).rpartition(b"\n")
            if line_break:
                yield whole + line_break
            rest = tail
        assert not rest, "every record has a line break behind it"

    def _read(self, offset: int) -> bytes:
        with explaining_failure():
            return self._space.read(_BLOCK, offset)


def correct(
    records: Sequence[Record], ids: Sequence[str], corrections: Corrections
) -> list[Record]:
    """Return the records with `corrections` applied: changed ones as they are, no deleted ones."""
    corrected = (corrections.get(id_, record) for id_, record in zip(ids, records, strict=True))
    return [record for record in corrected if record is not None]
