"""Records as a test writes them down, and what comes of them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec
from hypothesis import strategies as st

from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec


def records(*values: object) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(value, ensure_ascii=False).encode()) for value in values]


def written(spec: OutputSpec, *values: object) -> bytes:
    """What comes out of a stream for these records, two a page."""
    stream = io.BytesIO()
    with Sink(spec, io.TextIOWrapper(stream)) as sink:
        for start in range(0, len(values), 2):
            sink.write(records(*values[start : start + 2]))
        sink.finish()
        return stream.getvalue()


# No lone surrogates: there is no UTF-8 for them, and Graph's pages are UTF-8.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


def ndjson(values: Sequence[object]) -> bytes:
    return b"".join(bytes(record) + b"\n" for record in records(*values))


COLUMNS = ("displayName", "id")
ROWS = [{"id": str(number), "displayName": f"Ana {number}"} for number in range(50)]


def write_file(spec: OutputSpec, *rows: object, corrections: Any = None) -> None:
    with Sink(spec, None) as sink:
        for start in range(0, len(rows), 7):
            sink.write(records(*rows[start : start + 7]))
        if corrections:
            sink.correct(corrections)
        sink.finish()


def at(spec: OutputSpec, path: Path, **changes: Any) -> OutputSpec:
    return spec._replace(file=path, **changes)


class BrokenFile(io.RawIOBase):
    """A stream that fails as a pipe or a disk does."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(self._number, os.strerror(self._number))


def output(number: int) -> TextIO:
    # A buffer of one byte: every write reaches the stream at once.
    return io.TextIOWrapper(io.BufferedWriter(BrokenFile(number), 1))
