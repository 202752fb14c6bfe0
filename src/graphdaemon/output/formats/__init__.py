"""One writer for each format; its module is loaded when it is used."""

from collections.abc import Sequence
from typing import Protocol

from graphdaemon.output.fields import Record
from graphdaemon.output.spec import Plan
from graphdaemon.output.stream import Stream


class Writer(Protocol):
    """Writes records; one call a page."""

    def write(self, records: Sequence[Record]) -> None:
        """Write some records."""

    def finish(self) -> None:
        """Write what comes after the last."""


def make_writer(plan: Plan, stream: Stream, columns: Sequence[str], width: int | None) -> Writer:
    """
    Return the writer that `plan` asks for.

    Args:
        plan: Its format and what goes with it.
        stream: Where to.
        columns: What csv, table and parquet show.
        width: Cells in a line of a table; None to cut nothing.

    Raises:
        UsageError: The format needs a package that is not installed.
    """
    if plan.format == "csv":
        from graphdaemon.output.formats.csv import CsvWriter

        return CsvWriter(stream, columns, raw_cells=plan.raw_cells, bom=plan.bom)
    if plan.format == "table":
        from graphdaemon.output.formats.table import TableWriter

        return TableWriter(stream, columns, width)
    if plan.format == "parquet":
        from graphdaemon.output.formats.parquet import ParquetWriter

        codec = plan.compress or "snappy"
        return ParquetWriter(stream, columns, codec=codec, typed=plan.query is None)
    from graphdaemon.output.formats.json import JsonWriter, NdjsonWriter

    if plan.format == "json":
        return JsonWriter(stream, single=plan.single)
    return NdjsonWriter(stream)
