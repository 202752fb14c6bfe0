"""The numbers in the headers of an answer of Graph, or of a part of a batch."""

import time

from graphdaemon.received.numbers import read_date, read_number

LONGEST_WAIT_S = 300.0
"""If Graph asks for a longer wait than this, the request fails instead of waiting."""

# A year: whoever asks for a longer wait is read as asking for this one.
_LONGEST_READ_S = 31_536_000.0

# Documented costs are single digits, and loads go up to 1.8 ("Microsoft Graph service-specific
# throttling limits"; "Microsoft Graph throttling guidance").
_MOST_UNITS = 100.0
_HIGHEST_LOAD = 2.0


def read_wait(value: str | None) -> float | None:
    """
    Read `Retry-After` as seconds to wait, or None if it is absent or cannot be read.

    It is a number, which may have a fraction (Graph's own documentation), or an HTTP date.
    """
    if not value:
        return None
    wait = read_number(value, most=1e39)
    if wait is None:
        moment = read_date(value)
        # By this machine's clock: if that is wrong, so is the wait, which `LONGEST_WAIT_S` limits.
        wait = max(0.0, moment - time.time()) if moment is not None else None
    return min(wait, _LONGEST_READ_S) if wait is not None else None


def read_cost(value: str | None) -> float | None:
    """
    Read `x-ms-resource-unit`, resource units; None if it is absent or no sensible number.

    A negative, endless or huge one would spoil the picture of the throttle budget for good.
    """
    return read_number(value, most=_MOST_UNITS)


def read_load(value: str | None) -> float | None:
    """
    Read `x-ms-throttle-limit-percentage`: how full the budget is, 1.0 being full.

    None if it is absent or no sensible number.
    """
    return read_number(value, most=_HIGHEST_LOAD)
