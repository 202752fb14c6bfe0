"""How far this machine's clock is off, measured by the `Date` header of an answer."""

from graphdaemon.http.response import Headers
from graphdaemon.received.numbers import read_date

TOLERANCE_S = 300.0
"""Entra ID accepts a signed assertion whose times are off by up to so many seconds."""


def measure_skew(headers: Headers, now: float) -> float | None:
    """Return the seconds that `now` is ahead of the `Date` header; None without one."""
    date = read_date(headers.get("Date"))
    return None if date is None else now - date


def describe_skew(seconds: float, host: str) -> str:
    """Put a skew into words: `this machine's clock is 7 minutes ahead of graph.microsoft.com`."""
    direction = "ahead of" if seconds > 0 else "behind"
    size, unit = abs(seconds), "second"
    for length, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        # Below about two the smaller unit says more: 90 minutes, not 2 hours.
        if size >= 1.95 * length:
            size, unit = size / length, name
            break
    count = round(size)
    return f"this machine's clock is {count} {unit}{'' if count == 1 else 's'} {direction} {host}"
