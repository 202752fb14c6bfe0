"""Whether a daemon lives, and whether it is ready: what supervisors ask."""

from typing import Any, Protocol

# The loop turns at least every thirty seconds.
STILL_S = 120.0


class Vitals(Protocol):
    """
    How a daemon is; all of it changes in its event loop alone.

    Attributes:
        turned: When its loop turned last, in monotonic seconds.
        ready: The store is open, and the settings are read.
        standby: Another process writes to the store, and this one waits for its end.
        stopping: It takes no new work.
        store_error: Why the store cannot be used; None if it can.
        running: What it works at, and since when.
    """

    turned: float
    ready: bool
    standby: bool
    stopping: bool
    store_error: Any
    running: dict[str, float]


def say_health(vitals: Vitals, now: float) -> tuple[bool, str]:
    """
    Say whether the daemon lives, and in a few words why.

    Args:
        vitals: How it is.
        now: The monotonic time, in seconds.
    """
    still = now - vitals.turned
    if still > STILL_S:
        return False, f"the loop has not turned for {still:.0f} s"
    return True, "ok"


def say_readiness(vitals: Vitals) -> tuple[bool, str]:
    """Say whether the daemon does its work, and in a few words why it does not."""
    if vitals.stopping:
        return False, "ending"
    if vitals.standby:
        return False, "standing by: another process writes to the store"
    if vitals.store_error is not None:
        return False, f"the store cannot be used ({vitals.store_error.code})"
    if not vitals.ready:
        return False, "starting"
    return True, "ok"
