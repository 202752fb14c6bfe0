"""Which properties never have a value: not set anywhere, or not readable with this token."""

from collections.abc import Sequence
from typing import Any

import msgspec

_FIRST = 200
_LATER = 4


class Blanks:
    """
    Watches for properties that are null or absent in every record looked at.

    Graph shows a token that may not read a property null in its place, not a refusal
    (microsoft-graph-docs #2790). Some records of each page are looked at; all would cost more
    than reading the page.

    Args:
        select: The properties that were asked for; empty where Graph chose.
    """

    def __init__(self, select: Sequence[str]) -> None:
        self._select = select
        self._names: set[str] | None = None

    def look(self, records: Sequence[msgspec.Raw]) -> None:
        """Look at some of a page."""
        if self._names is not None and not self._names:
            return
        some = records[:_FIRST] if self._names is None else records[:: len(records) // _LATER + 1]
        for record in some:
            values = msgspec.json.decode(record, type=dict[str, Any])
            if self._names is None:
                self._names = set(self._select) or {name for name in values if "@" not in name}
            self._names = {name for name in self._names if values.get(name) is None}

    def names(self) -> list[str]:
        """The properties that had no value anywhere, in alphabetical order."""
        return sorted(self._names or ())
