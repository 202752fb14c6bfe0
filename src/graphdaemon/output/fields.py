"""Read single properties of a record without decoding the rest of it."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

Record = msgspec.Raw

NULL = b"null"

_decode_text = msgspec.json.Decoder(str).decode
# Python refuses to read integers of more than 4,300 digits.
_LONGEST_INTEGER = 4_000


def make_picker(names: Sequence[str]) -> Callable[[Record], tuple[bytes, ...]]:
    """
    Return a function that returns the values of the properties `names` of a record, each as JSON.

    A property that is absent is `null`. The items of a record that is a list have the names
    `column1`, `column2` and so on. Any other record that is not an object is one value with the
    name `value`.
    """
    null = msgspec.Raw(NULL)
    # The fields are numbered, because not every property has the name of a Python variable.
    fields = [(f"field{index}", msgspec.Raw, null) for index in range(len(names))]
    rename = {field: name for (field, *_), name in zip(fields, names, strict=True)}
    try:
        picked = msgspec.defstruct("Picked", fields, rename=rename)
    except ValueError:
        # Quotation marks, backslashes and control characters are in no field's name.
        return lambda record: _pick_named(record, names)
    decode = msgspec.json.Decoder(picked).decode
    astuple = msgspec.structs.astuple

    def pick(record: Record) -> tuple[bytes, ...]:
        try:
            return tuple(map(bytes, astuple(decode(record))))
        except msgspec.ValidationError:
            return _pick_named(record, names)

    return pick


def name_properties(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the names of all values in records, as in `make_picker`, except annotations (`@…`)."""
    names = dict.fromkeys(name for record in records for name in read_members(record))
    return tuple(name for name in names if "@" not in name)


def text_of(value: bytes) -> str | None:
    """Return the JSON `value` as text: a string decoded, `null` as None, others as compact JSON."""
    if value[:1] == b'"':
        try:
            return _decode_text(value)
        except UnicodeDecodeError:
            # msgspec checks only now, when it decodes the string, that it is UTF-8.
            return _decode_text(value.decode("utf-8", "replace"))
    if value[:1] in b"[{":
        value = msgspec.json.format(value, indent=-1)
    return None if value == NULL else value.decode("utf-8", "replace")


def decode(value: Record | bytes) -> Any:
    """Decode JSON to Python values; invalid UTF-8 is replaced, and huge numbers become infinite."""
    try:
        return msgspec.json.decode(value)
    except (UnicodeDecodeError, msgspec.DecodeError):
        # Bytes that are not UTF-8, and numbers that are too large for a float (1e400, or 5,000
        # digits).
        text = bytes(value).decode("utf-8", "replace")
        return json.loads(text, parse_int=_read_integer)


def _read_integer(digits: str) -> float:
    """Return an integer, or an infinite float if it has more digits than Python reads."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _pick_named(record: Record, names: Sequence[str]) -> tuple[bytes, ...]:
    values = read_members(record)
    return tuple(values.get(name, NULL) for name in names)


def read_members(record: Record) -> dict[str, bytes]:
    """Return the values of a record by their names, each as JSON; the names as in `make_picker`."""
    text = bytes(record)
    if text.startswith(b"{"):
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return {name: bytes(value) for name, value in members.items()}
    if text.startswith(b"["):
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
        return {f"column{number}": bytes(item) for number, item in enumerate(items, 1)}
    return {"value": text}
