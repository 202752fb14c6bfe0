"""JSON: one object with all records, indented so that it is easy to read."""

from collections.abc import Sequence

import msgspec

from graphdaemon.output.fields import Record
from graphdaemon.output.format import Format
from graphdaemon.output.stream import Stream, flush, put


class JsonWriter:
    """
    Writes an object with the records in `value`, indented by two, as Microsoft's sample prints it.

    With `single`, it writes the one record without such an object around it.
    """

    def __init__(self, stream: Stream, *, single: bool = False) -> None:
        self._stream = stream
        self._single = single
        self._separator = b'{\n  "value": [\n    '

    def write(self, records: Sequence[Record]) -> None:
        """Write some elements of `value`."""
        parts = []
        for record in records:
            indented = msgspec.json.format(bytes(record), indent=2)
            if self._single:
                parts += [indented, b"\n"]
                continue
            # Line breaks inside texts are escaped, so every real one is indentation.
            parts += [self._separator, indented.replace(b"\n", b"\n    ")]
            self._separator = b",\n    "
        if parts:
            put(self._stream, b"".join(parts))

    def finish(self) -> None:
        """Close the list and the object."""
        if not self._single:
            empty = not self._separator.startswith(b",")
            put(self._stream, b'{\n  "value": []\n}\n' if empty else b"\n  ]\n}\n")
        flush(self._stream)


FORMAT = Format(
    suffixes=(".json",),
    make=lambda stream, spec, _: JsonWriter(stream, single=spec.single),
)
