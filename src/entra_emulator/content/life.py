"""
Let a directory change by itself: people are hired, move, marry and leave, groups with them.

Each change is one small transaction by the same operations that requests use,
so that delta queries and lagging replicas see it.
"""

import logging
import re
import threading
import time

from entra_emulator.content.life_events import EVENTS, Event, Scene, hire
from entra_emulator.content.seeding.draw import Draw, pick_weighted
from entra_emulator.directory.directory import Directory

# Changes in a second.
MOST_RATE = 1000.0

# Draws of a change that is possible, before somebody is hired instead: an empty directory allows
# little else.
ATTEMPTS = 20

_RATE = re.compile(r"(?P<number>\d+(\.\d+)?)/(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_log = logging.getLogger(__name__)


def parse_rate(text: str) -> float:
    """
    Changes in a second of `5/s`, `300/m`, `10/h` or `20/d`.

    Raises:
        ValueError: it has another form, is 0, or more than MOST_RATE.
    """
    match = _RATE.fullmatch(text)
    rate = float(match["number"]) / _SECONDS[match["unit"]] if match else 0.0
    if not 0 < rate <= MOST_RATE:
        raise ValueError(f"{text!r} is no rate: say 5/s, 300/m or 10/h, at most {MOST_RATE:.0f}/s")
    return rate


class Life:
    """
    Changes a directory's first tenant, by itself or step by step.

    The same seed makes the same changes in the same directory.
    """

    def __init__(self, directory: Directory, seed: int = 0) -> None:
        self._directory = directory
        self._seed = seed
        self.count = 0  # how many changes there have been
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.rate = 0.0  # changes in a second; 0 while nothing happens by itself

    def start(self, rate: float, seed: int | None = None) -> None:
        """
        Make that many changes a second from now on; with a seed, start anew with it.

        Raises:
            ValueError: the rate is 0 or less, or more than MOST_RATE.
        """
        if not 0 < rate <= MOST_RATE:
            raise ValueError(f"a rate is above 0 and at most {MOST_RATE:.0f} a second")
        self.stop()
        if seed is not None:
            self._seed, self.count = seed, 0
        self._stopped.clear()
        self.rate = rate
        self._thread = threading.Thread(target=self._run, args=(rate,), name="life", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Make no more changes; one that is under way is finished."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.rate = 0.0

    def step(self, number: int = 1) -> list[Event]:
        """Make that many changes now; fewer when there is no tenant."""
        events = []
        # The count decides what happens, so that two threads must not make the same change.
        with self._lock:
            for _ in range(number):
                event = self._change()
                if event is not None:
                    events.append(event)
        return events

    def _run(self, rate: float) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            try:
                self.step()
            except Exception:  # noqa: BLE001 - nobody waits for this thread; the log says why
                _log.exception("The directory's life has ended")
                return
            # At most a second of missed changes is made up for.
            due = max(due + 1 / rate, time.monotonic() - 1)
            self._stopped.wait(min(max(0.0, due - time.monotonic()), threading.TIMEOUT_MAX))

    def _change(self) -> Event | None:
        tenants = self._directory.tenants.list_all()
        if not tenants:
            return None
        self.count += 1
        with self._directory.transaction():
            for attempt in range(ATTEMPTS):
                draw = Draw(self._seed, f"change {self.count} {attempt}")
                happen = pick_weighted(draw.number(100), EVENTS)
                event = happen(Scene(self._directory, tenants[0], draw))
                if event is not None:
                    return event
            return hire(Scene(self._directory, tenants[0], draw))
