"""The numbers in the headers of an answer of Graph."""

import email.utils
import time


def read_wait(value: str | None) -> float | None:
    """Seconds to wait: a number, fractional too (Graph's own documentation), or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
