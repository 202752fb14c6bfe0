"""Read the numbers in the headers of an answer of Graph, or of the answer to a part of a batch."""

import time

from graphdaemon.received.numbers import read_date, read_number

LONGEST_WAIT_S = 300.0
"""If Graph asks for a wait of more seconds than these, the request fails instead of waiting."""

# A year: a longer wait is read as this one.
_LONGEST_READ_S = 31_536_000.0

# Documented costs are single digits, and loads go up to 1.8 ("Microsoft Graph service-specific
# throttling limits"; "Microsoft Graph throttling guidance").
_MOST_UNITS = 100.0
_HIGHEST_LOAD = 2.0


def read_wait(value: str | None) -> float | None:
    """
    Return the seconds to wait that `Retry-After` asks for; None if it is absent or unreadable.

    The value is a number, which may have a fraction (Graph's documentation), or an HTTP date.
    """
    if not value:
        return None
    wait = read_number(value, most=1e39)
    if wait is None:
        moment = read_date(value)
        # If the clock of this machine is wrong, so is this wait; callers limit it by
        # `LONGEST_WAIT_S`.
        wait = max(0.0, moment - time.time()) if moment is not None else None
    return min(wait, _LONGEST_READ_S) if wait is not None else None


def read_cost(value: str | None) -> float | None:
    """
    Return the resource units in `x-ms-resource-unit`; None if absent, or not between 0 and 100.

    A negative, infinite or huge number would spoil the estimate of the throttle budget for good.
    """
    return read_number(value, most=_MOST_UNITS)


def read_load(value: str | None) -> float | None:
    """
    Return the load in `x-ms-throttle-limit-percentage`: 1.0 means that the budget is used up.

    None if it is absent, or not between 0 and 2.
    """
    return read_number(value, most=_HIGHEST_LOAD)
