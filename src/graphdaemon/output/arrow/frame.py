"""
Convert records to Arrow tables.

Usually the JSON reader of pyarrow does it. If it refuses a value, each value of all records that
are converted together is converted with `fit`, which takes ten times as long.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from graphdaemon.graph.links import altered
from graphdaemon.graph.property_types import PropertyType
from graphdaemon.listing.record import Corrections
from graphdaemon.output.arrow.columns import OTHER, Columns, make_schema, make_type
from graphdaemon.output.arrow.fit import fit
from graphdaemon.output.arrow.pyarrow_import import (
    load_compute,
    load_json_reader,
    load_pyarrow,
)
from graphdaemon.output.arrow.rest import RestFinder
from graphdaemon.output.fields import NULL, decode, make_picker, read_members, text_of
from graphdaemon.output.formats.ndjson import join_lines

# What a record has besides the selected properties: its ID, and the annotations of Graph.
_BESIDES = ("id", "@odata.type", "@odata.id", "@odata.context", "@odata.etag")

# A time with digits beyond microseconds, which pyarrow refuses. It is matched only after a name,
# because a string may look like a time; within a string, the quotation marks of a name would be
# escaped.
_FINE_TIME = re.compile(
    rb'(?P<kept>"(?P<name>\w{1,99})"\s{0,9}:\s{0,9}"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})'
    rb'\d{1,6}(?P<end>Z")'
)


class Frame:
    """
    Converts records to Arrow tables, all of which have the same schema.

    Attributes:
        columns: The columns.
        schema: The `pyarrow.Schema` of the tables.

    Raises:
        UsageError: pyarrow is not installed.
    """

    def __init__(self, columns: Columns) -> None:
        self._arrow = load_pyarrow()
        self.columns = columns
        self.schema = make_schema(columns)
        self._typed = columns.typed
        self._texts = columns.texts
        self._pick_texts = make_picker(self._texts)
        self._rest = RestFinder(columns) if columns.has_other else None
        typed = [(name, make_type(kind)) for name, kind in self._typed.items()]
        besides = [(name, self._arrow.string()) for name in _BESIDES if name not in columns.types]
        self._lenient_schema = self._arrow.schema(typed)
        self._strict_schema = self._arrow.schema(typed + besides)
        self._times = _list_times(columns)
        # The next records are first read in the way in which the last ones were read.
        self._is_strict = self._rest is not None and not self._texts
        self._trims = False

    def convert(self, records: Sequence[bytes | msgspec.Raw]) -> Any:
        """
        Return the `pyarrow.Table` of some records, each a JSON text.

        Raises:
            OutputError: A value contradicts the type that Microsoft publishes for it.
            GraphError: `page_malformed`, if a record is not valid JSON.
        """
        return self.convert_lines(join_lines([msgspec.Raw(record) for record in records]))

    def convert_lines(self, lines: bytes) -> Any:
        """Return what `convert` returns, of records that are lines, each with its line break."""
        if not lines:
            return self.schema.empty_table()
        lines = _mend(lines)
        with _reading():
            table = self._read(lines)
            if table is None:
                return self._fit(_split(lines))
            if self._rest is None and not self._texts:
                return table
            return self._complete(table, lines)

    def join(self, tables: Sequence[Any], corrections: Corrections) -> Any:
        """
        Return one table of several, with `corrections` applied by the column `id`.

        The corrected records come last.

        Raises:
            OutputError, GraphError: As in `convert`.
        """
        table = self._arrow.concat_tables(tables)
        if not corrections:
            return table
        ids = self._arrow.array(list(corrections), self._arrow.string())
        is_old = load_compute().is_in(table.column("id"), value_set=ids)
        kept = table.filter(load_compute().invert(is_old))
        present = [record for record in corrections.values() if record is not None]
        return self._arrow.concat_tables([kept, self.convert(present)])

    def _read(self, lines: bytes) -> Any:
        """Let pyarrow read the typed columns; return None if it refuses a value."""
        for is_strict, trims in self._list_ways():
            trimmed = _FINE_TIME.sub(self._trim, lines) if trims else lines
            try:
                table = self._parse(trimmed, is_strict=is_strict)
            except self._arrow.ArrowInvalid:
                continue
            if table.num_rows != lines.count(b"\n"):
                raise ValueError("a blank line is no record, and is left out by the reader")
            self._is_strict, self._trims = is_strict, trims
            return table
        return None

    def _list_ways(self) -> Iterator[tuple[bool, bool]]:
        for trims in (True,) if self._trims else (False, True):
            if self._is_strict:
                yield True, trims
            yield False, trims

    def _trim(self, match: re.Match[bytes]) -> bytes:
        is_time = match["name"].decode() in self._times
        return match["kept"] + match["end"] if is_time else match[0]

    def _parse(self, lines: bytes, *, is_strict: bool) -> Any:
        reader = load_json_reader()
        options = reader.ParseOptions(
            explicit_schema=self._strict_schema if is_strict else self._lenient_schema,
            unexpected_field_behavior="error" if is_strict else "ignore",
        )
        # One block for all lines, because a line that is longer than a block would be refused.
        blocks = reader.ReadOptions(block_size=len(lines) + 1, use_threads=False)
        return reader.read_json(io.BytesIO(lines), read_options=blocks, parse_options=options)

    def _complete(self, table: Any, lines: bytes) -> Any:
        """Add to a table the columns that pyarrow cannot read."""
        columns = {name: table.column(name) for name in self._typed}
        records = [] if self._is_strict and not self._texts else _split(lines)
        columns |= self._read_texts(records)
        if self._rest is not None:
            rest = [None] * table.num_rows if not records else map(self._rest.find, records)
            columns[OTHER] = self._make_texts(rest)
        return self._make_table(columns)

    def _read_texts(self, records: Sequence[bytes]) -> dict[str, Any]:
        if not self._texts:
            return {}
        rows = [self._pick_texts(msgspec.Raw(record)) for record in records]
        return {
            name: self._make_texts(map(text_of, values))
            for name, values in zip(self._texts, zip(*rows, strict=True), strict=True)
        }

    def _fit(self, records: Sequence[bytes]) -> Any:
        """Convert each value by itself."""
        members = [read_members(msgspec.Raw(record)) for record in records]
        columns = self._read_texts(records)
        for name, kind in self._typed.items():
            values = [fit(decode(one.get(name, NULL)), kind, name)[0] for one in members]
            columns[name] = self._arrow.array(values, make_type(kind))
        if self._rest is not None:
            columns[OTHER] = self._make_texts(map(self._rest.find, records))
        return self._make_table(columns)

    def _make_texts(self, values: Iterable[str | None]) -> Any:
        return self._arrow.array(list(values), self._arrow.string())

    def _make_table(self, columns: dict[str, Any]) -> Any:
        arrays = [columns[name] for name in self.schema.names]
        return self._arrow.Table.from_arrays(arrays, schema=self.schema)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn errors in the block that come from invalid JSON or UTF-8 into `GraphError`."""
    try:
        yield
    except (msgspec.DecodeError, ValueError):
        raise altered("a page holds something that is no record") from None


def _list_times(columns: Columns) -> frozenset[str]:
    """Return the names that belong only to times, in all columns and all objects in them."""
    simple = set(_list_simple(columns.typed))
    others = {name for name, kind in simple if kind != "time"}
    return frozenset(name for name, kind in simple if kind == "time" and name not in others)


def _list_simple(kind: PropertyType, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name of every simple value within a type, and the type of the value."""
    if isinstance(kind, list):
        yield from _list_simple(kind[0], name)
    elif isinstance(kind, dict):
        for part, inner in kind.items():
            yield from _list_simple(inner, part)
    else:
        yield name, kind


def _split(lines: bytes) -> list[bytes]:
    return lines.split(b"\n")[:-1]


def _mend(lines: bytes) -> bytes:
    """Return `lines` with a replacement character for bytes that are not UTF-8."""
    if lines.isascii():
        return lines
    try:
        str(lines, "utf-8")
    except UnicodeDecodeError:
        return lines.decode("utf-8", "replace").encode()
    return lines
