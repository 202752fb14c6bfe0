"""Whether a daemon is alive and ready, which is what supervisors want to know."""

from typing import Any, Protocol

# The loop turns at least every thirty seconds.
STILL_S = 120.0


class Vitals(Protocol):
    """
    The state of a daemon. Only its event loop changes it.

    Attributes:
        turned: When its loop last ran, in monotonic seconds.
        ready: The store is open, and the settings have been read.
        standby: Another process writes to the store, and this one waits until it ends.
        stopping: It accepts no new work.
        store_error: Why the store cannot be used; None if it can.
        running: What it is working on, and since when.
    """

    turned: float
    ready: bool
    standby: bool
    stopping: bool
    store_error: Any
    running: dict[str, float]


def say_health(vitals: Vitals, now: float) -> tuple[bool, str]:
    """
    Say whether the daemon is alive, and briefly why.

    Args:
        vitals: Its state.
        now: The monotonic time, in seconds.
    """
    still = now - vitals.turned
    if still > STILL_S:
        return False, f"the loop has not run for {still:.0f} s"
    return True, "ok"


def say_readiness(vitals: Vitals) -> tuple[bool, str]:
    """Say whether the daemon does its work, and if not, briefly why."""
    if vitals.stopping:
        return False, "ending"
    if vitals.standby:
        return False, "standing by: another process writes to the store"
    if vitals.store_error is not None:
        return False, f"the store cannot be used ({vitals.store_error.code})"
    if not vitals.ready:
        return False, "starting"
    return True, "ok"
