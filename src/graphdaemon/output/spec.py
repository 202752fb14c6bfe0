"""How records are written and where to; decided before the first request is sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from graphdaemon.graph.property_types import PropertyType


class OutputSpec(NamedTuple):
    """
    How records are written, and where to.

    Attributes:
        format: The name of a format, one of `formats.FORMATS`.
        columns: Properties that csv, table and parquet show.
        file: Where to; None for standard output.
        compress: The name of a compression, one of `formats.COMPRESSIONS`, or None.
        query: A JMESPath expression, or None.
        sort: The property to sort by, or None; a dot leads into an object.
        limit: Write so many rows at most, the first in that order; None for all.
        explode: The list of which each element is a row, or None.
        keep_empty: A record whose list is empty has a row too.
        required: Properties of which only the records show whether there are such, each with the
            option that names it.
        hold: Write nothing to standard output before everything is known to hold.
        single: There is one record, and it stands for itself.
        raw_cells: Leave texts in CSV that a spreadsheet would read as a formula as they are.
        bom: Begin CSV with a byte order mark.
        finds_columns: Where no columns are named, show the properties of the first records.
        path: What is listed, below Graph's version, which types the columns of parquet; empty where
            nothing is published of it, so that all are texts.
        types: The types of columns of which nothing is published, as those of a report, or None.
    """

    format: str = "json"
    columns: tuple[str, ...] = ("displayName", "id")
    file: Path | None = None
    compress: str | None = None
    query: str | None = None
    sort: str | None = None
    limit: int | None = None
    explode: str | None = None
    keep_empty: bool = False
    required: tuple[tuple[str, str], ...] = ()
    hold: bool = False
    single: bool = False
    raw_cells: bool = False
    bom: bool = False
    finds_columns: bool = False
    path: str = ""
    types: "Mapping[str, PropertyType] | None" = None
