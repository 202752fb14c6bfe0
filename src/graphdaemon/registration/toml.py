"""Write settings as TOML, which Python itself only reads."""

import math
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# What a basic string cannot hold as it is (TOML 1.0, "String").
_ESCAPED = re.compile(r'["\\\x00-\x08\x0a-\x1f\x7f]')


def write_toml(values: Mapping[str, Any]) -> str:
    """
    Write these values, which are of the types that `tomllib` reads; None is left out.

    Tables stand on one line each, as values do, so that their order does not matter.

    Raises:
        ValueError: A text holds half a surrogate pair, which UTF-8 cannot say.
    """
    lines = (
        f"{_write_key(name)} = {_write_value(value)}\n"
        for name, value in values.items()
        if value is not None
    )
    return "".join(lines)


def _write_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _write_text(name)


def _write_value(value: Any) -> str:
    match value:
        case str():
            return _write_text(value)
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return "nan" if math.isnan(value) else f"{value:f}"
        case int() | float():
            return repr(value)
        case date() | time():  # a datetime is a date, too
            return value.isoformat()
        case Mapping():
            members = (f"{_write_key(name)} = {_write_value(one)}" for name, one in value.items())
            return f"{{{', '.join(members)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_write_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _write_text(text: str) -> str:
    text.encode()  # half a surrogate pair
    escaped = _ESCAPED.sub(_escape, text)
    return f'"{escaped}"'


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04X}"
