"""Writes exchanges into a file as they come, redacted."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from entra_emulator.private_files import make_draft
from entra_emulator.traffic.recording.lines import (
    RecordingError,
    is_header,
    write_entry,
    write_header,
)
from entra_emulator.traffic.recording.redaction import Redaction
from entra_emulator.web.exchange import Exchange


class Recorder:
    """
    A recording that is being made; every exchange is in the file as soon as it is noted.

    Args:
        path: the file. An earlier recording is replaced, and any other file is left alone.
        started: the moment, in seconds since 1970.
        redaction: what takes secrets and names out.

    Attributes:
        count: how many exchanges are in it.

    Raises:
        RecordingError: there is a file that is no recording.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, started: float, redaction: Redaction | None = None) -> None:
        self.count = 0
        self._redaction = redaction or Redaction()
        self._path = path
        _check_replaceable(path)
        with naming_file(path), make_draft(path.parent) as draft:
            self._file = draft.open("ab", buffering=0)
            try:
                self._write(write_header(started))
                # Under its name from now on: whoever is killed leaves what there is.
                draft.replace(path)
            except OSError:
                self._file.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, exchange: Exchange) -> None:
        """
        Write an exchange.

        Raises:
            OSError: there is no room for it; the file ends with the one before.
        """
        line = write_entry(self._redaction.redact(exchange))
        with naming_file(self._path):
            self._write(line)
        self.count += 1

    def close(self) -> None:
        """End the recording."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        end = self._file.tell()
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError:
            os.ftruncate(self._file.fileno(), end)
            raise


@contextlib.contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """
    Let every `OSError` name the recording, and not a draft or nothing.

    Raises:
        OSError: as it came, with the path.
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _check_replaceable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            line = file.readline(1000)
    except FileNotFoundError:
        return
    if line and not is_header(line):
        raise RecordingError(
            f"{path} is there, and no recording. Name another file, or move it away."
        )
