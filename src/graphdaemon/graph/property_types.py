"""
The types of the properties of Graph's objects, and of what is nested in these properties.

They come from Microsoft's published metadata (data/property_types.json, written by
tools/generate_properties.py). The file is read at the first use.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from graphdaemon.graph.address import split_version

if TYPE_CHECKING:
    from graphdaemon.graph.stored_collections import StoredCollection

PropertyType: TypeAlias = (
    Literal["text", "time", "integer", "real", "boolean", "any"]
    | list["PropertyType"]
    | dict[str, "PropertyType"]
)
"""
The type of a property.

It is a name; or a list with one type, which is that of its items; or a dict of the types of an
object's properties by name. `any` stands for any JSON.
"""

_CAST = "microsoft.graph."
# Properties that are times on every type, those without published properties included.
_TIMES = frozenset("activityDateTime createdDateTime deletedDateTime lastModifiedDateTime".split())


def find_types(collection: "StoredCollection", names: Iterable[str]) -> dict[str, PropertyType]:
    """
    Return the type of each of the properties `names` of a collection's objects.

    A property that is not published has the type `any`.
    """
    if collection.is_edge:
        return {column.name: "text" for column in collection.columns}
    return _choose(collection.type, names)


def find_types_at(path: str, names: Iterable[str]) -> dict[str, PropertyType]:
    """
    Return the type of each of the properties `names` of the objects at `path`.

    Args:
        path: A path such as `users`, with or without the version, or a whole address. It may lead
            over relations (`groups/{id}/members`) and end in a cast
            (`groups/{id}/members/microsoft.graph.user`).
        names: The properties. Those that are not published, and all properties at a path that is
            not known, have the type `any`, except for a few that are always times.
    """
    return _choose(find_object_type(path), names)


def find_object_type(path: str) -> str:
    """Return the type of the objects at a path, such as `user`; empty if it is not known."""
    table = _read_table()
    first, *rest = _split(path)
    kind = table.sets.get(first.partition("(")[0].casefold(), "")
    # The segment after an entity set or a relation is a key; the one after a key is a relation.
    is_key = "(" not in first
    for segment in rest:
        if segment.startswith(_CAST):
            name = segment.removeprefix(_CAST)
            kind = name if name in table.types else kind
        elif kind and not is_key:
            kind = table.paths.get(kind, {}).get(segment.partition("(")[0].casefold(), "")
            is_key = "(" not in segment
        else:
            is_key = False
    return kind


def list_published(kind: str) -> tuple[str, ...]:
    """Return the name of every published property of a type."""
    return tuple(_read_table().types.get(kind, ()))


def spell(kind: str, name: str) -> str:
    """Return the name of a type's property as Graph spells it; `name` may have any case."""
    return _read_spellings(kind).get(name.casefold(), name)


def list_properties(kind: str) -> Mapping[str, PropertyType]:
    """Return every published property of a type, with its own type."""
    return _read_table().types.get(kind, {})


def holds_any(kind: PropertyType) -> bool:
    """Return whether a type, or a type nested in it, is `any`."""
    if isinstance(kind, list):
        return any(map(holds_any, kind))
    if isinstance(kind, dict):
        return any(map(holds_any, kind.values()))
    return kind == "any"


class _Table(msgspec.Struct):
    types: dict[str, dict[str, PropertyType]]
    sets: dict[str, str]
    paths: dict[str, dict[str, str]]


def _choose(kind: str, names: Iterable[str]) -> dict[str, PropertyType]:
    published = _read_table().types.get(kind, {})
    return {name: published.get(name, "time" if name in _TIMES else "any") for name in names}


def _split(path: str) -> list[str]:
    own = urlsplit(path).path if "://" in path.partition("?")[0] else path.partition("?")[0]
    bare = split_version(own)[1].strip("/")
    # A key in parentheses may contain a slash: `users('a/b')`.
    return re.sub("'[^']*'", "''", bare).split("/")


@cache
def _read_spellings(kind: str) -> dict[str, str]:
    return {name.casefold(): name for name in _read_table().types.get(kind, {})}


@cache
def _read_table() -> _Table:
    # importlib.resources would import tempfile, bz2 and lzma.
    raw = msgspec.json.decode((Path(__file__).parent / "data/property_types.json").read_bytes())
    return _Table(raw["types"], raw["sets"], raw["paths"])
