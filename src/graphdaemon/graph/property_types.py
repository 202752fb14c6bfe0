"""
What is within the properties of a stored collection: texts, times, lists, objects of objects.

The types are Microsoft's published metadata (data/property_types.json, written by
tools/generate_properties.py), which is read at the first use.
"""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec

from graphdaemon.graph.stored_collections import StoredCollection

PropertyType: TypeAlias = (
    Literal["text", "time", "integer", "real", "boolean", "any"]
    | list["PropertyType"]
    | dict[str, "PropertyType"]
)
"""A word, a list of one type, or an object by the types of its properties; `any` is any JSON."""


def find_types(collection: StoredCollection, names: tuple[str, ...]) -> dict[str, PropertyType]:
    """Return the type of each of these properties; one that is not published is `any`."""
    if collection.is_edge:
        return {column.name: "text" for column in collection.columns}
    published = _read_types()[collection.type]
    return {name: published.get(name, "any") for name in names}


def holds_any(kind: PropertyType) -> bool:
    """Say whether a type, or something within it, is any JSON."""
    if isinstance(kind, list):
        return any(map(holds_any, kind))
    if isinstance(kind, dict):
        return any(map(holds_any, kind.values()))
    return kind == "any"


@cache
def _read_types() -> dict[str, dict[str, PropertyType]]:
    content = files("graphdaemon.graph").joinpath("data", "property_types.json").read_bytes()
    types: dict[str, dict[str, PropertyType]] = msgspec.json.decode(content)["types"]
    return types
