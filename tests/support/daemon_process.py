"""The real daemon as a child process, with what it says line by line."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.run_command import clean_environment

PATIENCE_S = 60.0


class DaemonProcess:
    """A process, and the lines that it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until that many further lines with `text` were said."""
        end = time.monotonic() + PATIENCE_S
        while count:
            line = self._queue.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"it ended without {text}: {''.join(self.lines)}"
            count -= text in line

    def end(self, number: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def said(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            self._queue.put(line)
        self._queue.put(None)


@contextmanager
def run_daemon_process(
    *arguments: object, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[DaemonProcess]:
    """`graphdaemon run`, killed at the end of the block if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", "run", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env=clean_environment() | {"PYTHONUTF8": "1"} | dict(environment or {}),
    ) as process:
        try:
            yield DaemonProcess(process)
        finally:
            process.kill()
