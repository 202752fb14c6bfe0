"""NDJSON: one record a line, byte for byte as Graph sent it."""

from collections.abc import Sequence

import msgspec

from graphdaemon.graph.lines import Lines
from graphdaemon.output.fields import Record
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put


class NdjsonWriter:
    """One record a line, byte for byte as Graph sent it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, records: Sequence[Record]) -> None:
        """Write some lines."""
        if records:
            put(self._stream, join_lines(records))

    def finish(self) -> None:
        """Make sure the last line is out."""
        flush(self._stream)


def join_lines(records: Sequence[Record]) -> bytes:
    """The records, each with a line break; line breaks within one, between its tokens, go."""
    if isinstance(records, Lines):
        return records.text
    # To join twice and look takes half as long as to join once and count.
    together = b"".join(records)
    if b"\n" in together or b"\r" in together:
        lines = [msgspec.json.format(bytes(record), indent=-1) for record in records]
        return b"\n".join([*lines, b""])
    return b"\n".join([*records, b""])


FORMAT = Format(
    suffixes=(".ndjson", ".jsonl"),
    make=lambda stream, *_: NdjsonWriter(stream),
    is_verbatim=True,
)
