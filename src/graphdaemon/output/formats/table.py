"""Columns of text for a terminal."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import zip_longest

from graphdaemon.output.escape import escape
from graphdaemon.output.fields import Record, decode, make_picker, text_of
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put


class TableWriter:
    """
    Columns of text, cut to the terminal; a Chinese character takes two cells.

    The first page decides how wide each column is. A line has `width` cells, or as many as it
    needs. What a terminal would obey is escaped in a file too: a line break would end the row, and
    the columns could not be aligned by signs that take no cell.
    """

    def __init__(self, stream: Stream, columns: Sequence[str], width: int | None) -> None:
        self._stream = stream
        self._columns = [escape(name) for name in columns]
        self._pick = make_picker(columns)
        self._width = width
        self._widths: list[int] | None = None

    def write(self, records: Sequence[Record]) -> None:
        """Write some rows, before the first of them the head."""
        rows: list[Sequence[str]] = [
            [_shown(value) for value in self._pick(record)] for record in records
        ]
        if not rows:
            return
        if self._widths is None:
            self._widths = _share([self._columns, *rows], self._width)
            rows = [self._columns, ["─" * width for width in self._widths], *rows]
        self._put_rows(rows)

    def finish(self) -> None:
        """Show the head even where there are no rows."""
        if self._widths is None:
            self._widths = [len(name) for name in self._columns]
            self._put_rows([self._columns])
        flush(self._stream)

    def _put_rows(self, rows: Sequence[Sequence[str]]) -> None:
        assert self._widths is not None, "the first page sets the widths"
        lines = [
            "  ".join(_fit(cell, width) for cell, width in zip(row, self._widths, strict=True))
            for row in rows
        ]
        put(self._stream, "".join(line.rstrip() + "\n" for line in lines).encode())


def _shown(value: bytes) -> str:
    if value[:1] == b"[":
        items = decode(value)
        if all(isinstance(item, str) for item in items):
            return escape(", ".join(items))
    return escape(text_of(value) or "")


@cache
def _width(sign: str) -> int:
    # Only a table needs it, and importing it costs every other run 13 ms.
    from wcwidth import wcwidth

    # It answers -1 for signs that no terminal shows.
    return max(0, wcwidth(sign))


def cells_of(text: str) -> int:
    """How many cells of a terminal `text`, which was escaped, takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _fit(text: str, width: int) -> str:
    cells = cells_of(text)
    if cells <= width:
        return text + " " * (width - cells)
    kept, used = "", 0
    for sign in text:
        cells = _width(sign)
        if used + cells > width - 1:
            break
        kept, used = kept + sign, used + cells
    return kept + "…" + " " * (width - 1 - used)


def _share(rows: Iterable[Sequence[str]], width: int | None) -> list[int]:
    """Give each column what it needs, or its share of `width` where that is too much."""
    columns = zip_longest(*rows, fillvalue="")
    needs = [max(cells_of(cell) for cell in column) for column in columns]
    if width is None:
        return needs
    # In fewer than four cells nothing can be read: rather let lines be longer than the terminal.
    room = max(width - 2 * (len(needs) - 1), 4 * len(needs))
    widths = [0] * len(needs)
    # The narrowest first: what they do not use is shared by the wide ones.
    for done, index in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        widths[index] = min(needs[index], room // (len(needs) - done))
        room -= widths[index]
    return widths


FORMAT = Format(
    suffixes=(".txt",),
    make=lambda stream, spec, width: TableWriter(stream, spec.columns, width),
    has_columns=True,
)
