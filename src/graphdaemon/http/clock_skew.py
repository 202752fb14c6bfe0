"""Compare the clock of this machine with the `Date` header of an answer."""

from graphdaemon.http.response import Headers
from graphdaemon.received.numbers import read_date

TOLERANCE_S = 300.0
"""The seconds by which the times in a signed assertion may be off before Entra ID refuses it."""


def measure_skew(headers: Headers, now: float) -> float | None:
    """Return by how many seconds `now` is ahead of the `Date` header; None without the header."""
    date = read_date(headers.get("Date"))
    return None if date is None else now - date


def describe_skew(seconds: float, host: str) -> str:
    """Describe a skew, as in `this machine's clock is 7 minutes ahead of graph.microsoft.com`."""
    direction = "ahead of" if seconds > 0 else "behind"
    size, unit = abs(seconds), "second"
    for length, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        # Less than about two of a unit are given in the next smaller one: 90 minutes, not 2 hours.
        if size >= 1.95 * length:
            size, unit = size / length, name
            break
    count = round(size)
    return f"this machine's clock is {count} {unit}{'' if count == 1 else 's'} {direction} {host}"
