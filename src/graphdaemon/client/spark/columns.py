"""Records as Spark gets them: columns of Microsoft's published types, and batches of Arrow."""

from collections.abc import Iterator, Sequence
from typing import Any

from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from graphdaemon.errors import UsageError
from graphdaemon.graph.property_types import find_types, find_types_at
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.output.arrow.columns import Columns, make_schema
from graphdaemon.output.arrow.default_columns import find_default_columns
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow

# A task of Spark should be no larger than this; more makes the driver warn.
_ROWS = 20_000


def find_columns(collection: str, select: Sequence[str]) -> Columns:
    """
    Return the columns of a listing: the ID and what was selected, or what Graph shows by default.

    Raises:
        UsageError: Nothing was selected, and what is shown by default is not known.
    """
    names = tuple(dict.fromkeys(("id", *select))) if select else find_default_columns(collection)
    if not names:
        raise UsageError(
            f"a data frame needs to know the columns of {collection}, and nothing was selected",
            code="option_invalid",
            hint='Name the properties, such as .option("select", "id,displayName").',
        )
    return Columns(find_types_at(collection, names))


def find_stored_columns(collection: str) -> Columns:
    """Return the columns of a collection that a store keeps."""
    stored = STORED_COLLECTIONS[collection]
    names = tuple(column.name for column in stored.columns if column.name != "id")
    return Columns({"id": "text", **find_types(stored, names)})


def to_spark(columns: Columns, *more: tuple[str, Any]) -> StructType:
    """
    Return the schema in Spark; `more` are further columns, each a name and its type in Arrow.

    Raises:
        UsageError: pyarrow is not installed.
    """
    schema = make_schema(columns)
    for name, kind in more:
        schema = schema.append(load_pyarrow().field(name, kind))
    return from_arrow_schema(schema)


def pack(table: Any, parts: int) -> Iterator[bytes]:
    """Yield a table of Arrow in pieces of about the same size, each compressed."""
    arrow = load_pyarrow()
    rows = max(1, min(_ROWS, -(-table.num_rows // parts)))
    options = arrow.ipc.IpcWriteOptions(compression="zstd")
    for first in range(0, table.num_rows, rows):
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table.slice(first, rows))
        yield sink.getvalue().to_pybytes()


def unpack(piece: bytes) -> Iterator[Any]:
    """Yield the record batches of what `pack` made."""
    with load_pyarrow().ipc.open_stream(piece) as reader:
        yield from reader
