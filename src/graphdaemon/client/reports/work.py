"""A report in the making: where it reads, what it is asked for, what it could not find out."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from graphdaemon.client.reports.options import ReportOptions
from graphdaemon.client.reports.source import GraphSource, Source
from graphdaemon.errors import GraphError

T = TypeVar("T")

ABSENT = frozenset({400, 403, 404, 501})
"""What only enriches a report may be refused, or not be there, in a tenant or a cloud."""


class ReportWork(NamedTuple):
    """A report in the making."""

    source: Source
    options: ReportOptions
    now: dt.datetime
    notes: list[str]

    async def read_use(
        self, collection: str, make: Callable[[Mapping[str, Any]], T], what: str
    ) -> list[T] | None:
        """Return a record of use; None, and a note, where it is not to be had."""
        if not isinstance(self.source, GraphSource):
            self.notes.append(f"{what}: unknown, since a store does not keep it.")
            return None
        if not self.options.activity:
            self.notes.append(f"{what}: unknown, since it was not to be read.")
            return None
        try:
            return list((await self.source.read_again(collection, make)).values())
        except GraphError as error:
            if error.status not in ABSENT:
                raise
            self.note_refused(f"{what}: unknown", error)
            return None

    def note_refused(self, loss: str, error: GraphError) -> None:
        """Note what the report lacks, why, and what would help."""
        sentences = (loss, str(error), error.hint or "")
        self.notes.append(" ".join(f"{one.rstrip('.')}." for one in sentences if one))
