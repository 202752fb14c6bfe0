"""CSV as RFC 4180 has it, which a spreadsheet may open without running what is in it."""

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

# What makes spreadsheets read a text as a formula (OWASP, "CSV Injection"), the full-width forms
# included; whatever apostrophes stand before it, so that one taken off gives the text again.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
# The signs of which some cell that has to be quoted has one, and those that a formula begins with.
_QUOTING_SIGNS = '",;\t\r\n'
_FORMULA_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
# Stands between the cells of a column while they are looked at together.
_GAP = "\x1f"
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
        write_compiled: WriteCsv | None = WRITE_CSV,
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._names = tuple(name.encode("utf-8", "surrogatepass") for name in columns)
        # A terminal is read by people, who are slower, and a value has one column there.
        has_compiled = not is_shown and len(set(columns)) == len(columns)
        self._write_compiled = write_compiled if has_compiled else None
        self._pick = make_picker(columns)
        self._read_columns = _make_column_reader(columns)
        self._raw_cells = raw_cells
        self._is_shown = is_shown
        self._mark = "\ufeff".encode() if bom else b""
        self._has_head = False

    def write(self, records: Sequence[Record]) -> None:
        """Write some lines."""
        if records:
            put(self._stream, b"".join([*self._head(), self._write_lines(records)]))

    def finish(self) -> None:
        """Write the head even where there are no records."""
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
        """Return the cells of one column, which has texts and None, or JSON."""
        if isinstance(values[0], msgspec.Raw):
            return _write_json(values) or [self._cell(bytes(value)) for value in values]
        texts = ["" if value is None else value for value in values]
        together = _GAP + _GAP.join(texts)
        if "" in values or any(sign in together for sign in _QUOTING_SIGNS):
            # In most columns that have to be quoted, the same few texts come again and again.
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
    # One empty cell would be an empty line, which readers skip.
    line = '""' if cells == [""] else ",".join(cells)
    return f"{line}\r\n".encode()


def _mark_formulas(texts: list[str], together: str) -> list[str]:
    """Put an apostrophe before each formula; `together` has a gap before each of the texts."""
    if f"{_GAP}'" in together or together.count(_GAP) != len(texts):
        return [f"'{text}" if _FORMULA.match(text) else text for text in texts]
    marked = together
    # To look for one sign takes a tenth as long as to look for two.
    for sign in (sign for sign in _FORMULA_SIGNS if sign in together):
        marked = marked.replace(f"{_GAP}{sign}", f"{_GAP}'{sign}")
    return texts if marked is together else marked[1:].split(_GAP)


def _write_json(values: Sequence[msgspec.Raw]) -> list[str] | None:
    """Return the cells of values that are no texts; None where some are, or are not UTF-8."""
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
    # What stands between the cells is in no JSON, where such a sign is escaped.
    assert len(cells) == len(values), "JSON has no such sign"
    return [
        f'"{cell}"' if '"' in cell or "," in cell else "" if cell == "null" else cell
        for cell in cells
    ]


def _make_column_reader(
    columns: Sequence[str],
) -> Callable[[Sequence[Record]], list[Sequence[Any]] | None]:
    """
    Return the function that gives the values of records, column by column.

    A column has texts and None for `null` as long as it is nothing else; from then on it has JSON.
    The function returns None for records that are no objects, or not UTF-8.
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
    """Return the field that a message of msgspec's is about, which ends in `$[0].mail`."""
    path = message.rpartition("`$[")[2].partition("].")[2].removesuffix("`")
    return next((field for field, name in names.items() if name == path), None)


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
