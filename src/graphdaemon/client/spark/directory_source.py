"""
The data source `graphdaemon`: a proved listing as a data frame.

    register(spark)
    users = spark.read.format("graphdaemon").load("users")

Spark asks a data source for its partitions on the driver, reads each on some executor, and has no
step after that. So nothing could take back a row that changed while the others were read, and the
listing is made, proved and put right where the partitions are asked for: a partition is some of its
rows. `read_directory` lets the executors read.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
)
from pyspark.sql.types import StructType

from graphdaemon.client.client import Client
from graphdaemon.client.spark.columns import find_columns, pack, to_spark, unpack
from graphdaemon.client.spark.hints import explaining
from graphdaemon.client.spark.options import ListingRequest, read_listing_options
from graphdaemon.client.target import unproved
from graphdaemon.errors import UsageError
from graphdaemon.graph.page import ids_of
from graphdaemon.graph.query import Query
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.settings.read import read_settings


class DirectorySource(DataSource):
    """The data source; Spark makes it, with the options of the reader."""

    @classmethod
    def name(cls) -> str:
        """By what `format` knows it."""
        return "graphdaemon"

    def schema(self) -> StructType:
        """The columns that were selected, or that Graph shows by default."""
        with explaining():
            request = read_listing_options(self.options)
            return to_spark(find_columns(request.collection, request.select))

    def reader(self, schema: StructType) -> DataSourceReader:
        """Return what reads a batch."""
        with explaining():
            if schema != self.schema():
                raise UsageError(
                    "the schema that was given is not that of the data source",
                    code="option_invalid",
                    hint="Leave schema out, and name the properties with the option select.",
                )
            return DirectoryReader(read_listing_options(self.options))

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: ARG002, N802  Spark's own names
        """Say that there is another one for streams."""
        with explaining():
            raise UsageError(
                "the data source graphdaemon has no stream",
                code="option_invalid",
                hint='Use spark.readStream.format("graphdaemon-changes").',
            )


class RowsPartition(InputPartition):
    """
    Some rows.

    Attributes:
        piece: What `pack` made of them.
    """

    def __init__(self, piece: bytes) -> None:
        self.piece = piece

    def __repr__(self) -> str:
        return f"RowsPartition({len(self.piece)} bytes)"


class DirectoryReader(DataSourceReader):
    """Lists on the driver, and hands the rows to the executors."""

    def __init__(self, request: ListingRequest) -> None:
        self._request = request

    def partitions(self) -> list[InputPartition]:
        """
        Make the listing.

        Raises:
            Error: It failed, or nothing proves it complete.
        """
        with explaining():
            table = asyncio.run(_list(self._request))
            return [RowsPartition(piece) for piece in pack(table, self._request.parts)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the rows of a partition."""
        if isinstance(partition, RowsPartition):
            yield from unpack(partition.piece)


async def _list(request: ListingRequest) -> Any:
    """Return the proved listing as a table of Arrow."""
    records: list[msgspec.Raw] = []
    corrections: dict[str, msgspec.Raw | None] = {}
    query = Query(request.select, request.filter)
    async with Client(read_settings(request.parameters), share=request.share) as client:
        record = await client.collect(
            request.collection, query, write=records.extend, correct=corrections.update
        )
    if record.exit_code:
        raise unproved(record)
    if corrections:
        by_id = dict(zip(ids_of(records), records, strict=True))
        records = [one for one in (by_id | corrections).values() if one is not None]
    return Frame(find_columns(request.collection, request.select)).convert(records)
