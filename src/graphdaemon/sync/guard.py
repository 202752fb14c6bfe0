"""
The delete guard: no run deletes a large part of a collection unless that was allowed.

Otherwise, anything that makes objects seem to be gone would empty the store within a minute: an app
that may read less than before, an administrative unit, a fault of the service, or a mistake that
somebody made in the directory.
"""

import re
from typing import NamedTuple

from graphdaemon.errors import DeleteGuardError, UsageError

FREE_ROWS = 20
"""This many rows may be deleted at once, whatever share of a collection they are."""

FREE_PERCENT = 10.0
"""This share of the rows may be deleted at once, however many they are."""

SHOWN = 20
"""How many of the rows that would be deleted are named."""

_ALLOWANCE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?(%?)")


class Allowance(NamedTuple):
    """
    How much may be deleted at once: either a number of rows, or a share of them.

    Attributes:
        rows: The number of rows; None if it is a share.
        percent: The share, from 0 to 100; None if it is a number.
    """

    rows: int | None = None
    percent: float | None = None

    def covers(self, gone: int, before: int) -> bool:
        """Say whether `gone` of the `before` rows may be deleted."""
        if self.rows is not None:
            return gone <= self.rows
        return self.percent is not None and gone * 100 <= self.percent * before


class Gone(NamedTuple):
    """A row that would be deleted: its ID and, if it is known, its name."""

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
            f"--allow-deletes {text} is neither a number of rows nor a percentage",
            code="option_invalid",
            hint="Write --allow-deletes 500 or --allow-deletes 15%.",
        )
    return Allowance(percent=number) if match[3] else Allowance(rows=int(match[1]))


class DeleteGuard:
    """
    Counts how many rows of one collection a run deletes.

    Args:
        collection: What is synced.
        before: How many rows there were.
        allowance: What the caller allows beyond what is always allowed.

    Attributes:
        gone: How many rows were deleted so far.
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
        """Count rows that are deleted, and `more` of them that need not be named."""
        self.gone += len(rows) + more
        self._first += rows[: self.room]

    def check(self) -> None:
        """
        Check whether the run may continue.

        Raises:
            DeleteGuardError: More would be deleted than is allowed.
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
            hint="Check in the directory whether they are really gone. If so, run it again with "
            f"--allow-deletes {self.gone}. If not, `graphdaemon doctor` shows what the app "
            "may read.",
            gone=self.gone,
            first=tuple(map(str, self._first)),
        )
