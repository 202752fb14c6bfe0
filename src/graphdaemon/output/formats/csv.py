"""CSV as RFC 4180 has it, which a spreadsheet may open without running what is in it."""

import re
from collections.abc import Sequence

from graphdaemon.output.escape import escape
from graphdaemon.output.fields import NULL, Record, make_picker, text_of
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put

# What makes spreadsheets read a text as a formula (OWASP, "CSV Injection"), the full-width forms
# included; whatever apostrophes stand before it, so that one taken off gives the text again.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# A row in which nothing has to be quoted, guarded or decoded, which is nearly every one.
_PLAIN_CELL = rb"""(?:"(?![=+\-@'\xef])[^"\\,;\x00-\x1f]+"|[-+.0-9Ea-z]*)"""
_PLAIN = re.compile(_PLAIN_CELL + rb"(?:," + _PLAIN_CELL + rb")*")
# Beyond RFC 4180 what splits a line where a spreadsheet's locale has another separator.
_QUOTED = re.compile(r'[",;\t\r\n]')


class CsvWriter:
    """
    A head and a line for each record, ending in CR LF.

    `null` is nothing at all, an empty text two quotes, anything nested JSON. `raw_cells` leaves
    texts that a spreadsheet would read as a formula as they are, and `bom` begins with the byte
    order mark without which Excel takes UTF-8 for something else. On a terminal (`is_shown`) a
    record is one line, since a text could pretend to be the next one.
    """

    def __init__(
        self,
        stream: Stream,
        columns: Sequence[str],
        *,
        raw_cells: bool = False,
        bom: bool = False,
        is_shown: bool = False,
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._pick = make_picker(columns)
        self._raw_cells = raw_cells
        self._is_shown = is_shown
        self._mark = "\ufeff".encode() if bom else b""
        self._has_head = False

    def write(self, records: Sequence[Record]) -> None:
        """Write some lines."""
        lines = [self._line(self._pick(record)) for record in records]
        if lines:
            put(self._stream, _mend(b"".join([*self._head(), *lines])))

    def finish(self) -> None:
        """Write the head even where there are no records."""
        put(self._stream, b"".join(self._head()))
        flush(self._stream)

    def _head(self) -> list[bytes]:
        if self._has_head:
            return []
        self._has_head = True
        return [self._mark, _join([self._quote(name) for name in self._columns])]

    def _line(self, values: Sequence[bytes]) -> bytes:
        row = b",".join([b"" if value == NULL else value for value in values])
        if row and _PLAIN.fullmatch(row):
            return row.replace(b'"', b"") + b"\r\n"
        return _join([self._cell(value) for value in values])

    def _cell(self, value: bytes) -> str:
        text = text_of(value)
        if text is None:
            return ""
        return self._quote(text) if value[:1] in b'"[{' else text

    def _quote(self, text: str) -> str:
        if not self._raw_cells and _FORMULA.match(text):
            text = f"'{text}"
        if self._is_shown:
            text = escape(text)
        if not text or _QUOTED.search(text):
            return '"' + text.replace('"', '""') + '"'
        return text


def _join(cells: Sequence[str]) -> bytes:
    # One empty cell would be an empty line, which readers skip.
    line = '""' if cells == [""] else ",".join(cells)
    return f"{line}\r\n".encode()


def _mend(data: bytes) -> bytes:
    """`data` with a replacement character for each byte that is no UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


FORMAT = Format(
    suffixes=(".csv",),
    make=lambda stream, spec, width: CsvWriter(
        stream,
        spec.columns,
        raw_cells=spec.raw_cells,
        bom=spec.bom,
        is_shown=width is not None,
    ),
    has_columns=True,
)
