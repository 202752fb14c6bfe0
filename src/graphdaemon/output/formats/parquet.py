"""Parquet: columns with the types that Microsoft publishes, lists and objects included."""

from collections.abc import Sequence
from typing import Any

from graphdaemon.graph.property_types import PropertyType, find_types_at
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.arrow.gather import Gatherer
from graphdaemon.output.arrow.pyarrow_import import load_parquet, load_pyarrow
from graphdaemon.output.explode import find_row_types
from graphdaemon.output.fields import Record
from graphdaemon.output.format import Format
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import ByteStream, Stream, flush

# The default of pyarrow, which every reader of Parquet supports.
_CODEC = "snappy"


class ParquetWriter:
    """
    Writes a column for each property, whose type depends only on the collection and the name.

    So all files of the same listing have the same schema. The results of a query, and the records
    of an API that is not Graph, have columns of text.

    Raises:
        UsageError: pyarrow is not installed.
    """

    def __init__(self, stream: Stream, spec: OutputSpec) -> None:
        self._stream = stream
        self._frame = Frame(Columns(_find_types(spec)))
        self._gatherer = Gatherer(self._frame)
        self._codec = spec.compress or _CODEC
        self._sink = ByteStream(stream)
        self._writer: Any = None

    def write(self, records: Sequence[Record]) -> None:
        """Keep some records, and write a row group when there are enough."""
        if self._gatherer.add(records):
            self._write_group()

    def finish(self) -> None:
        """Write the last row group and the footer, without which the file cannot be read."""
        if self._gatherer.rows:
            self._write_group()
        with self._sink.open():
            self._open_writer().close()
        flush(self._stream)

    def _write_group(self) -> None:
        table = self._gatherer.make()
        with self._sink.open():
            self._open_writer().write_table(table)

    def _open_writer(self) -> Any:
        # Opened only when there is something to write, because it writes the file header at once.
        if self._writer is None:
            file = load_pyarrow().PythonFile(self._sink, mode="w")
            schema = self._frame.schema
            self._writer = load_parquet().ParquetWriter(file, schema, compression=self._codec)
        return self._writer


def _find_types(spec: OutputSpec) -> dict[str, PropertyType]:
    if spec.query is None and spec.types:
        return {name: spec.types.get(name, "any") for name in spec.columns}
    if spec.query is not None or not spec.path:
        return dict.fromkeys(spec.columns, "any")
    if spec.explode is not None:
        return find_row_types(spec.path, spec.explode, spec.columns)
    return find_types_at(spec.path, spec.columns)


FORMAT = Format(
    suffixes=(".parquet",),
    make=lambda stream, spec, _: ParquetWriter(stream, spec),
    has_columns=True,
    is_binary=True,
    compresses_itself=True,
)
