"""The columns of records in Arrow, and their types, which do not depend on the values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphdaemon.graph.property_types import PropertyType, holds_any
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow

OTHER = "other"
"""The name of the last column, which has as JSON text what has no place in the others."""


class Columns(NamedTuple):
    """
    The columns of records.

    Attributes:
        types: The type of each property, in the order of the columns.
        keeps_rest: Whether the other properties of a record are kept, too, in the column `other`.
    """

    types: Mapping[str, PropertyType]
    keeps_rest: bool = False

    @property
    def typed(self) -> dict[str, PropertyType]:
        """The properties whose type is completely known."""
        return {name: kind for name, kind in self.types.items() if not holds_any(kind)}

    @property
    def texts(self) -> tuple[str, ...]:
        """The properties that may be any JSON: a string stays, anything else becomes JSON text."""
        return tuple(name for name, kind in self.types.items() if holds_any(kind))

    @property
    def has_other(self) -> bool:
        """Whether there is a column `other`: objects may have members that are not published."""
        is_open = self.keeps_rest or any(map(holds_objects, self.typed.values()))
        return is_open and OTHER not in self.types


def make_schema(columns: Columns) -> Any:
    """
    Return the `pyarrow.Schema` of columns, which is the same for all records, and for none.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow = load_pyarrow()
    fields = dict(columns.types) | ({OTHER: "text"} if columns.has_other else {})
    return arrow.schema([(name, make_type(kind)) for name, kind in fields.items()])


def make_type(kind: PropertyType) -> Any:
    """Return the Arrow type for the type of a property; any JSON becomes a string."""
    arrow = load_pyarrow()
    if holds_any(kind):
        return arrow.string()
    if isinstance(kind, list):
        return arrow.list_(make_type(kind[0]))
    if isinstance(kind, dict):
        return arrow.struct([(name, make_type(part)) for name, part in kind.items()])
    simple = {
        "text": arrow.string(),
        "time": arrow.timestamp("us", tz="UTC"),
        "integer": arrow.int64(),
        "real": arrow.float64(),
        "boolean": arrow.bool_(),
    }
    return simple[kind]


def holds_objects(kind: PropertyType) -> bool:
    """Return whether a type is an object, or a list of objects."""
    return holds_objects(kind[0]) if isinstance(kind, list) else isinstance(kind, dict)
