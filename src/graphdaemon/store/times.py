"""Times as a store writes them: UTC with microseconds, so that texts sort like the times."""

import datetime as dt

from graphdaemon.errors import UsageError


def now_utc() -> dt.datetime:
    """Return the time of this machine's clock, in UTC."""
    return dt.datetime.now(dt.UTC)


def format_time(time: dt.datetime) -> str:
    """Return a time as the store writes it, such as `2026-11-01T08:00:00.000000Z`."""
    text = time.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def stamp(now: dt.datetime, last: str | None) -> str:
    """Return `now` as text, or the microsecond after `last` if the clock was set back."""
    text = format_time(now)
    if last and text <= last:
        return format_time(dt.datetime.fromisoformat(last) + dt.timedelta(microseconds=1))
    return text


def read_time(text: str) -> str:
    """
    Read a date or a time in ISO 8601, such as `2026-11-01` or `2026-11-01T08:00+01:00`.

    A date means its first moment, and a time without an offset is in UTC.

    Returns:
        The time as the store writes it.

    Raises:
        UsageError: `text` is neither a date nor a time.
    """
    try:
        time = dt.datetime.fromisoformat(text)
        # In the first and the last year of the calendar, subtracting the offset may overflow.
        return format_time(time if time.tzinfo else time.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text} is neither a date nor a time",
            code="option_invalid",
            hint="Write a date or time such as 2026-11-01 or 2026-11-01T08:00:00Z.",
        ) from None
