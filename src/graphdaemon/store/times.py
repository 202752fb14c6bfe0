"""Times as a store writes them: UTC with microseconds, so that their texts compare as they do."""

import datetime as dt

from graphdaemon.errors import UsageError


def now_utc() -> dt.datetime:
    """Return the time of this machine's clock."""
    return dt.datetime.now(dt.UTC)


def format_time(time: dt.datetime) -> str:
    """Write a time as the store does."""
    text = time.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def stamp(now: dt.datetime, last: str | None) -> str:
    """Return the time of something that came after `last`, whatever the clock says."""
    text = format_time(now)
    if last and text <= last:
        return format_time(dt.datetime.fromisoformat(last) + dt.timedelta(microseconds=1))
    return text


def read_time(text: str) -> str:
    """
    Read a date or a time in ISO 8601, such as `2026-11-01` or `2026-11-01T08:00+01:00`.

    A date is its first moment, and a time without an offset is in UTC.

    Raises:
        UsageError: It is none.
    """
    try:
        time = dt.datetime.fromisoformat(text)
        # At the ends of the calendar, no offset can be taken away.
        return format_time(time if time.tzinfo else time.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text} is neither a date nor a time",
            code="option_invalid",
            hint="Write a date or time such as 2026-11-01 or 2026-11-01T08:00:00Z.",
        ) from None
