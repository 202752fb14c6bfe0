"""Keep records on disk until the listing knows which of them have changed or been deleted."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from graphdaemon.listing.record import Corrections
from graphdaemon.output.fields import Record
from graphdaemon.output.formats.ndjson import join_lines
from graphdaemon.output.stream import explaining_failure

# Bytes that are read at once into memory; many, so that the system is called seldom.
_BLOCK = 1 << 20


class Space(Protocol):
    """A place on disk for bytes, such as a file without a name."""

    def write(self, data: bytes, /) -> object:
        """Append all of `data`."""

    def read(self, size: int, offset: int, /) -> bytes:
        """Return up to `size` bytes from `offset` on; empty at the end."""


class _Identified(msgspec.Struct):
    """The ID of a record."""

    id: str = ""


_decode_ids = msgspec.json.Decoder(_Identified).decode_lines


class Spool:
    """
    Keeps records as lines, and returns them in the same order.

    Args:
        space: Where they are kept; the caller closes it.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def write(self, records: Sequence[Record]) -> None:
        """Append some records."""
        with explaining_failure():
            self._space.write(join_lines(records))

    def read(self, corrections: Corrections) -> Iterator[list[Record]]:
        """Yield all records, a block at a time, with `corrections` (by ID) applied."""
        for block in self._blocks():
            lines = block.split(b"\n")[:-1]
            records = [msgspec.Raw(line) for line in lines]
            if corrections:
                pairs = zip(_decode_ids(block), records, strict=True)
                corrected = (corrections.get(key.id, record) for key, record in pairs)
                records = [record for record in corrected if record is not None]
            yield records

    def _blocks(self) -> Iterator[bytes]:
        """Yield whole lines, about a megabyte at a time."""
        offset, rest = 0, b""
        while True:
            with explaining_failure():
                data = self._space.read(_BLOCK, offset)
            if not data:
                break
            offset += len(data)
            whole, line_break, tail = (rest + data).rpartition(b"\n")
            if line_break:
                yield whole + line_break
            rest = tail
        assert not rest, "every record has a line break behind it"
