"""The records of a page as one text, a line each, of which one is cut out when it is looked at."""

from collections.abc import Iterator, Sequence
from typing import overload

import msgspec


class Lines(Sequence[msgspec.Raw]):
    """
    Records that stand in `text`, one a line, with no line break in any of them.

    What only counts or writes them need not cut a thousand records out of each page.

    Args:
        text: The lines, each with its line break.
        ends: Where each ends, behind the line break.

    Attributes:
        text: The same.
    """

    def __init__(self, text: bytes, ends: Sequence[int]) -> None:
        self.text = text
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> msgspec.Raw: ...
    @overload
    def __getitem__(self, place: slice) -> list[msgspec.Raw]: ...
    def __getitem__(self, place: int | slice) -> msgspec.Raw | list[msgspec.Raw]:
        if isinstance(place, slice):
            return [self._cut(at) for at in range(len(self))[place]]
        return self._cut(range(len(self))[place])

    def __iter__(self) -> Iterator[msgspec.Raw]:
        begin = 0
        for end in self._ends:
            yield msgspec.Raw(self.text[begin : end - 1])
            begin = end

    def join(self, separator: bytes) -> bytes:
        """Return the records, with `separator` between them."""
        return self.text[:-1].replace(b"\n", separator)

    def _cut(self, at: int) -> msgspec.Raw:
        return msgspec.Raw(self.text[self._ends[at - 1] if at else 0 : self._ends[at] - 1])
