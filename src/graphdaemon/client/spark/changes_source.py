"""
The data source `graphdaemon-changes`: a stream of what changes in a directory.

A delta link cannot be followed twice to the same end. So each round is first committed to a store,
in one transaction with the link after it, and gets a number there: that of the run. The offset of
the stream is this number. Between two numbers the store tells the same whenever it is asked, and a
query that was killed repeats the same batch.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from pyspark.sql.datasource import (
    DataSource,
    DataSourceStreamReader,
    InputPartition,
)
from pyspark.sql.types import StructType

from graphdaemon.client.spark.columns import find_stored_columns, pack, to_spark, unpack
from graphdaemon.client.spark.directory_source import RowsPartition
from graphdaemon.client.spark.hints import explaining
from graphdaemon.client.spark.options import ChangesRequest, read_changes_options
from graphdaemon.client.spark.stored_changes import find_last_run, read_run_changes
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow

RUN, STATE = "graphdaemon_run", "graphdaemon_state"
"""The columns besides those of the records: the number of the run, and `present` or how it went."""


class ChangesSource(DataSource):
    """The data source; Spark makes it, with the options of the stream."""

    @classmethod
    def name(cls) -> str:
        """By what `format` knows it."""
        return "graphdaemon-changes"

    def schema(self) -> StructType:
        """The properties that the store keeps, and the two columns of its own."""
        with explaining():
            request = read_changes_options(self.options)
            arrow = load_pyarrow()
            columns = find_stored_columns(request.collection)
            return to_spark(columns, (RUN, arrow.int64()), (STATE, arrow.string()))

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: ARG002, N802  Spark's own names
        """Return what reads the stream."""
        with explaining():
            return ChangesReader(read_changes_options(self.options))


class ChangesReader(DataSourceStreamReader):
    """Brings the store into step on the driver, and reads there what changed."""

    def __init__(self, request: ChangesRequest) -> None:
        self._request = request
        self._looked_at = float("-inf")
        self._run = 0

    def initialOffset(self) -> dict[str, int]:  # noqa: N802  Spark's own name
        """Before the first run: the first batch is everything there is."""
        return {"run": 0}

    def latestOffset(self) -> dict[str, int]:  # noqa: N802  Spark's own name
        """
        Bring the store into step, if it is time, and return the number of its last run.

        Raises:
            Error: The store could not be brought into step; what it holds, it still holds.
        """
        # Spark asks a hundred times a second where a query has no trigger.
        if time.monotonic() - self._looked_at >= self._request.every:
            with explaining():
                self._run = max(self._run, asyncio.run(find_last_run(self._request)))
            self._looked_at = time.monotonic()
        return {"run": self._run}

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> list[InputPartition]:
        """
        Return what changed after one run up to another.

        Raises:
            Error: The store cannot be read, or no longer has the versions that are needed.
        """
        with explaining():
            table = read_run_changes(self._request, start["run"], end["run"], RUN, STATE)
            return [RowsPartition(piece) for piece in pack(table, self._request.parts)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the rows of a partition."""
        if isinstance(partition, RowsPartition):
            yield from unpack(partition.piece)

    def commit(self, end: dict[str, int]) -> None:
        """Do nothing: the store remembers for as long as its own retention says."""
