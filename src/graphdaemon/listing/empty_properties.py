"""Find the properties that have no value in any record: not set, or not readable."""

from collections.abc import Iterable, Sequence

import msgspec

from graphdaemon.graph.page import read_record

# How many records are examined on the first page, where nearly every property has a value
# somewhere, and on each later page. Decoding all records would take longer than reading the pages.
_ON_FIRST_PAGE = 200
_ON_LATER_PAGES = 4


class EmptyProperties:
    """
    Finds properties that are null or absent in every record that it examines.

    If a token may not read a property, Graph sends null in its place, and no error
    (microsoft-graph-docs #2790).

    Args:
        select: The properties that were selected; empty for those that Graph returns by default.
    """

    def __init__(self, select: Sequence[str]) -> None:
        self._select = select
        self._names: set[str] | None = None

    def look(self, records: Sequence[msgspec.Raw]) -> None:
        """Examine some of the records of a page."""
        if self._names is None:
            looked_at = records[:_ON_FIRST_PAGE]
        elif self._names:
            looked_at = records[:: len(records) // _ON_LATER_PAGES + 1]
        else:
            return
        for record in looked_at:
            values = read_record(record)
            if self._names is None:
                self._names = set(self._select) or {name for name in values if "@" not in name}
            self._names = {name for name in self._names if values.get(name) is None}

    def narrow(self, names: Iterable[str]) -> None:
        """Keep only the properties in `names`, which have no value in other records, either."""
        self._names = set(names) if self._names is None else self._names.intersection(names)

    def names(self) -> list[str]:
        """Return the properties without a value in any record, in alphabetical order."""
        return sorted(self._names or ())
