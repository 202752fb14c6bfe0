"""
A change feed in a file: appended lines of JSON.

A process that is killed leaves no partial line.
"""

import os
from pathlib import Path

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError
from graphdaemon.sharing.file_lock import locked
from graphdaemon.sharing.private_files import ForeignFileError, is_own, open_private
from graphdaemon.sync.feed import LINE_BEGINNING, Delivery

# A line is looked for backwards, in pieces of this size.
_PIECE = 65_536


class FileFeed:
    """
    Appends a line for each change to a file, which only its owner may read.

    Args:
        path: The file.
    """

    most = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"file:{path.absolute()}"

    async def deliver(self, delivery: Delivery) -> None:
        """
        Append a line for each change. They are on the disk on return.

        Raises:
            OutputError: The file cannot be written, or was not written by graphdaemon.
        """
        append_lines(self._path, delivery.lines())


def append_lines(path: Path, lines: bytes) -> None:
    """
    Append whole lines of a feed to a file.

    Raises:
        OutputError: It cannot be written, or was not written by graphdaemon. Nothing was appended.
    """
    try:
        descriptor = open_private(path)
        try:
            # Syncs of other tenants or stores may tell into the same file.
            with locked(descriptor):
                _append(path, descriptor, lines)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}",
            code="file_foreign" if isinstance(error, ForeignFileError) else "output_failed",
            hint=f"{advise(error.errno)} Then run it again: the feed goes on where it stopped.",
        ) from error


def _append(path: Path, descriptor: int, lines: bytes) -> None:
    end = _find_end(path, descriptor)
    os.lseek(descriptor, end, os.SEEK_SET)
    os.ftruncate(descriptor, end)
    try:
        _write_all(descriptor, lines)
        os.fsync(descriptor)
    except BaseException:
        # What was written in part would be taken for a line.
        os.ftruncate(descriptor, end)
        raise


def _find_end(path: Path, descriptor: int) -> int:
    """Return where the last whole line ends: what is behind it was broken off by a kill."""
    if not is_own(os.pread(descriptor, len(LINE_BEGINNING), 0), LINE_BEGINNING):
        raise ForeignFileError(path)
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(0, end - _PIECE)
        at = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
