"""Collect pages until there are enough records for a table, so that memory does not grow."""

from collections.abc import Sequence
from typing import Any

from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.fields import Record
from graphdaemon.output.formats.ndjson import join_lines

# The size of a table, which becomes a row group of Parquet. Small row groups are read slowly, and
# large ones take much memory.
_ROWS = 20_000
_BYTES = 16 << 20


class Gatherer:
    """Makes Arrow tables of pages: each has about 20,000 rows, or fewer if they exceed 16 MB."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._pages: list[bytes] = []
        self._rows = 0
        self._size = 0

    @property
    def rows(self) -> int:
        """How many records are kept."""
        return self._rows

    def add(self, records: Sequence[Record]) -> bool:
        """Keep some records; return whether there are now enough for a table."""
        page = join_lines(records) if records else b""
        self._pages.append(page)
        self._rows += len(records)
        self._size += len(page)
        return self._rows >= _ROWS or self._size >= _BYTES

    def make(self) -> Any:
        """
        Return the kept records as a `pyarrow.Table`, and forget them.

        Raises:
            OutputError, GraphError: As in `Frame.convert`.
        """
        lines = b"".join(self._pages)
        self._pages, self._rows, self._size = [], 0, 0
        return self._frame.convert_lines(lines)
