"""Which properties have a value nowhere: never set, or not readable with this token."""

from collections.abc import Iterable, Sequence

import msgspec

from graphdaemon.graph.page import read_record

# Records to look at on the first page, which rules nearly every property out, and on each later
# one. To decode all of them would cost more than reading the pages.
_ON_FIRST_PAGE = 200
_ON_LATER_PAGES = 4


class EmptyProperties:
    """
    Watches for properties that are null or absent in every record looked at.

    Where a token may not read a property, Graph shows null in its place and refuses nothing
    (microsoft-graph-docs #2790).

    Args:
        select: The properties that were selected; empty where Graph chose them.
    """

    def __init__(self, select: Sequence[str]) -> None:
        self._select = select
        self._names: set[str] | None = None

    def look(self, records: Sequence[msgspec.Raw]) -> None:
        """Look at some records of a page."""
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
        """Take over what somebody else found: `names` had a value in none of other records."""
        self._names = set(names) if self._names is None else self._names.intersection(names)

    def names(self) -> list[str]:
        """Return the properties that had a value nowhere, in alphabetical order."""
        return sorted(self._names or ())
