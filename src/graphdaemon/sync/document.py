"""
What the store keeps of an object: one JSON object, in the form in which a listing shows it.

There every selected property is present, null or an empty list where nothing is set. A delta tells
the same otherwise: what was never set is left out, and what was cleared is null ("Use delta query
to track changes in Microsoft Graph data"). Both are brought into one form here, and compared by
value, so that a listing and the rounds after it never differ by their form alone.
"""

from typing import Any, NamedTuple

import msgspec

from graphdaemon.graph.links import altered

_NULL, _EMPTY = msgspec.Raw(b"null"), msgspec.Raw(b"[]")

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode


class ListForm(NamedTuple):
    """
    How a listing shows the objects of one collection.

    Attributes:
        select: The properties, in their order; `id` is among them.
        collections: Those that hold a list.
    """

    select: tuple[str, ...]
    collections: frozenset[str] = frozenset()

    def fill(self, told: bytes) -> bytes:
        """
        Return an object that the store does not have, of which a delta told everything.

        Raises:
            GraphError: `page_malformed`, it is no JSON object.
        """
        members = _read(told)
        filled: dict[str, msgspec.Raw] = {}
        for name in self.select:
            told_name = _find_name(members, name)
            if told_name is not None:
                filled[told_name] = members[told_name]
            else:
                filled[name] = _EMPTY if name in self.collections else _NULL
        return _write(filled, self.collections)

    def merge(self, stored: bytes, told: bytes) -> bytes:
        """
        Return an object of the store as it is after what a delta told of it.

        Raises:
            GraphError: `page_malformed`, what was told is no JSON object.
        """
        members, news = _read(stored), _read(told)
        for name in self.select:
            told_name = _find_name(news, name)
            if told_name is not None:
                members[_find_name(members, told_name) or told_name] = news[told_name]
        return _write(members, self.collections)


def _find_name(members: dict[str, msgspec.Raw], name: str) -> str | None:
    """Return what a property is called among `members`: to Graph, case makes no difference."""
    if name in members:
        return name
    folded = name.casefold()
    return next((other for other in members if other.casefold() == folded), None)


def is_same(one: bytes, other: bytes) -> bool:
    """
    Say whether two documents hold the same values.

    Lists of the directory have no order. What is absent, null or an empty list is not set, and
    annotations, whose names have an `@` in them, say nothing of the object.

    Raises:
        GraphError: `page_malformed`, one of them is no JSON object.
    """
    if one == other:
        return True
    first, second = _read(one), _read(other)
    return all(
        first.get(name) == second.get(name)
        or _simplify(first.get(name)) == _simplify(second.get(name))
        for name in first.keys() | second.keys()
        if "@" not in name
    )


def _read(document: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _decode_members(document)
    except msgspec.DecodeError:
        raise altered("a page contains something that is not a record") from None


def _write(members: dict[str, msgspec.Raw], collections: frozenset[str]) -> bytes:
    # A list that was cleared is null in a delta, and empty in a listing.
    for name in collections & members.keys():
        if members[name] == _NULL:
            members[name] = _EMPTY
    return msgspec.json.encode(members)


def _simplify(raw: msgspec.Raw | None) -> bytes:
    """Return a value as JSON, without what makes no difference."""
    try:
        # As JSON, since to Python 1 and true are the same.
        return _encode(_normalize(None if raw is None else _decode_value(raw)))
    except msgspec.DecodeError:
        # A number that Python cannot hold, say: only the same text is the same value.
        return bytes(raw or b"")


def _normalize(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(_encode(_normalize(item)) for item in value) or None
    if isinstance(value, dict):
        return {name: _encode(_normalize(item)) for name, item in value.items() if "@" not in name}
    return value
