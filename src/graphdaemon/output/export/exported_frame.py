"""Convert the records of a store to Arrow tables."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from graphdaemon.graph.property_types import PropertyType, find_types
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.store.current import CurrentRecord
from graphdaemon.store.rows import Position


class ExportedFrame:
    """
    The columns of an exported collection: `tenant`, `id`, `valid_from`, and its properties.

    Args:
        collection: The collection.
        names: The names of its properties.

    Attributes:
        schema: The `pyarrow.Schema`.

    Raises:
        UsageError: pyarrow is not installed.
    """

    def __init__(self, collection: StoredCollection, names: Sequence[str]) -> None:
        own: dict[str, PropertyType] = {"tenant": "text", "id": "text", "valid_from": "time"}
        others = find_types(collection, [name for name in names if name != "id"])
        self._frame = Frame(Columns(own | others))
        self.schema = self._frame.schema

    def convert(self, records: Iterable[CurrentRecord]) -> Any:
        """
        Return some records as a `pyarrow.Table`; a deleted one has only its tenant and its ID.

        Raises:
            OutputError: A value contradicts the type that Microsoft publishes for it.
        """
        return self._frame.convert([_write_record(record) for record in records])

    def read_batches(self, records: Iterable[list[CurrentRecord]]) -> Iterator[Any]:
        """Yield all records as Arrow record batches."""
        for some in records:
            yield from self.convert(some).to_batches()


def make_frame(collection: str, positions: Iterable[Position]) -> ExportedFrame:
    """Return the columns for a collection: the properties that were read of any tenant."""
    names = dict.fromkeys(name for position in positions for name in position.selected)
    return ExportedFrame(STORED_COLLECTIONS[collection], tuple(names))


def _write_record(record: CurrentRecord) -> bytes:
    own = {"tenant": record.tenant_id, "id": record.id, "valid_from": record.valid_from or None}
    fields: dict[str, msgspec.Raw] = {}
    if record.document is not None:
        fields = msgspec.json.decode(record.document, type=dict[str, msgspec.Raw])
        fields.pop("id", None)
    return msgspec.json.encode(own | fields)
