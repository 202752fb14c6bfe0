"""Which columns records have in Arrow, and of what types: by names alone, whatever the values."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphdaemon.graph.property_types import PropertyType, holds_any
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow

OTHER = "other"
"""The last column, a text, of what has no place in the others."""


class Columns(NamedTuple):
    """
    The columns of records.

    Attributes:
        types: The type of each property, in the order of the columns.
        keeps_rest: What records have besides these properties is kept as well, in `other`.
    """

    types: Mapping[str, PropertyType]
    keeps_rest: bool = False

    @property
    def typed(self) -> dict[str, PropertyType]:
        """Those of a type that says what is within a value."""
        return {name: kind for name, kind in self.types.items() if not holds_any(kind)}

    @property
    def texts(self) -> tuple[str, ...]:
        """Those that may be any JSON: a text is shown as it is, anything else as its JSON."""
        return tuple(name for name, kind in self.types.items() if holds_any(kind))

    @property
    def has_other(self) -> bool:
        """Whether there is `other`: an object may have more within it than is published."""
        is_open = self.keeps_rest or any(map(holds_objects, self.typed.values()))
        return is_open and OTHER not in self.types


def make_schema(columns: Columns) -> Any:
    """
    Return the `pyarrow.Schema` of columns: the same for all records, and for none.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow = load_pyarrow()
    fields = dict(columns.types) | ({OTHER: "text"} if columns.has_other else {})
    return arrow.schema([(name, make_type(kind)) for name, kind in fields.items()])


def make_type(kind: PropertyType) -> Any:
    """Return the type in Arrow; what may be any JSON is a text."""
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
    """Say whether a type is an object, or a list of objects."""
    return holds_objects(kind[0]) if isinstance(kind, list) else isinstance(kind, dict)
