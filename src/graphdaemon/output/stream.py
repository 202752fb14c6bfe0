"""Write bytes to a file or a pipe, and name what it means when that fails."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputClosedError, OutputError


class Stream(Protocol):
    """What a writer writes to: a binary file, a file in the making, a compressor."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""

    def flush(self) -> object:
        """Pass on what was written."""


def put(stream: Stream, data: bytes) -> None:
    """
    Write `data`.

    Raises:
        OutputError: There is no room, or something else is wrong with the place.
        OutputClosedError: Whatever read it has closed it.
    """
    with explaining_failure():
        stream.write(data)


def flush(stream: Stream) -> None:
    """Pass on what was written; fails as `put` does."""
    with explaining_failure():
        stream.flush()


def bytes_of(stdout: TextIO | None) -> BinaryIO:
    """
    The bytes below standard output.

    Raises:
        OutputError: A shell closed it.
    """
    if stdout is None:
        raise OutputError(
            "there is no standard output to write to",
            code="output_failed",
            hint="Leave stdout open, or name a file with --output.",
        )
    return stdout.buffer


@contextmanager
def explaining_failure(path: Path | str | None = None) -> Iterator[None]:
    """Turn what the operating system says of an output, or of the file `path`, into our errors."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        reason = error.strerror or error
        other = "write to a file with --output" if path is None else "name another file"
        raise OutputError(
            f"the output could not be written: {reason}; what is there is not the whole"
            if path is None
            else f"{path} could not be written: {reason}",
            code="output_failed",
            hint=advise(error.errno, other),
        ) from error


def terminal_width() -> int:
    """How many cells a line of the terminal has."""
    # Brings bz2 and lzma along; only a terminal pays for them.
    import shutil

    return shutil.get_terminal_size().columns


class ByteStream(io.RawIOBase):
    """
    A `Stream` as the file object that other people's writers want.

    It takes nothing but within `open`: such writers end their file when they are collected as
    garbage, and one that was broken off must not be taken for the whole.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._position = 0
        self._is_open = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Pass on what is written inside this context; outside it, writes are dropped."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False

    def writable(self) -> bool:
        """Return True: the one thing this file is for."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written so far."""
        return self._position

    def write(self, data: Any, /) -> int:
        """Write bytes, or any object with the buffer protocol."""
        taken = bytes(data)
        if self._is_open:
            put(self._stream, taken)
        self._position += len(taken)
        return len(taken)
