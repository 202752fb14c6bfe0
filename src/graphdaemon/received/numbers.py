"""
Numbers that a server sends: each is read here, finite and within bounds, or not at all.

Python's own `float` and `int` take too much of it: `nan`, `1e999`, `1_000`, digits of any script;
and they fail in several ways, such as on 5,000 digits. A bool is a number to Python, and none here.
"""

import re

# Longer texts are no numbers that anybody sends; Python refuses to read integers of 4,300 digits.
_LONGEST = 40
_DECIMAL = r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,4})?"
_AADSTS = r"AADSTS([0-9]{1,9})(?![0-9])"

LARGEST_COUNT = 10**12
"""More objects than any directory has: a hundred times as many as there are people."""

LATEST_TIME = 1e11
"""Seconds since 1970 that end in the year 5138; `datetime` fails from the year 10000 on."""


def read_number(value: object, *, least: float = 0.0, most: float) -> float | None:
    """
    Return a number, or a text that is one, as a float; None if it is none, or out of bounds.

    White space around a text is no part of it.
    """
    if isinstance(value, str):
        text = value.strip() if len(value) <= _LONGEST else ""
        number = float(text) if re.fullmatch(_DECIMAL, text) else None
    elif isinstance(value, int) and not isinstance(value, bool):
        # An integer may be too large to become a float, but never too large to be compared.
        number = float(value) if least <= value <= most else None
    else:
        number = value if isinstance(value, float) else None
    # A comparison with NaN is never true.
    return number if number is not None and least <= number <= most else None


def read_count(value: object) -> int | None:
    """Return a number of objects, such as `@odata.count`; None if it is no whole number."""
    number = read_number(value, most=LARGEST_COUNT)
    return int(number) if number is not None and number.is_integer() else None


def read_time(value: object) -> float | None:
    """Return a moment in epoch seconds, such as `exp` of a token; None if it is none."""
    return read_number(value, most=LATEST_TIME)


def read_date(text: str | None) -> float | None:
    """Return the moment of an HTTP date (RFC 9110, 5.6.7) in epoch seconds; None if it is none."""
    from email.utils import parsedate_to_datetime

    try:
        return read_time(parsedate_to_datetime(text or "").timestamp())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def read_aadsts_numbers(listed: object, text: str) -> tuple[int, ...]:
    """Return the AADSTS numbers in `listed`, a refusal's `error_codes`, or the first in `text`."""
    items = listed if isinstance(listed, list) else []
    numbers = [item for item in items if type(item) is int and 0 < item < 10**9]
    if numbers:
        return tuple(numbers)
    match = re.search(_AADSTS, text)
    return (int(match[1]),) if match else ()
