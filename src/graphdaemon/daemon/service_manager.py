"""
What systemd is told about the service: that it is ready, alive, reading settings, or ending.

Source: sd_notify(3) and "Native Integration" there: datagrams to the socket that `NOTIFY_SOCKET`
names, whose name in the abstract namespace begins with `@`; `WATCHDOG_USEC` and `WATCHDOG_PID`
(sd_watchdog_enabled(3)). Under another service manager there is no such socket, and nothing
happens.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from graphdaemon.daemon.events import DaemonEvent

_LONGEST = 200


class ServiceManager:
    """
    Tells systemd of the service's state.

    Args:
        environment: The variables of the process.

    Attributes:
        watchdog: After how many seconds without a sign of life systemd restarts the service; None
            where it does not watch.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _read_address(environment)
        self.watchdog = _read_watchdog(environment)
        self._fed = float("-inf")

    def tell(self, event: DaemonEvent) -> None:
        """Pass on an event that changes the service's state, or says what it does."""
        status = f"STATUS={event.sentence}"
        match event.name:
            # What ends RELOADING=1 (Type=notify-reload) is READY=1, however it went. Whoever
            # stands by is ready, too: there is nothing that a restart would mend.
            case "ready" | "standby" | "reloaded" | "reload_failed":
                self.send("READY=1", status)
            case "stopping":
                self.send("STOPPING=1", status)
            case "started" | "synced" | "failed" | "store_failed" | "store_recovered":
                self.send(status)

    def note_reload(self) -> None:
        """Say that the settings are being read again."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.send("RELOADING=1", f"MONOTONIC_USEC={microseconds}")

    def feed_watchdog(self, now: float) -> None:
        """
        Give a sign of life, if one is due: twice in the time after which systemd acts.

        Args:
            now: The monotonic time, in seconds.
        """
        if self.watchdog is not None and now - self._fed >= self.watchdog / 2:
            self._fed = now
            self.send("WATCHDOG=1")

    def send(self, *assignments: str) -> None:
        """Send assignments such as `READY=1`; whether anybody hears them is not our business."""
        if self._address is None:
            return
        # A line break within one would begin another.
        lines = (" ".join(one.split())[:_LONGEST] for one in assignments)
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)


def _read_address(environment: Mapping[str, str]) -> str | None:
    name = environment.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    return f"\0{name[1:]}" if name.startswith("@") else name


def _read_watchdog(environment: Mapping[str, str]) -> float | None:
    try:
        seconds = int(environment["WATCHDOG_USEC"]) / 1e6
        process = int(environment.get("WATCHDOG_PID", os.getpid()))
    except (KeyError, ValueError):
        return None
    return seconds if seconds > 0 and process == os.getpid() else None
