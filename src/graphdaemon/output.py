"""
Records to a stream: json, ndjson or table, page by page, so that memory stays flat.

A writer's ``finish`` is called only when the listing is complete: JSON that was cut short by an
error stays unclosed, and so cannot be taken for the whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, BinaryIO, Protocol, TextIO

import msgspec

from graphdaemon.errors import OutputClosedError, OutputError

Record = msgspec.Raw


class Writer(Protocol):
    """Writes records; one call a page."""

    def write(self, records: Sequence[Record]) -> None:
        """Write some records."""

    def finish(self) -> None:
        """Write what comes after the last."""


class JsonWriter:
    """One object with ``value``, indented by two, as Microsoft's sample prints it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._separator = b'{\n  "value": [\n    '

    def write(self, records: Sequence[Record]) -> None:
        """Write some elements of ``value``."""
        for record in records:
            # Line breaks inside texts are escaped, so every real one is indentation.
            indented = msgspec.json.format(bytes(record), indent=2).replace(b"\n", b"\n    ")
            _put(self._stream, self._separator + indented)
            self._separator = b",\n    "

    def finish(self) -> None:
        """Close the list and the object."""
        empty = not self._separator.startswith(b",")
        _put(self._stream, b'{\n  "value": []\n}\n' if empty else b"\n  ]\n}\n")
        _flush(self._stream)


class NdjsonWriter:
    """One record a line, byte for byte as Graph sent it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, records: Sequence[Record]) -> None:
        """Write some lines."""
        if records:
            _put(self._stream, b"\n".join([*records, b""]))

    def finish(self) -> None:
        """Make sure the last line is out."""
        _flush(self._stream)


class TableWriter:
    """
    Columns of text, cut to the terminal; a Chinese character takes two cells.

    The first page decides how wide each column is.

    Args:
        stream: Where to.
        columns: Property names.
        width: Cells in a line; None to cut nothing.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[str], width: int | None) -> None:
        self._stream = stream
        self._columns = columns
        self._width = width
        self._widths: list[int] | None = None

    def write(self, records: Sequence[Record]) -> None:
        """Write some rows, before the first of them the head."""
        rows = [self._cells(msgspec.json.decode(record)) for record in records]
        if self._widths is None:
            if not rows:
                return
            self._widths = _share([self._columns, *rows], self._width)
            self._put_row(self._columns)
            self._put_row(["─" * width for width in self._widths])
        for row in rows:
            self._put_row(row)

    def finish(self) -> None:
        """Show the head even where there are no rows."""
        if self._widths is None:
            self._widths = [len(name) for name in self._columns]
            self._put_row(self._columns)
        _flush(self._stream)

    def _cells(self, record: dict[str, Any]) -> list[str]:
        return [_shown(record.get(name)) for name in self._columns]

    def _put_row(self, cells: Sequence[str]) -> None:
        assert self._widths is not None, "the first page sets the widths"
        line = "  ".join(_fit(cell, width) for cell, width in zip(cells, self._widths, strict=True))
        _put(self._stream, line.rstrip().encode() + b"\n")


FORMATS = ("json", "ndjson", "table")


def open_writer(name: str, output: TextIO | None, columns: Sequence[str]) -> Writer:
    """
    Return the writer for one of ``FORMATS``.

    Args:
        name: Which one.
        output: A text stream over bytes, such as ``sys.stdout``: None where a shell closed it.
        columns: What a table shows; it is cut to the terminal, if ``output`` is one.

    Raises:
        OutputError: There is no output.
    """
    if output is None:
        raise OutputError(
            "there is no standard output to write to",
            code="output_failed",
            hint="Leave stdout open, or send it to a file.",
        )
    stream, is_terminal = output.buffer, output.isatty()
    if name == "table":
        width = shutil.get_terminal_size().columns if is_terminal else None
        return TableWriter(stream, columns, width)
    return JsonWriter(stream) if name == "json" else NdjsonWriter(stream)


def _put(stream: BinaryIO, text: bytes) -> None:
    with _noticing_closed_output():
        stream.write(text)


def _flush(stream: BinaryIO) -> None:
    with _noticing_closed_output():
        stream.flush()


@contextmanager
def _noticing_closed_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        raise OutputError(
            f"the output could not be written: {error.strerror}; what is there is not the whole",
            code="output_failed",
            hint="Make room, or write elsewhere, and run it again.",
        ) from error


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _printable(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _printable(", ".join(value))
    return _printable(msgspec.json.encode(value).decode())


def _printable(text: str) -> str:
    # A name may hold an escape sequence or a writing-direction override: neither may reach the
    # terminal. Joiners stay, Arabic and Indic scripts need them.
    if text.isprintable():
        return text
    keep = "\u200c\u200d"
    return "".join(sign if sign.isprintable() or sign in keep else "\ufffd" for sign in text)


def _width(sign: str) -> int:
    # Only a table needs it, and importing it costs every other run 13 ms.
    from wcwidth import wcwidth

    return max(0, wcwidth(sign))


def _cells_of(text: str) -> int:
    return sum(map(_width, text))


def _fit(text: str, width: int) -> str:
    cells = _cells_of(text)
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
    """Give each column what it needs, or its share of ``width`` where that is too much."""
    columns = zip_longest(*rows, fillvalue="")
    wanted = [max(_cells_of(cell) for cell in column) for column in columns]
    if width is None:
        return wanted
    left = max(width - 2 * (len(wanted) - 1), 4 * len(wanted))
    widths = [0] * len(wanted)
    # The narrowest first: what they do not use is shared by the wide ones.
    for done, index in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        widths[index] = min(wanted[index], left // (len(wanted) - done))
        left -= widths[index]
    return widths
