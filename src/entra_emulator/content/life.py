"""
A directory that goes on living: people come, move, marry and go, groups with them.

Each change is one small transaction by the same operations that requests use,
so that delta queries and lagging replicas know of it.
"""

import logging
import re
import threading
import time

from entra_emulator.content.life_events import EVENTS, Event, Scene, hire
from entra_emulator.content.seeding.draw import Draw, pick_weighted
from entra_emulator.directory.directory import Directory

# Changes in a second; more would be no life but a load test.
MOST_RATE = 1000.0

# In an empty directory little can happen but that somebody is hired.
ATTEMPTS = 20

_RATE = re.compile(r"(?P<number>\d+(\.\d+)?)/(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_log = logging.getLogger(__name__)


def parse_rate(text: str) -> float:
    """
    Changes in a second of `5/s`, `300/m`, `10/h` or `20/d`.

    Raises:
        ValueError: it is none of these, nothing, or too much.
    """
    found = _RATE.fullmatch(text)
    rate = float(found["number"]) / _SECONDS[found["unit"]] if found else 0.0
    if not 0 < rate <= MOST_RATE:
        raise ValueError(f"{text!r} is no rate: say 5/s, 300/m or 10/h, at most {MOST_RATE:.0f}/s")
    return rate


class Life:
    """
    The life of a directory's first tenant.

    The same seed makes the same changes in the same directory.

    Args:
        directory: what lives.
        seed: how.
    """

    def __init__(self, directory: Directory, seed: int = 0) -> None:
        self._directory = directory
        self._seed = seed
        self._count = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.rate = 0.0  # changes in a second; 0 while nothing happens by itself

    @property
    def count(self) -> int:
        """How many changes there have been."""
        return self._count

    def start(self, rate: float, seed: int | None = None) -> None:
        """
        Change something so many times a second from now on.

        Args:
            rate: changes in a second.
            seed: begin a new life, with this seed.

        Raises:
            ValueError: the rate is nothing, or too much.
        """
        if not 0 < rate <= MOST_RATE:
            raise ValueError(f"a rate is above 0 and at most {MOST_RATE:.0f} a second")
        self.stop()
        if seed is not None:
            self._seed, self._count = seed, 0
        self._stopped.clear()
        self.rate = rate
        self._thread = threading.Thread(target=self._run, args=(rate,), name="life", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let nothing happen by itself any more; what is under way is finished."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.rate = 0.0

    def step(self, number: int = 1) -> list[Event]:
        """Make that many changes now; fewer when there is no tenant."""
        events = []
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
            # Who could not keep up does not make up for it.
            due = max(due + 1 / rate, time.monotonic() - 1)
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def _change(self) -> Event | None:
        tenants = self._directory.tenants.list_all()
        if not tenants:
            return None
        self._count += 1
        with self._directory.transaction():
            for attempt in range(ATTEMPTS):
                draw = Draw(self._seed, f"change {self._count} {attempt}")
                happen = pick_weighted(draw.number(100), EVENTS)
                event = happen(Scene(self._directory, tenants[0], draw))
                if event is not None:
                    return event
            return hire(Scene(self._directory, tenants[0], draw))
