"""The records of a listing as Arrow tables: a single table, or one after the other."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from graphdaemon.client.open_listing import OpenListing
from graphdaemon.graph.property_types import find_object_type, find_types_at, spell
from graphdaemon.listing.run import read_within
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.default_columns import (
    TYPE_NOTE,
    find_default_columns,
    has_several_types,
)
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.arrow.gather import Gatherer
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow
from graphdaemon.output.fields import name_properties


class FrameReader:
    """
    Reads the records of one listing as tables with the same schema.

    If nothing was selected and the default properties are not known, the first page determines the
    columns.

    Args:
        path: The path of the collection below Graph's version; None for your own API.
        opened: The listing.
    """

    def __init__(self, path: str | None, opened: OpenListing) -> None:
        self._path = path
        self._opened = opened
        self._frame: Frame | None = None

    async def tables(self) -> AsyncGenerator[Any]:
        """
        Yield tables of some ten thousand rows each, and at least one, which may be empty.

        Raises:
            Error: What `Listing.batches` or `Frame.convert` raise.
        """
        gatherer: Gatherer | None = None
        count = 0
        listing, seconds = self._opened.listing, self._opened.options.seconds
        async with aclosing(read_within(listing, seconds)) as pages:
            async for records in pages:
                if gatherer is None and records:
                    self._frame = Frame(self._choose_columns(records))
                    gatherer = Gatherer(self._frame)
                if gatherer is not None and gatherer.add(records):
                    count += 1
                    # Off the loop: other requests are under way there.
                    yield await asyncio.to_thread(gatherer.make)
        if gatherer is None:
            self._frame = Frame(self._choose_columns(()))
            gatherer = Gatherer(self._frame)
        if gatherer.rows or not count:
            yield await asyncio.to_thread(gatherer.make)

    def make_batch(self, table: Any) -> Any:
        """Return the one `pyarrow.RecordBatch` of a table, which may have no rows."""
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else load_pyarrow().RecordBatch.from_pylist([], table.schema)

    async def table(self) -> Any:
        """
        Return a single table, in which records that changed during the reading are corrected.

        Raises:
            Error: As `tables` does.
        """
        async with aclosing(self.tables()) as tables:
            parts = [table async for table in tables]
        assert self._frame is not None, "there is at least one table"
        return self._frame.join(parts, self._opened.listing.corrections)

    def _choose_columns(self, records: Sequence[msgspec.Raw]) -> Columns:
        query, expand = self._opened.query, self._opened.options.expand
        path = self._path
        if path is None:
            names = query.select or name_properties(records)
            return Columns(dict.fromkeys(names, "any"), keeps_rest=not query.select)
        if not query.select:
            shown = find_default_columns(path) or ("id", *name_properties(records))
            return Columns(find_types_at(path, (*shown, *expand)), keeps_rest=True)
        kind = find_object_type(path)
        note = (TYPE_NOTE,) if has_several_types(path) else ()
        names = (*note, "id", *(spell(kind, name) for name in query.select), *expand)
        return Columns(find_types_at(path, names))
