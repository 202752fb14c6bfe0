"""Find what of a record has no place in its columns; it is kept as JSON, so nothing is lost."""

from typing import Any

import msgspec

from graphdaemon.graph.property_types import PropertyType
from graphdaemon.output.arrow.columns import Columns, holds_objects
from graphdaemon.output.arrow.fit import fit
from graphdaemon.output.fields import decode, read_members

# The annotations of Graph, which are not properties of a record.
_NOTES = ("@odata.type", "@odata.id", "@odata.context", "@odata.etag")


class RestFinder:
    """Finds the properties of records that have no place in the columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._objects = {name: kind for name, kind in columns.typed.items() if holds_objects(kind)}
        self._check = _make_check(columns, self._objects)

    def find(self, record: bytes) -> str | None:
        """
        Return the properties that are not completely in their columns, as a JSON object, or None.

        If an object has members that are not published, the whole property is returned.
        """
        if self._check is not None:
            try:
                self._check.decode(record)
            except msgspec.DecodeError:
                pass
            else:
                return None
        rest = {
            name: msgspec.Raw(value)
            for name, value in read_members(msgspec.Raw(record)).items()
            if not self._has_place(name, value)
        }
        return msgspec.json.encode(rest).decode() if rest else None

    def _has_place(self, name: str, value: bytes) -> bool:
        if name in self._objects:
            return fit(decode(value), self._objects[name], name)[1]
        return name in self._columns.types or "@" in name or not self._columns.keeps_rest


def _make_check(
    columns: Columns, objects: dict[str, PropertyType]
) -> "msgspec.json.Decoder[Any] | None":
    """
    Return a decoder that accepts only records whose properties all have a place in the columns.

    It takes a tenth of the time that a look at each property takes. None if a property has a name
    that a decoder cannot have.
    """
    names = (*columns.types, *_NOTES) if columns.keeps_rest else tuple(objects)
    shapes = {name: _make_shape(objects.get(name, "any")) for name in names}
    try:
        return msgspec.json.Decoder(_make_struct(shapes, closed=columns.keeps_rest))
    except ValueError:
        # Quotation marks, backslashes and control characters are in no field's name.
        return None


def _make_struct(shapes: dict[str, Any], *, closed: bool) -> type:
    # The fields are numbered, because not every property has the name of a Python variable.
    fields = [(f"field{at}", shape, None) for at, shape in enumerate(shapes.values())]
    rename = {field: name for (field, *_), name in zip(fields, shapes, strict=True)}
    return msgspec.defstruct("Known", fields, rename=rename, forbid_unknown_fields=closed, gc=False)


def _make_shape(kind: PropertyType) -> Any:
    if isinstance(kind, list) and holds_objects(kind):
        item: Any = _make_shape(kind[0])
        return list[item] | None
    if isinstance(kind, dict):
        shapes = {name: _make_shape(part) for name, part in kind.items()}
        return _make_struct(shapes, closed=True) | None
    return msgspec.Raw
