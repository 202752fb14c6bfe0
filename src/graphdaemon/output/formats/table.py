"""A table: columns of text for a terminal."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import zip_longest

from graphdaemon.output.escape import escape
from graphdaemon.output.fields import Record, decode, make_picker, text_of
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put


class TableWriter:
    """
    Writes aligned columns of text.

    The first page determines the widths of the columns. Control characters are escaped in a file,
    too, because a line break would end the row, and characters without a width would break the
    alignment.

    Args:
        stream: Where the lines go.
        columns: The names of the properties.
        width: The width of a line in character cells, to which it is cut; None for no limit. A
            Chinese character takes two cells.
    """

    def __init__(self, stream: Stream, columns: Sequence[str], width: int | None) -> None:
        self._stream = stream
        self._columns = [escape(name) for name in columns]
        self._pick = make_picker(columns)
        self._width = width
        self._widths: list[int] | None = None

    def write(self, records: Sequence[Record]) -> None:
        """Write some rows, and the header line before the first of them."""
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
        """Write the header line if there were no rows, and flush the stream."""
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
    # Imported here, because it takes 13 ms, and only tables need it.
    from wcwidth import wcwidth

    # It returns -1 for characters that no terminal shows.
    return max(0, wcwidth(sign))


def cells_of(text: str) -> int:
    """Return how many character cells of a terminal the escaped `text` takes."""
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
    """Return the width of each column: what it needs, or its share of `width` if that is less."""
    columns = zip_longest(*rows, fillvalue="")
    needs = [max(cells_of(cell) for cell in column) for column in columns]
    if width is None:
        return needs
    # Columns of fewer than four cells cannot be read, so lines may become longer than the terminal.
    room = max(width - 2 * (len(needs) - 1), 4 * len(needs))
    widths = [0] * len(needs)
    # The narrowest columns come first, so that the wide ones share what these do not need.
    for done, index in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        widths[index] = min(needs[index], room // (len(needs) - done))
        room -= widths[index]
    return widths


FORMAT = Format(
    suffixes=(".txt",),
    make=lambda stream, spec, width: TableWriter(stream, spec.columns, width),
    has_columns=True,
)
