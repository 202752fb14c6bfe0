"""The machine's clock against that of a service, read from the `Date` header it sends."""

from collections.abc import Mapping
from email.message import Message

TOLERANCE_S = 300.0
"""How far Entra ID lets a signed assertion's times be off."""


def measure_skew(headers: Message | Mapping[str, str], now: float) -> float | None:
    """Return the seconds that `now` is ahead of the header's time, or None without one."""
    from email.utils import parsedate_to_datetime

    date = headers.get("Date")
    if date is None:
        return None
    try:
        return now - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def describe_skew(seconds: float, host: str) -> str:
    """Say it: `this machine's clock is 7 minutes ahead of login.microsoftonline.com`."""
    direction = "ahead of" if seconds > 0 else "behind"
    size, unit = abs(seconds), "second"
    for length, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if size >= 1.95 * length:
            size, unit = size / length, name
            break
    count = round(size)
    return f"this machine's clock is {count} {unit}{'' if count == 1 else 's'} {direction} {host}"
