"""Write bytes to a file or a pipe, and explain failures of that."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputClosedError, OutputError


class Stream(Protocol):
    """Where a writer writes to: a binary file, an `AtomicFile` or a `CompressedStream`."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`."""

    def flush(self) -> object:
        """Pass everything that was written on to the operating system."""


def put(stream: Stream, data: bytes) -> None:
    """
    Write all of `data` to `stream`.

    Raises:
        OutputError: The disk is full, or writing failed for another reason.
        OutputClosedError: The reader of a pipe has closed it.
    """
    with explaining_failure():
        stream.write(data)


def flush(stream: Stream) -> None:
    """Flush `stream`; raises the errors of `put`."""
    with explaining_failure():
        stream.flush()


def bytes_of(stdout: TextIO | None) -> BinaryIO:
    """
    Return the binary stream below standard output.

    Raises:
        OutputError: Standard output is closed.
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
    """
    Turn errors of the operating system in the block into `OutputError` and `OutputClosedError`.

    Args:
        path: The file that the message names; None for an output that was begun.
    """
    try:
        yield
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        reason = error.strerror or error
        other = "write to a file with --output" if path is None else "name another file"
        raise OutputError(
            f"the output could not be written: {reason}; what was written is incomplete"
            if path is None
            else f"{path} could not be written: {reason}",
            code="output_failed",
            hint=advise(error.errno, other),
        ) from error


def terminal_width() -> int:
    """Return the width of the terminal in character cells."""
    # This imports bz2 and lzma, which is needed only on a terminal.
    import shutil

    return shutil.get_terminal_size().columns


class ByteStream(io.RawIOBase):
    """
    A `Stream` as a file object, for the writers of other packages.

    It drops everything that is written outside `open`. Such writers write the end of their file
    when they are garbage-collected, and an incomplete file must not look complete.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._position = 0
        self._is_open = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Pass on to the stream what is written in the block."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written so far, dropped ones included."""
        return self._position

    def write(self, data: Any, /) -> int:
        """Write bytes, or any object with the buffer protocol, and return their number."""
        taken = bytes(data)
        if self._is_open:
            put(self._stream, taken)
        self._position += len(taken)
        return len(taken)
