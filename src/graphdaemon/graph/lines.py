"""The records of a page as lines of one text, from which a record is cut out when it is needed."""

from collections.abc import Iterator, Sequence
from typing import overload

import msgspec


class Lines(Sequence[msgspec.Raw]):
    """
    Records that are the lines of one text; no record contains a line break.

    Code that only counts the records, or writes all of them, need not make a thousand objects of
    each page.

    Args:
        text: The lines, each with its line break.
        ends: The offset of the end of each line, which is the one after its line break.

    Attributes:
        text: The lines, as they were given.
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
        """Return the text of all records, with `separator` between them."""
        return self.text[:-1].replace(b"\n", separator)

    def _cut(self, at: int) -> msgspec.Raw:
        return msgspec.Raw(self.text[self._ends[at - 1] if at else 0 : self._ends[at] - 1])
