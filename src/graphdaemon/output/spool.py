"""Records put aside until it is known which of them hold."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from graphdaemon.listing.record import Corrections
from graphdaemon.output.fields import Record
from graphdaemon.output.formats.ndjson import join_lines
from graphdaemon.output.stream import explaining_failure

_BLOCK = 1 << 20


class Space(Protocol):
    """Room for bytes."""

    def write(self, data: bytes, /) -> object:
        """Add all of `data`."""

    def read(self, size: int, offset: int, /) -> bytes:
        """What was written at `offset`, as much of `size` as there is; empty at the end."""


class Identified(msgspec.Struct):
    """All that is looked at in a record to know which it is."""

    id: str = ""


_decode_ids = msgspec.json.Decoder(Identified).decode_lines


class Spool:
    """
    Records in the order they came, one a line, to be read again.

    Args:
        space: Where they are kept; whoever opened it closes it.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def write(self, records: Sequence[Record]) -> None:
        """Put some aside."""
        with explaining_failure():
            self._space.write(join_lines(records))

    def read(self, corrections: Corrections) -> Iterator[list[Record]]:
        """Give them back, as they are after `corrections`."""
        for block in self._blocks():
            lines = block.split(b"\n")[:-1]
            records = [msgspec.Raw(line) for line in lines]
            if corrections:
                ids = [one.id for one in _decode_ids(block)]
                if not corrections.keys().isdisjoint(ids):
                    records = correct(records, ids, corrections)
            yield records

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, a megabyte or so at a time."""
        offset, rest = 0, b""
        while data := self._read(offset):
            offset += len(data)
            whole, found, tail = (rest + data).rpartition(b"\n")
            if found:
                yield whole + found
            rest = tail
        assert not rest, "every record has a line break behind it"

    def _read(self, offset: int) -> bytes:
        with explaining_failure():
            return self._space.read(_BLOCK, offset)


def correct(
    records: Sequence[Record], ids: Sequence[str], corrections: Corrections
) -> list[Record]:
    """The records as they are after `corrections`, without those that are gone."""
    corrected = (corrections.get(id_, record) for id_, record in zip(ids, records, strict=True))
    return [record for record in corrected if record is not None]
