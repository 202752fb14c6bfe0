"""How records are written, and where to; it is known before the first request is sent."""

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
        columns: The properties that csv, table and parquet show.
        file: The path of the output file; None for standard output.
        compress: The name of a compression, one of `formats.COMPRESSIONS`, or None.
        query: A JMESPath expression, or None.
        sort: The property to sort by, or None; a dot leads into an object.
        limit: The most rows to write, which are the first in the order of `sort`; None for all.
        explode: The path of a list, each element of which becomes a row, or None.
        keep_empty: Whether a record whose list is empty becomes a row, too.
        required: Properties that must occur in a record, each with the option that names it.
        hold: Whether standard output gets nothing before the listing is known to be complete.
        single: Whether there is one record, which is not put into a list.
        raw_cells: Whether CSV contains texts unchanged that a spreadsheet would read as a formula.
        bom: Whether CSV begins with a byte order mark.
        finds_columns: Whether the properties of the first records are shown if none are named.
        path: The path of the listing below Graph's version, which determines the types of the
            columns of parquet. If it is empty, all columns are texts.
        types: The types of columns by name, if they are known in another way, such as those of a
            report; None otherwise.
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
