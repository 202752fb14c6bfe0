"""
Convert JSON values one by one for a column, where the JSON reader of pyarrow refuses them.

That reader refuses a time with more than six digits of a second, `7.0` as an integer, and two
members with the same name in an object; and its error names only the row. Here the first two are
accepted, the last of several members counts, and an error names the property and the value.
"""

import datetime as dt
import json
import re
from typing import Any, NoReturn

from graphdaemon.errors import OutputError
from graphdaemon.graph.property_types import PropertyType

# A date, or a date and time, in ISO 8601; digits after the sixth one of a second are dropped.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?)\d{0,12}(Z|[+-]\d\d:\d\d)?"
)
_INTEGERS = range(-(1 << 63), 1 << 63)
# Above this, not every whole number can be a float, so a float may stand for another number.
_EXACT = float(1 << 53)
_LONGEST = 40


def fit(value: Any, kind: PropertyType, path: str) -> tuple[Any, bool]:
    """
    Return `value` in the form that pyarrow takes for the type `kind`, and whether it is complete.

    It is incomplete if an object has members that are not published; annotations (`@…`) do not
    count.

    Args:
        value: The decoded value.
        kind: Its published type.
        path: The path of the value in its record, for the error.

    Raises:
        OutputError: The value contradicts its type.
    """
    if value is None:
        return None, True
    if isinstance(kind, list):
        if not isinstance(value, list):
            _refuse(value, path, "a list")
        items = [fit(item, kind[0], path) for item in value]
        return [item for item, _ in items], all(whole for _, whole in items)
    if isinstance(kind, dict):
        return _fit_object(value, kind, path)
    return _fit_simple(value, kind, path), True


def _fit_object(value: Any, kind: dict[str, PropertyType], path: str) -> tuple[Any, bool]:
    if not isinstance(value, dict):
        _refuse(value, path, "an object")
    members = {name: fit(value.get(name), part, f"{path}.{name}") for name, part in kind.items()}
    known = all(name in kind or "@" in name for name in value)
    return (
        {name: member for name, (member, _) in members.items()},
        known and all(whole for _, whole in members.values()),
    )


def _fit_simple(value: Any, kind: str, path: str) -> Any:
    if kind == "time":
        return _fit_time(value, path)
    if kind == "boolean":
        return value if isinstance(value, bool) else _refuse(value, path, "true or false")
    if kind == "integer":
        return _fit_integer(value, path)
    if kind == "real":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        number = _make_float(value) if is_number else None
        return _refuse(value, path, "a number") if number is None else number
    return value if isinstance(value, str) else encode(value)


def _fit_integer(value: Any, path: str) -> int:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        _refuse(value, path, "a whole number of 64 bits")
    return int(value)


def _make_float(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) != float("inf") else None


def _fit_time(value: Any, path: str) -> dt.datetime:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        moment = dt.datetime.fromisoformat(match[1]) if match is not None else None
        if moment is not None and match is not None:
            zone = dt.time.fromisoformat(f"00:00{match[2] or 'Z'}").tzinfo
            return moment.replace(tzinfo=zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    return _refuse(value, path, "a time")


def encode(value: Any) -> str:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refuse(value: Any, path: str, kind: str) -> NoReturn:
    text = value if isinstance(value, str) else encode(value)
    raise OutputError(
        f"{path} is {text[:_LONGEST]}, which does not fit its column: Microsoft publishes it as "
        f"{kind}",
        code="output_failed",
        hint="Leave the property out (--select, or select=), or take the records as they are: "
        "--format ndjson, or list() in Python.",
    )
