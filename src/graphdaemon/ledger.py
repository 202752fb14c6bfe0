"""One throttle budget for all processes on this host: a small file that each locks in turn."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from graphdaemon.errors import OutputError
from graphdaemon.pace import Bucket

_SIZE = 4096


class SharedLedger:
    """
    A bucket in a file.

    The clock in it is the machine's own, which begins anew when the machine does: a bucket from
    before that is an empty one.

    Args:
        path: The file; made if it is not there.

    Raises:
        OutputError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Locks on files are a process's, not a thread's.
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A number, not a file object: it stays open as long as the process lives.
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(
                f"the budget file {path} cannot be used: {error.strerror}",
                code="budget_file_unusable",
                hint="Name a file in a folder that all of the processes may write to.",
            ) from error

    @contextlib.contextmanager
    def open(self) -> Iterator[Bucket]:
        """The bucket, for as long as nobody else on this host has it."""
        with self._lock, _locked(self._file):
            os.lseek(self._file, 0, os.SEEK_SET)
            bucket = _read(os.read(self._file, _SIZE))
            yield bucket
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, msgspec.json.encode(bucket).ljust(_SIZE))


def _read(text: bytes) -> Bucket:
    try:
        return msgspec.json.decode(text.strip(), type=Bucket)
    except msgspec.DecodeError:
        return Bucket()


@contextlib.contextmanager
def _locked(file: int) -> Iterator[None]:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _SIZE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(file, _SIZE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
