"""Describe a format of output: the endings of its files, and how its writer is made."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from graphdaemon.output.fields import Record
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import Stream


class Writer(Protocol):
    """Writes records in one format."""

    def write(self, records: Sequence[Record]) -> None:
        """Write some records, such as those of a page."""

    def finish(self) -> None:
        """Write what comes after the last record, and flush the stream."""


class Format(NamedTuple):
    """
    One format of output.

    Attributes:
        suffixes: The endings of its file names.
        make: Returns a writer to a stream; raises `UsageError` if a package is missing. The number
            is the width of the terminal in character cells; None if the stream is not a terminal.
        has_columns: Whether it shows a choice of properties, each in a column.
        is_binary: Whether it cannot be shown on a terminal.
        is_verbatim: Whether it writes the bytes of each record unchanged, as a line.
        compresses_itself: Whether the content of its files is compressed by the format itself, so
            that no compression is put around it.
    """

    suffixes: tuple[str, ...]
    make: Callable[[Stream, OutputSpec, int | None], Writer]
    has_columns: bool = False
    is_binary: bool = False
    is_verbatim: bool = False
    compresses_itself: bool = False
