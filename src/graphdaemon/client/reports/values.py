"""Values of records, read as whatever they are: a report never fails for one odd property."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

DAY_S = 86_400

# Graph's own form has `Z` and up to seven digits; its beta reports are documented with `-8:00`.
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:[Zz]|([+-])([0-9]{1,2}):([0-9]{2}))?"
)
_DURATION = re.compile(
    r"P(?:([0-9]{1,5})Y)?(?:([0-9]{1,5})M)?(?:([0-9]{1,5})W)?(?:([0-9]{1,5})D)?"
    r"(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9})(?:\.[0-9]{1,9})?S)?)?"
)
_UNITS_S = (365 * DAY_S, 30 * DAY_S, 7 * DAY_S, DAY_S, 3_600, 60, 1)
_LAST = dt.datetime.max.replace(microsecond=0, tzinfo=dt.UTC)


def read_moment(value: object) -> dt.datetime | None:
    """
    Return the moment that a property holds, in UTC and whole seconds; None where it holds none.

    The first moment that .NET knows, in the year 1, stands for none as well ("List users").
    """
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[1] == "0001":
        return None
    year, month, day, hour, minute, second = (int(text or 0) for text in match.groups()[:6])
    try:
        moment = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return None
    if match[8] is None:
        return moment
    offset = dt.timedelta(hours=int(match[9]), minutes=int(match[10]))
    try:
        return moment - offset if match[8] == "+" else moment + offset
    except OverflowError:
        return _LAST if match[8] == "-" else None


def write_moment(moment: dt.datetime | None) -> str | None:
    """Return a moment as Graph writes it; None for none."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def count_days(earlier: dt.datetime, later: dt.datetime) -> int:
    """Return the whole days between two moments; negative where they are in the other order."""
    seconds = (later - earlier).total_seconds()
    return int(seconds // DAY_S) if seconds >= 0 else -int(-seconds // DAY_S)


def read_duration(value: object) -> float | None:
    """
    Return the seconds of a duration in ISO 8601, such as `P180D`; None for what is none.

    A year is 365 days, a month 30: app management policies are written in days.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        return None
    return float(sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNITS_S, strict=True)))


def read_text(record: Mapping[str, Any], name: str) -> str | None:
    """Return a property that is a text; None where it is absent, null or anything else."""
    value = record.get(name)
    return value if isinstance(value, str) else None


def read_flag(record: Mapping[str, Any], name: str) -> bool | None:
    """Return a property that is true or false; None where it is neither."""
    value = record.get(name)
    return value if isinstance(value, bool) else None


def read_objects(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects in a property that is a list; none where it is no list."""
    value = record.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def read_object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a property that is an object; an empty one where it is none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}
