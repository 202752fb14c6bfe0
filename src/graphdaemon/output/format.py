"""What a format is: the names of its files, and how its writer is made."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from graphdaemon.output.fields import Record
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import Stream


class Writer(Protocol):
    """Writes records; one call a page."""

    def write(self, records: Sequence[Record]) -> None:
        """Write some records."""

    def finish(self) -> None:
        """Write what comes after the last."""


class Format(NamedTuple):
    """
    One format of output.

    Attributes:
        suffixes: The endings of file names that stand for it.
        make: Returns its writer to a stream; raises `UsageError` where a package is missing. The
            number says how many cells a line of the terminal has; None where there is no terminal.
        has_columns: It shows some properties of a record, each in its column.
        is_binary: A terminal can show nothing of it.
        is_verbatim: It writes a record's own bytes, a line each.
        compresses_itself: It compresses inside the file, so that nothing around it does.
    """

    suffixes: tuple[str, ...]
    make: Callable[[Stream, OutputSpec, int | None], Writer]
    has_columns: bool = False
    is_binary: bool = False
    is_verbatim: bool = False
    compresses_itself: bool = False
