"""
Make a row of each element of a list in records, such as each secret of each application.

A row is `{"parent": …, "element": …}`, where `element` is one element of the list, and `parent` is
the record without the list. The path to the list, such as `requiredResourceAccess.resourceAccess`,
may lead through objects and other lists. Of such another list, the parent has only the element to
which the row belongs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.graph.property_types import PropertyType, find_types_at
from graphdaemon.output.fields import NULL, Record

PARENT, ELEMENT = "parent", "element"
"""The names of the two members of a row."""

_ABSENT = object()
# How many characters of a value an error shows.
_SHOWN = 40


class _Form(NamedTuple):
    """How values of one kind, JSON text or Python objects, are read and shown."""

    read_object: Callable[[Any], Mapping[str, Any] | None]
    read_list: Callable[[Any], Sequence[Any] | None]
    is_null: Callable[[Any], bool]
    show: Callable[[Any], str]


class Explosion:
    """
    Makes rows of records that are JSON text; all values in the rows keep their original bytes.

    Args:
        path: The path of the list: names with dots between them.
        keep_empty: Whether a record whose list is empty, null or absent gives a row, too, in which
            `element` is null.
    """

    def __init__(self, path: str, *, keep_empty: bool = False) -> None:
        self._path = path
        self._names = split_path(path)
        self._keep_empty = keep_empty

    def apply(self, records: Iterable[Record]) -> list[Record]:
        """
        Return the rows of some records.

        Raises:
            UsageError: What is at the path in a record is not a list.
        """
        rows: list[Record] = []
        for record in records:
            opened = _read_object(record)
            if opened is None:
                raise _refuse(self._path, _show(record))
            rows += [
                msgspec.Raw(msgspec.json.encode(row))
                for row in _rows_of(opened, self._names, _JSON, keep_empty=self._keep_empty)
            ]
        return rows

    def flatten(self, rows: Iterable[Record]) -> list[Record]:
        """Return flat rows, whose members have names such as `parent.id` and `element.keyId`."""
        return [msgspec.Raw(msgspec.json.encode(self._flatten(row))) for row in rows]

    def _flatten(self, row: Record) -> dict[str, Any]:
        members = _read_object(row)
        if members is None or set(members) != {PARENT, ELEMENT}:
            return {"value": row} if members is None else dict(members)
        flat: dict[str, Any] = {}
        _spread(PARENT, members[PARENT], self._names[:-1], flat)
        element = _read_object(members[ELEMENT])
        if element is None:
            flat[ELEMENT] = members[ELEMENT]
        else:
            flat |= {f"{ELEMENT}.{name}": value for name, value in element.items()}
        return flat


def has_elements(rows: Iterable[Record]) -> bool:
    """Return whether any of the flat `rows` has an element that is not null."""
    members = (_read_object(row) or {} for row in rows)
    return any(
        name.startswith(f"{ELEMENT}.") or (name == ELEMENT and _bytes_of(value) != NULL)
        for one in members
        for name, value in one.items()
    )


def explode(
    records: Iterable[Mapping[str, Any]], path: str, *, keep_empty: bool = False
) -> Iterator[dict[str, Any]]:
    """
    Yield a row for each element of the list at `path` in each record.

    A row has two members: `element`, one element of the list, and `parent`, the record without the
    list. If the path leads through another list, as in `requiredResourceAccess.resourceAccess`, the
    parent has only the element of that list to which the row belongs.

    Args:
        records: Objects such as `Client.list` yields.
        path: The path of the list: names with dots between them, such as `passwordCredentials`.
        keep_empty: Whether a record whose list is empty, null or absent gives a row, too, in which
            `element` is None.

    Raises:
        UsageError: What is at the path in a record is not a list.

    Example:
        .. code-block:: python

            for row in graphdaemon.explode(applications, "passwordCredentials"):
                print(row["parent"]["displayName"], row["element"]["endDateTime"])
    """
    names = split_path(path)
    for record in records:
        yield from _rows_of(record, names, _PYTHON, keep_empty=keep_empty)


def _rows_of(
    record: Mapping[str, Any], names: tuple[str, ...], form: _Form, *, keep_empty: bool
) -> Iterator[dict[str, Any]]:
    for parent, element in _pair(record, names, form, ".".join(names)):
        if element is not _ABSENT:
            yield {PARENT: parent, ELEMENT: element}
        elif keep_empty:
            yield {PARENT: parent, ELEMENT: None}


def find_row_types(path: str, list_path: str, columns: Sequence[str]) -> dict[str, PropertyType]:
    """
    Return the type of each column of flat rows; a column without a published type has `any`.

    Args:
        path: The path of the records below Graph's version, such as `applications`.
        list_path: The path of the list within a record.
        columns: The columns, such as `parent.id`, `element.keyId` and `element`.
    """
    names = split_path(list_path)
    types = {}
    for column in columns:
        first, *rest = column.split(".")
        root, *within = (*names, *rest) if first == ELEMENT else rest
        kind = find_types_at(path, [root])[root]
        types[column] = _find_within(kind, within, at_end=first == ELEMENT and not rest)
    return types


def _find_within(kind: PropertyType, names: Sequence[str], *, at_end: bool) -> PropertyType:
    """Return the type at the path `names` within `kind`; lists stand for their elements."""
    for name in names:
        inner = _look_into(kind)
        kind = inner.get(name, "any") if isinstance(inner, dict) else "any"
    return _look_into(kind) if at_end else kind


def _look_into(kind: PropertyType) -> PropertyType:
    while isinstance(kind, list):
        kind = kind[0]
    return kind


def split_path(path: str) -> tuple[str, ...]:
    """
    Return the names in a path, which are separated by dots.

    Raises:
        UsageError: One of the names is empty.
    """
    names = tuple(path.split("."))
    if not all(names):
        raise UsageError(
            f"the path {path!r} has a part without a name",
            code="option_invalid",
            hint="Write names with dots between them, such as passwordCredentials or "
            "requiredResourceAccess.resourceAccess.",
        )
    return names


def _pair(
    record: Mapping[str, Any], names: tuple[str, ...], form: _Form, path: str
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each parent with its element, which is `_ABSENT` if the list has none."""
    name, *rest = names
    others = {key: value for key, value in record.items() if key != name}
    value = record.get(name)
    if value is None or form.is_null(value):
        yield others, _ABSENT
        return
    items = form.read_list(value)
    if items is None and not rest:
        raise _refuse(path, form.show(value))
    if items is not None and not items:
        yield others, _ABSENT
    for item in [value] if items is None else items:
        if not rest:
            yield others, item
            continue
        for inner, element in _look_within(item, tuple(rest), form, path):
            yield {**others, name: inner}, element


def _look_within(
    value: Any, names: tuple[str, ...], form: _Form, path: str
) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of an object that the path leads through; null has no element."""
    if form.is_null(value):
        yield value, _ABSENT
        return
    opened = form.read_object(value)
    if opened is None:
        raise _refuse(path, form.show(value))
    yield from _pair(opened, names, form, path)


def _spread(prefix: str, value: Any, names: tuple[str, ...], flat: dict[str, Any]) -> None:
    """Add the members of an object to `flat`; an object on the path (`names`) is flattened, too."""
    members = _read_object(value)
    if members is None:
        flat[prefix] = value
        return
    for name, member in members.items():
        if names and name == names[0]:
            _spread(f"{prefix}.{name}", member, names[1:], flat)
        else:
            flat[f"{prefix}.{name}"] = member


def _read_object(value: Any) -> dict[str, Any] | None:
    text = _bytes_of(value)
    if not text.startswith(b"{"):
        return None
    return dict(msgspec.json.decode(text, type=dict[str, msgspec.Raw]))


def _read_list(value: Any) -> list[Any] | None:
    text = _bytes_of(value)
    return list(msgspec.json.decode(text, type=list[msgspec.Raw])) if text[:1] == b"[" else None


def _bytes_of(value: Any) -> bytes:
    # A value that was decoded on the way is a Python object here, and is encoded again.
    return bytes(value).lstrip() if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)


def _show(value: Any) -> str:
    return _bytes_of(value).decode("utf-8", "replace")


_JSON = _Form(_read_object, _read_list, lambda value: _bytes_of(value) == NULL, _show)
_PYTHON = _Form(
    lambda value: value if isinstance(value, Mapping) else None,
    lambda value: value if isinstance(value, list | tuple) else None,
    lambda value: value is None,
    repr,
)


def _refuse(path: str, text: str) -> UsageError:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return UsageError(
        f"{path} does not lead to a list: a record has {shown} there",
        code="option_invalid",
        hint="Name a list, such as passwordCredentials, proxyAddresses or, with --with members, "
        "members.",
    )
