"""A directory that the executors of Spark read part by part, as one proved data frame."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from graphdaemon.client.client import Client
from graphdaemon.client.divided import begin_listing, finish_listing
from graphdaemon.client.open_listing import OnLink
from graphdaemon.client.spark.parts_source import (
    PART,
    READING,
    PartsPlan,
    PartsSource,
    decode_reading,
)
from graphdaemon.client.synchronous import wait
from graphdaemon.listing.parts import ListingEnd
from graphdaemon.listing.record import ListingRecord
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.settings.read import read_settings


def read_directory(
    spark: SparkSession,
    collection: str,
    *,
    select: Sequence[str] = (),
    filter: str | None = None,  # noqa: A002  OData's own word
    parts: int = 8,
    parameters: str | None = None,
    share: float = 1.0,
    staging: str | None = None,
    on_record: Callable[[ListingRecord], None] | None = None,
    on_link: OnLink | None = None,
) -> DataFrame:
    """
    Return every record of `collection`, read by the executors, and proved to be all.

    The driver takes a delta link and divides the collection; one job reads the parts into a place
    of Spark's; the driver follows what changed meanwhile and reaches the verdict; and what is
    returned is what was read, with these changes made. It is the directory at one moment, however
    often it is used.

    Args:
        spark: The session.
        collection: Path below the Graph version, such as `users` or `groups`.
        select: Properties to return; `id` always comes along.
        filter: OData expression, such as `"accountEnabled eq true"`.
        parts: Parts to make at most; each is a task.
        parameters: The settings file, at the same path on the driver and on each executor. By
            default each of them looks where `load` looks, the variables of its environment first.
        share: Part of the throttle budget for each part, where the settings name no budget that
            the executors share.
        staging: A folder that driver and executors reach, where what was read is kept as Parquet.
            Without one the executors keep it, and a job fails once one that did is lost.
        on_record: Is called with the listing record.
        on_link: Is called with the link by which `Client.changes` tells of every change since.

    Raises:
        UnprovedError: Nothing proves that those were all.
        Error: The driver could not begin, or finish.
        PySparkException: An executor could not read its part; Spark has tried it again.
    """
    client = Client(read_settings(parameters), share=share)
    try:
        start = wait(begin_listing(client, collection, select=select, filter=filter, parts=parts))
        plan = PartsPlan(start.parts, parameters, share)
        spark.dataSource.register(PartsSource)
        read = spark.read.format(PartsSource.name()).option("plan", plan.to_text()).load()
        staged = _stage(spark, read, staging)
        accounts = staged.where(f.col(READING).isNotNull()).select(READING).collect()
        readings = [decode_reading(bytes(row[0])) for row in accounts]
        end = wait(finish_listing(client, start, readings))
    finally:
        client.close()
    if on_record is not None:
        on_record(end.record)
    if on_link is not None and end.link is not None:
        on_link(end.link)
    return _put_right(spark, staged, Frame(plan.columns), end)


def _stage(spark: SparkSession, read: DataFrame, staging: str | None) -> DataFrame:
    """Run the job, once: read again later, the parts would be of another moment."""
    if staging is None:
        return read.localCheckpoint()
    folder = f"{staging.rstrip('/')}/{uuid.uuid4().hex}"
    read.write.parquet(folder)
    return spark.read.schema(read.schema).parquet(folder)


def _put_right(spark: SparkSession, staged: DataFrame, frame: Frame, end: ListingEnd) -> DataFrame:
    rows = staged.where(f.col(READING).isNull())
    repeated = [(number, id_) for number, ids in end.repeated.items() for id_ in ids]
    rows = _leave_out(spark, rows, f"{PART} int, id string", repeated)
    rows = _leave_out(spark, rows, "id string", [(id_,) for id_ in end.corrections])
    rows = rows.select(*(f.col(f"`{name}`") for name in frame.schema.names))
    present = [one for one in end.corrections.values() if one is not None]
    added = [*present, *end.appeared]
    return rows.unionByName(spark.createDataFrame(frame.convert(added))) if added else rows


def _leave_out(
    spark: SparkSession, rows: DataFrame, schema: str, keys: Iterable[tuple[Any, ...]]
) -> DataFrame:
    listed = list(keys)
    if not listed:
        return rows
    gone = spark.createDataFrame(listed, schema)
    return rows.join(f.broadcast(gone), gone.columns, "left_anti")
