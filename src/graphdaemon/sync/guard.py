"""
The delete guard: no run takes away a large part of a collection unless it was allowed to.

Whatever makes objects seem gone (an app that may read less than before, an administrative unit, a
fault of the service, somebody's mistake in the directory) would otherwise empty the store in the
same minute.
"""

import re
from typing import NamedTuple

from graphdaemon.errors import DeleteGuardError, UsageError

FREE_ROWS = 20
"""So many rows may go at once, whatever part of a collection they are."""

FREE_PERCENT = 10.0
"""Such a part of the rows may go at once, however many they are."""

SHOWN = 20
"""How many of the rows that would go are named."""

_ALLOWANCE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?(%?)")


class Allowance(NamedTuple):
    """
    How much may go at once: either a number of rows, or a part of those there are.

    Attributes:
        rows: The number; None where a part is meant.
        percent: The part, from 0 to 100; None where a number is meant.
    """

    rows: int | None = None
    percent: float | None = None

    def covers(self, gone: int, before: int) -> bool:
        """Say whether `gone` of the `before` rows may go."""
        if self.rows is not None:
            return gone <= self.rows
        return self.percent is not None and gone * 100 <= self.percent * before


class Gone(NamedTuple):
    """A row that would go: its ID, and what people call it, if that is known."""

    id: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.id} {self.name}".rstrip()


def read_allowance(text: str) -> Allowance:
    """
    Read `500` or `15%`.

    Raises:
        UsageError: It is neither.
    """
    match = _ALLOWANCE.fullmatch(text.strip())
    number = float(f"{match[1]}.{match[2] or 0}") if match else -1.0
    if match is None or (match[3] and number > 100) or (match[2] and not match[3]):
        raise UsageError(
            f"--allow-deletes {text}: that is neither a number of rows nor a percentage",
            code="option_invalid",
            hint="Say --allow-deletes 500, or --allow-deletes 15%.",
        )
    return Allowance(percent=number) if match[3] else Allowance(rows=int(match[1]))


class DeleteGuard:
    """
    Watches how many rows of one collection a run takes away.

    Args:
        collection: What is synced.
        before: How many rows there were.
        allowance: What the caller allows beyond what is free.

    Attributes:
        gone: How many rows have gone so far.
    """

    def __init__(self, collection: str, before: int, allowance: Allowance | None = None) -> None:
        self._collection = collection
        self._before = before
        self._allowance = allowance or Allowance()
        self._first: list[Gone] = []
        self.gone = 0

    @property
    def room(self) -> int:
        """How many more rows would be named."""
        return SHOWN - len(self._first)

    def note(self, rows: list[Gone], more: int = 0) -> None:
        """Count rows that go, and `more` of them that nobody needs to name."""
        self.gone += len(rows) + more
        self._first += rows[: self.room]

    def check(self) -> None:
        """
        Let the run go on, or not.

        Raises:
            DeleteGuardError: More would go than is allowed.
        """
        before = self._before
        if self.gone <= FREE_ROWS or self.gone * 100 <= FREE_PERCENT * before:
            return
        if self._allowance.covers(self.gone, before):
            return
        raise DeleteGuardError(
            f"{self._collection}: {self.gone:,} of {before:,} rows would be deleted at once; "
            "nothing was changed",
            code="delete_guard",
            hint="Look in the directory whether they are really gone. If so, run it again with "
            f"--allow-deletes {self.gone}; if not, `graphdaemon doctor` says what the app may "
            "read.",
            gone=self.gone,
            first=tuple(map(str, self._first)),
        )
