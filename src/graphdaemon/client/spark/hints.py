"""What goes wrong, as Spark shows it: a traceback, which has notes, and not an error's own hint."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphdaemon.errors import Error


@contextmanager
def explaining() -> Iterator[None]:
    """Add code and hint of an error that leaves the block to what a traceback shows of it."""
    try:
        yield
    except Error as error:
        error.add_note(f"({error.code}) {error.hint or ''}".rstrip())
        raise
