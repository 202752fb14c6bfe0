"""The calls of a program as they come, of which the newest are kept."""

import threading
from collections import deque

from entra_emulator.traffic.report.logged_call import LoggedCall, read_calls
from entra_emulator.traffic.report.report import Report, make_report
from entra_emulator.web.exchange import Exchange

# A call takes about a kilobyte: these fit into the memory of any machine that runs an emulator.
SIZE = 200_000


class CallLog:
    """The newest `size` calls."""

    def __init__(self, size: int = SIZE) -> None:
        self._lock = threading.Lock()
        self._calls: deque[LoggedCall] = deque(maxlen=size)
        self._total = 0

    def note(self, exchange: Exchange) -> None:
        """Keep what the report needs of an exchange."""
        calls = read_calls(exchange)
        with self._lock:
            self._total += len(calls)
            self._calls.extend(calls)

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._calls.clear()
            self._total = 0

    def report(self) -> Report:
        """What can be said of the calls so far."""
        with self._lock:
            calls, forgotten = list(self._calls), self._total - len(self._calls)
        return make_report(calls, forgotten=forgotten)
