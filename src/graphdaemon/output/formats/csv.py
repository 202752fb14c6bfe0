"""CSV by RFC 4180, with cells that a spreadsheet does not execute as formulas."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from graphdaemon.graph.compiled import WRITE_CSV, WriteCsv
from graphdaemon.graph.lines import Lines
from graphdaemon.output.escape import escape
from graphdaemon.output.fields import NULL, Record, make_picker, text_of
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put

# A text that spreadsheets may read as a formula (OWASP, "CSV Injection"), full-width forms
# included. A text with apostrophes before that counts, too, so that removing one apostrophe always
# restores the original text.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# Characters that make it necessary to quote a cell, and characters with which a formula begins.
_QUOTING_SIGNS = '",;\t\r\n'
_FORMULA_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
# Separates the cells of a column while they are processed together.
_GAP = "\x1f"
# Besides the characters of RFC 4180, those at which a spreadsheet may split a line in some locales.
_QUOTED = re.compile(r'[",;\t\r\n]')


class CsvWriter:
    """
    Writes a header line, and a line for each record; each line ends with CR LF.

    `null` becomes an empty cell, an empty string two quotation marks, and an object or a list its
    JSON.

    Args:
        stream: Where the lines go.
        columns: The names of the properties.
        raw_cells: Whether texts that a spreadsheet would read as a formula are written unchanged,
            instead of with an apostrophe before them.
        bom: Whether to begin with the byte order mark, without which Excel does not read UTF-8.
        is_shown: Whether the output is a terminal. Then line breaks and control characters in
            texts are escaped, so that a text cannot look like the next line.
        write_compiled: The compiled form; None to use the Python code alone.
    """

    def __init__(
        self,
        stream: Stream,
        columns: Sequence[str],
        *,
        raw_cells: bool = False,
        bom: bool = False,
        is_shown: bool = False,
        write_compiled: WriteCsv | None = WRITE_CSV,
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._names = tuple(name.encode("utf-8", "surrogatepass") for name in columns)
        # The compiled form cannot escape for a terminal, nor write a property into two columns.
        has_compiled = not is_shown and len(set(columns)) == len(columns)
        self._write_compiled = write_compiled if has_compiled else None
        self._pick = make_picker(columns)
        self._read_columns = _make_column_reader(columns)
        self._raw_cells = raw_cells
        self._is_shown = is_shown
        self._mark = "\ufeff".encode() if bom else b""
        self._has_head = False

    def write(self, records: Sequence[Record]) -> None:
        """Write a line for each of some records."""
        if records:
            put(self._stream, b"".join([*self._head(), self._write_lines(records)]))

    def finish(self) -> None:
        """Write the header line if there were no records, and flush the stream."""
        put(self._stream, b"".join(self._head()))
        flush(self._stream)

    def _head(self) -> list[bytes]:
        if self._has_head:
            return []
        self._has_head = True
        return [self._mark, _join([self._quote(name) for name in self._columns])]

    def _write_lines(self, records: Sequence[Record]) -> bytes:
        if self._write_compiled is not None and isinstance(records, Lines):
            lines = self._write_compiled(records.text, self._names, self._raw_cells)
            if lines is not None:
                return lines
        columns = None if self._is_shown else self._read_columns(records)
        if columns is None:
            return _mend(b"".join([self._line(self._pick(record)) for record in records]))
        cells = [self._write_column(column) for column in columns]
        if len(cells) == 1:
            return b"".join(_join([cell]) for cell in cells[0])
        return ("\r\n".join(map(",".join, zip(*cells, strict=True))) + "\r\n").encode()

    def _line(self, values: Sequence[bytes]) -> bytes:
        return _join([self._cell(value) for value in values])

    def _write_column(self, values: Sequence[Any]) -> Sequence[str]:
        """Return the cells of a column, whose values are either strings and None, or all JSON."""
        if isinstance(values[0], msgspec.Raw):
            return _write_json(values) or [self._cell(bytes(value)) for value in values]
        texts = ["" if value is None else value for value in values]
        together = _GAP + _GAP.join(texts)
        if "" in values or any(sign in together for sign in _QUOTING_SIGNS):
            # Columns that have to be quoted mostly have the same few texts many times.
            quoted = {value: self._quote(value) for value in set(values) if value is not None}
            return [quoted.get(value, "") for value in values]
        return texts if self._raw_cells else _mark_formulas(texts, together)

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
    # A line with a single empty cell would be empty, and readers skip such lines.
    line = '""' if cells == [""] else ",".join(cells)
    return f"{line}\r\n".encode()


def _mark_formulas(texts: list[str], together: str) -> list[str]:
    """Put an apostrophe before each formula; `together` has all texts, each after a `_GAP`."""
    if f"{_GAP}'" in together or together.count(_GAP) != len(texts):
        return [f"'{text}" if _FORMULA.match(text) else text for text in texts]
    marked = together
    # Searching for one character takes a tenth of the time of searching for two.
    for sign in (sign for sign in _FORMULA_SIGNS if sign in together):
        marked = marked.replace(f"{_GAP}{sign}", f"{_GAP}'{sign}")
    return texts if marked is together else marked[1:].split(_GAP)


def _write_json(values: Sequence[msgspec.Raw]) -> list[str] | None:
    """Return the cells of JSON values; None if one of them is a string, or not UTF-8."""
    data = b"[" + b",".join(values) + b"]"
    compact = msgspec.json.format(data, indent=-1)
    if len(compact) != len(data):
        values = msgspec.json.decode(compact, type=list[msgspec.Raw])
    gap = _GAP.encode()
    together = gap + gap.join(values)
    if gap + b'"' in together:
        return None
    try:
        cells = together.decode().replace('"', '""').split(_GAP)[1:]
    except UnicodeDecodeError:
        return None
    # `_GAP` cannot occur within the values, because JSON escapes control characters.
    assert len(cells) == len(values), "JSON has no such sign"
    return [
        f'"{cell}"' if '"' in cell or "," in cell else "" if cell == "null" else cell
        for cell in cells
    ]


def _make_column_reader(
    columns: Sequence[str],
) -> Callable[[Sequence[Record]], list[Sequence[Any]] | None]:
    """
    Return a function that returns the values of records, column by column.

    A column has strings, and None for `null`, until a value of another kind occurs in it; from then
    on, its values are JSON. The function returns None if a record is not an object, or not UTF-8.
    """
    # The fields are numbered, because not every property has the name of a Python variable.
    fields = [f"field{index}" for index in range(len(columns))]
    rename = dict(zip(fields, columns, strict=True))
    texts = dict.fromkeys(fields, True)
    null = msgspec.Raw(NULL)

    def make_decoder() -> Callable[[bytes], list[Any]]:
        kinds: list[tuple[str, Any, Any]] = [
            (field, str | None, None) if is_text else (field, msgspec.Raw, null)
            for field, is_text in texts.items()
        ]
        struct = msgspec.defstruct("Row", kinds, rename=rename, gc=False)
        return msgspec.json.Decoder(list[struct]).decode  # type: ignore[valid-type]  # made just now

    try:
        decode = make_decoder()
    except ValueError:
        # Quotation marks, backslashes and control characters are in no field's name.
        return lambda _: None

    def read(records: Sequence[Record]) -> list[Sequence[Any]] | None:
        nonlocal decode
        joined = records.join(b",") if isinstance(records, Lines) else b",".join(records)
        data = b"[" + joined + b"]"
        while True:
            try:
                rows = decode(data)
            except msgspec.ValidationError as error:
                field = _find_field(str(error), rename)
                if field is None or not texts[field]:
                    return None
                texts[field] = False
                decode = make_decoder()
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
            else:
                return list(zip(*map(msgspec.structs.astuple, rows), strict=True))

    return read


def _find_field(message: str, names: Mapping[str, str]) -> str | None:
    """Return the field that a message of msgspec names at its end, as in `$[0].mail`."""
    path = message.rpartition("`$[")[2].partition("].")[2].removesuffix("`")
    return next((field for field, name in names.items() if name == path), None)


def _mend(data: bytes) -> bytes:
    """Return `data` with a replacement character for bytes that are not UTF-8."""
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
