"""The exchanges with an emulator's application, kept for its report."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from entra_emulator.control.control import PREFIX
from entra_emulator.server.exchange_queue import ExchangeQueue
from entra_emulator.traffic.recording.recorder import Recorder
from entra_emulator.traffic.report.call_log import CallLog
from entra_emulator.traffic.report.report import Report
from entra_emulator.web.exchange import Note, watch_exchanges
from entra_emulator.web.pages.request import PREFIX as PORTAL


class WatchedCalls:
    """
    What programs ask, from when the application is watched on.

    Args:
        report: keep what the report needs.
        record: keep every exchange in this file, redacted.
    """

    def __init__(self, *, report: bool, record: Path | None = None) -> None:
        self._calls = CallLog() if report else None
        self._record = record
        self._exchanges: ExchangeQueue | None = None

    def watch(self, stack: contextlib.ExitStack, app: ASGIApp, now: Callable[[], float]) -> ASGIApp:
        """
        The application, each of whose exchanges goes to those who asked for them.

        Raises:
            RecordingError: the file to record into is there, and no recording.
            OSError: it cannot be written.
        """
        receivers: list[Note] = [] if self._calls is None else [self._calls.note]
        if self._record is not None:
            recorder = stack.enter_context(Recorder(self._record, now()))
            receivers.append(recorder.note)
        if not receivers:
            return app
        self._exchanges = ExchangeQueue(receivers).start()
        stack.callback(self._exchanges.close)
        return watch_exchanges(app, self._exchanges.note, now, (f"{PREFIX}/", PORTAL))

    def report(self) -> Report:
        """
        What the programs that called did so far, and had better do otherwise.

        Raises:
            RuntimeError: nothing is kept for it.
        """
        if self._calls is None or self._exchanges is None:
            raise RuntimeError("the emulator keeps no calls: start it with report=True")
        self._exchanges.wait()
        return self._calls.report()

    def forget(self) -> None:
        """Forget what the report is made of, and begin anew."""
        if self._calls is not None and self._exchanges is not None:
            self._exchanges.wait()
            self._calls.clear()
