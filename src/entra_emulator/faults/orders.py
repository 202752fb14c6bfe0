"""Orders to plan a fault, as they stand in fault files and in requests to the control API."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from entra_emulator.faults.fault import (
    KINDS,
    LEAST,
    OUTAGES,
    STATUSES,
    WORDS,
    Fault,
    FaultFields,
)
from entra_emulator.private_files import read_small_file

_ABOVE_0 = {"exclusiveMinimum": 0}
# What an order may say of every kind of fault.
_EXTENTS = ("count", "seconds", "route", "chance", "seed")


def _or_null(kind: str, **limits: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], **limits}


# The values of each field, as `Fault` and `Faults` accept them.
_VALUES: dict[str, dict[str, Any]] = {
    "count": _or_null("integer", minimum=1),
    "seconds": _or_null("number", **_ABOVE_0),
    "route": _or_null("string"),
    "chance": {"type": "number", "maximum": 1, **_ABOVE_0},
    "seed": _or_null("integer"),
    "code": {"enum": [*OUTAGES, None]},
    "status": {"enum": [*STATUSES, None]},
    "retry_after": _or_null("integer", minimum=0),
    "html": {"type": "boolean"},
    "after": {"type": "boolean"},
    "error": _or_null("string"),
    **{name: {"enum": [*words, None]} for name, words in WORDS.items()},
    **{name: _or_null("number", minimum=least) for name, least in LEAST.items()},
}


class FaultFileError(ValueError):
    """A fault file that cannot be followed; the text says where and why."""


class FaultOrder(FaultFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Which requests are to fail, and how, in one flat table.

    The next `count` requests fail, or all during `seconds`. `route` and `chance` are those of
    `FaultPlan`, the other fields those of `Fault`.
    """

    count: int | None = None
    seconds: float | None = None
    route: str | None = None
    chance: float = 1.0
    seed: int | None = None

    def fault(self) -> Fault:
        """
        The fault that is ordered.

        Raises:
            ValueError: see `Fault`.
        """
        return Fault(**{name: getattr(self, name) for name in FaultFields.__struct_fields__})


# What a field has that is not said.
_UNSAID = {field.name: field.default for field in msgspec.structs.fields(FaultOrder)}


def describe_order() -> dict[str, Any]:
    """The orders that make sense, as a JSON Schema."""
    ways = []
    for kind, fields in KINDS.items():
        known = {
            name: values if name in {*_EXTENTS, *fields} else {"const": _UNSAID[name]}
            for name, values in _VALUES.items()
        }
        way: dict[str, Any] = {
            "type": "object",
            "properties": {"kind": {"const": kind}, **known},
            "additionalProperties": False,
            # One or the other says when it ends.
            "not": {
                "properties": {"count": {"type": "integer"}, "seconds": {"type": "number"}},
                "required": ["count", "seconds"],
            },
        }
        if kind != _UNSAID["kind"]:
            way["required"] = ["kind"]
        ways.append(way)
    return {"description": "Which requests are to fail, and how.", "anyOf": ways}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    fault: list[dict[str, Any]]


def read_orders(path: Path) -> list[FaultOrder]:
    """
    The orders in a fault file: TOML with `[[fault]]` tables, or JSON with a list named `fault`.

    Raises:
        FaultFileError: it is neither, or an order makes no sense.
        OSError: it cannot be read.
    """
    try:
        content = read_small_file(path)
        if path.suffix == ".json":
            loaded = msgspec.json.decode(content)
        else:
            loaded = tomllib.loads(content.decode())
        entries = msgspec.convert(loaded, _File).fault
    except (ValueError, RecursionError) as error:
        raise FaultFileError(f"{path}: {error}") from error
    return [_read_order(path, number, entry) for number, entry in enumerate(entries, 1)]


def draft_order(kind: str, fields: Mapping[str, Any]) -> FaultOrder:
    """
    The order with these fields; without `count` and `seconds` it is for one request.

    Raises:
        ValueError: it makes no sense.
    """
    try:
        order = msgspec.convert({"kind": kind} | dict(fields), FaultOrder)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind}: {error}") from None
    if order.count is None and order.seconds is None:
        # A plan without an end, left over from one test, would make all later ones fail.
        order = msgspec.structs.replace(order, count=1)
    return order


def _read_order(path: Path, number: int, entry: Mapping[str, Any]) -> FaultOrder:
    for key in entry:
        if key not in FaultOrder.__struct_fields__:
            known = ", ".join(FaultOrder.__struct_fields__)
            raise FaultFileError(f"{path}: fault {number}: no key is named {key!r}; use {known}")
    try:
        order = msgspec.convert(entry, FaultOrder)
        order.fault()  # now, so that a wrong file is refused before the emulator runs
    except ValueError as error:
        raise FaultFileError(f"{path}: fault {number}: {error}") from error
    return order
