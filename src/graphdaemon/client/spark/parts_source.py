"""
The data source that executors read the parts of a divided listing with.

`read_directory` registers and uses it: what it gives is not yet proved, nor put right. Besides the
columns of the records it has the number of the part, and in one row of each part, which has no ID,
the account of its reading.
"""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from graphdaemon.client.client import Client
from graphdaemon.client.divided import read_part
from graphdaemon.client.spark.columns import find_columns, to_spark
from graphdaemon.client.spark.hints import explaining
from graphdaemon.client.synchronous import iterate
from graphdaemon.listing.parts import ListingPart, PartReading
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.arrow.gather import Gatherer
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow
from graphdaemon.settings.read import read_settings

PART, READING = "graphdaemon_part", "graphdaemon_reading"
"""The columns besides those of the records."""


class PartsPlan(msgspec.Struct, frozen=True):
    """
    What the executors are told, which stands in the plan: neither a secret nor a link.

    Attributes:
        parts: The parts of the listing.
        parameters: The settings file on each executor; None looks where `load` looks there.
        share: Part of the throttle budget that each part may use.
    """

    parts: tuple[ListingPart, ...]
    parameters: str | None = None
    share: float = 1.0

    def to_text(self) -> str:
        """Return the plan as the text of an option."""
        return base64.b64encode(msgspec.msgpack.encode(self)).decode()

    @property
    def columns(self) -> Columns:
        """The columns of the records."""
        return find_columns(self.parts[0].collection, self.parts[0].query.select)


class PartsSource(DataSource):
    """The data source; its only option is the plan."""

    @classmethod
    def name(cls) -> str:
        """By what `format` knows it."""
        return "graphdaemon-parts"

    def schema(self) -> StructType:
        """The columns of the records, and the two of its own."""
        arrow = load_pyarrow()
        return to_spark(self._read_plan().columns, (PART, arrow.int32()), (READING, arrow.binary()))

    def reader(self, schema: StructType) -> DataSourceReader:  # noqa: ARG002  Spark's own signature
        """Return what reads the parts."""
        return PartsReader(self._read_plan())

    def _read_plan(self) -> PartsPlan:
        return msgspec.msgpack.decode(base64.b64decode(self.options["plan"]), type=PartsPlan)


class PartPartition(InputPartition):
    """
    One part, and how it is read.

    Attributes:
        plan: The plan with that part alone.
    """

    def __init__(self, plan: PartsPlan) -> None:
        self.plan = plan

    def __repr__(self) -> str:
        return f"PartPartition({self.plan.parts[0].number})"


class PartsReader(DataSourceReader):
    """Reads each part on some executor, with the settings that are there."""

    def __init__(self, plan: PartsPlan) -> None:
        self._plan = plan

    def partitions(self) -> list[InputPartition]:
        """Return the parts."""
        plan = self._plan
        return [PartPartition(PartsPlan((p,), plan.parameters, plan.share)) for p in plan.parts]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the records of a part, and its account last."""
        if isinstance(partition, PartPartition):
            with explaining():
                yield from _read(partition.plan)


def decode_reading(content: bytes) -> PartReading:
    """Return the account of a part from the column `READING`."""
    return msgspec.msgpack.decode(content, type=PartReading)


def _read(plan: PartsPlan) -> Iterator[Any]:
    (part,) = plan.parts
    readings: list[PartReading] = []
    frame = Frame(plan.columns)
    gatherer = Gatherer(frame)
    client = Client(read_settings(plan.parameters), share=plan.share)
    try:
        for page in iterate(read_part(client, part, on_reading=readings.append)):
            if gatherer.add(page.records):
                yield from _complete(gatherer.make(), part.number).to_batches()
        if gatherer.rows:
            yield from _complete(gatherer.make(), part.number).to_batches()
    finally:
        client.close()
    nobody = frame.schema.empty_table()
    empty = load_pyarrow().Table.from_pylist([{}], schema=nobody.schema)
    account = msgspec.msgpack.encode(readings[0])
    yield from _complete(empty, part.number, account).to_batches()


def _complete(table: Any, number: int, account: bytes | None = None) -> Any:
    arrow = load_pyarrow()
    numbers = arrow.array([number] * table.num_rows, arrow.int32())
    accounts = arrow.array([account] * table.num_rows, arrow.binary())
    return table.append_column(PART, numbers).append_column(READING, accounts)
