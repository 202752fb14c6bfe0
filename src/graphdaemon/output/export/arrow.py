"""Records as Arrow has them: a schema of real types, and the records of a batch in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from graphdaemon.errors import OutputError
from graphdaemon.graph.property_types import PropertyType, find_types, holds_any
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from graphdaemon.output.formats.parquet import load_json_reader, load_pyarrow
from graphdaemon.store.current import CurrentRecord
from graphdaemon.store.rows import Position

# Arrow's times have microseconds; Graph's may have a seventh digit, and more.
_FINE_TIME = re.compile(rb'("\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d{1,6}(Z")')


class Frame:
    """
    The columns of an exported collection: `tenant`, `id`, `valid_from`, and its properties.

    Attributes:
        schema: The schema in Arrow.

    Raises:
        UsageError: pyarrow is not installed.
    """

    def __init__(self, collection: StoredCollection, names: Sequence[str]) -> None:
        self._arrow, _ = load_pyarrow()
        others = tuple(name for name in names if name != "id")
        types = find_types(collection, others)
        # What may be any JSON is written as its text.
        self._texts = frozenset(name for name, kind in types.items() if holds_any(kind))
        own: dict[str, PropertyType] = {"tenant": "text", "id": "text", "valid_from": "time"}
        fields = own | {
            name: "text" if name in self._texts else kind for name, kind in types.items()
        }
        self.schema = self._arrow.schema(
            [(name, _make_type(self._arrow, kind)) for name, kind in fields.items()]
        )

    def convert(self, records: Iterable[CurrentRecord]) -> Any:
        """
        Return the table of some records; one that is gone has its ID alone.

        Raises:
            OutputError: A value does not fit the type that Microsoft publishes for it.
        """
        lines = b"\n".join(map(self._write_line, records))
        if not lines:
            return self.schema.empty_table()
        try:
            return self._read(lines)
        except self._arrow.ArrowInvalid:
            return self._read_again(_FINE_TIME.sub(rb"\1\2", lines))

    def read_batches(self, records: Iterable[list[CurrentRecord]]) -> Iterator[Any]:
        """Yield the record batches of all records."""
        for some in records:
            yield from self.convert(some).to_batches()

    def _write_line(self, record: CurrentRecord) -> bytes:
        own = msgspec.json.encode(
            {"tenant": record.tenant_id, "id": record.id, "valid_from": record.valid_from or None}
        )
        if record.document is None:
            return own
        fields = msgspec.json.decode(record.document, type=dict[str, msgspec.Raw])
        fields.pop("id", None)
        for name in self._texts & fields.keys():
            if bytes(fields[name]) != b"null":
                fields[name] = msgspec.Raw(msgspec.json.encode(bytes(fields[name]).decode()))
        rest = msgspec.json.encode(fields)
        return own if rest == b"{}" else own[:-1] + b"," + rest[1:]

    def _read(self, lines: bytes) -> Any:
        import io

        reader = load_json_reader()
        options = reader.ParseOptions(
            explicit_schema=self.schema, unexpected_field_behavior="ignore"
        )
        # One block: a line that is longer than a block would be refused.
        blocks = reader.ReadOptions(block_size=len(lines) + 1, use_threads=False)
        return reader.read_json(io.BytesIO(lines), read_options=blocks, parse_options=options)

    def _read_again(self, lines: bytes) -> Any:
        try:
            return self._read(lines)
        except self._arrow.ArrowInvalid as error:
            raise OutputError(
                f"A record does not fit the types of its columns: {error}",
                code="output_failed",
                hint="Use graphdaemon list --store URL --format ndjson, which takes every value.",
            ) from None


def make_frame(collection: str, positions: Iterable[Position]) -> Frame:
    """Return the columns that the records of all tenants have together."""
    names = dict.fromkeys(name for position in positions for name in position.selected)
    return Frame(STORED_COLLECTIONS[collection], tuple(names))


def _make_type(arrow: Any, kind: PropertyType) -> Any:
    if isinstance(kind, list):
        return arrow.list_(_make_type(arrow, kind[0]))
    if isinstance(kind, dict):
        return arrow.struct([(name, _make_type(arrow, part)) for name, part in kind.items()])
    simple = {
        "text": arrow.string(),
        "any": arrow.string(),
        "time": arrow.timestamp("us", tz="UTC"),
        "integer": arrow.int64(),
        "real": arrow.float64(),
        "boolean": arrow.bool_(),
    }
    return simple[kind]
