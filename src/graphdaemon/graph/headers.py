"""The numbers in the headers of an answer of Graph."""

import email.utils
import time


def read_wait(value: str | None) -> float | None:
    """
    Read `Retry-After` as seconds to wait, or None if it is absent or cannot be read.

    It is a number, which may have a fraction (Graph's own documentation), or an HTTP date.
    """
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        # By this machine's clock: if that is wrong, so is the wait, which `LONGEST_WAIT_S` limits.
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def read_amount(value: str | None) -> float | None:
    """
    Read a cost in resource units, or a load; None if it is absent or no sensible number.

    A negative, endless or huge one would spoil the picture of the throttle budget for good.
    """
    try:
        amount = float(value or "")
    except ValueError:
        return None
    return amount if 0 <= amount < 1_000_000 else None
