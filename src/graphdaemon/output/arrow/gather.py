"""Pages gathered until there are enough for a table, so that memory stays flat."""

from collections.abc import Sequence
from typing import Any

from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.fields import Record
from graphdaemon.output.formats.ndjson import join_lines

# A row group of Parquet is as large; smaller ones are read slowly, larger ones take memory.
_ROWS = 20_000
_BYTES = 16 << 20


class Gatherer:
    """Makes tables of pages, of some ten thousand rows each."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._pages: list[bytes] = []
        self._rows = 0
        self._size = 0

    @property
    def rows(self) -> int:
        """How many records wait."""
        return self._rows

    def add(self, records: Sequence[Record]) -> bool:
        """Keep some records; return whether those that are kept are enough for a table."""
        page = join_lines(records) if records else b""
        self._pages.append(page)
        self._rows += len(records)
        self._size += len(page)
        return self._rows >= _ROWS or self._size >= _BYTES

    def make(self) -> Any:
        """
        Return the `pyarrow.Table` of what is kept, and keep nothing of it.

        Raises:
            OutputError, GraphError: As `Frame.convert` does.
        """
        lines = b"".join(self._pages)
        self._pages, self._rows, self._size = [], 0, 0
        return self._frame.convert_lines(lines)
