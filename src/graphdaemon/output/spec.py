"""What shall become of the records: decided before anything is asked of Graph."""

from pathlib import Path
from typing import NamedTuple

FORMATS = ("json", "ndjson", "csv", "table", "parquet")
COMPRESSIONS = ("gzip", "zstd")

_FORMAT_OF = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".txt": "table",
    ".parquet": "parquet",
}
# What people name files that hold something else than any of these.
_OTHERS = frozenset(".avro .db .html .md .orc .sqlite .tsv .xls .xlsx .xml .yaml .yml .zip".split())
_COMPRESSION_OF = {".gz": "gzip", ".zst": "zstd"}


class Plan(NamedTuple):
    """
    How records are written, and where to.

    Attributes:
        format: One of `FORMATS`.
        columns: Properties that csv, table and parquet show.
        file: Where to; None for standard output.
        compress: One of `COMPRESSIONS`, or None.
        query: A JMESPath expression, or None.
        sort: The property to sort by, or None.
        hold: Write nothing to standard output before everything is known to hold.
        single: There is one record, and it stands for itself.
        raw_cells: Leave texts in CSV that a spreadsheet would read as a formula as they are.
        bom: Begin CSV with a byte order mark.
    """

    format: str = "json"
    columns: tuple[str, ...] = ("displayName", "id")
    file: Path | None = None
    compress: str | None = None
    query: str | None = None
    sort: str | None = None
    hold: bool = False
    single: bool = False
    raw_cells: bool = False
    bom: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether a terminal can show nothing of it."""
        return self.format == "parquet" or self.compress is not None

    @property
    def is_guarded(self) -> bool:
        """Whether nobody sees any of it before it is finished."""
        return self.file is not None or self.hold

    @property
    def has_columns(self) -> bool:
        """Whether it shows some properties of a record, each in its column."""
        return self.format in ("csv", "table", "parquet")

    @property
    def is_plain(self) -> bool:
        """Whether what is written are the records' own bytes, a line each."""
        return self.format == "ndjson" and not (self.compress or self.query)


def is_foreign(file: Path) -> bool:
    """Whether a file's name promises a format that there is not: `users.xlsx`."""
    return file.suffix.lower() in _OTHERS


def read_name(file: Path) -> tuple[str | None, str | None]:
    """Return the format and the compression that a file's name stands for: `users.csv.gz`."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    compression = _COMPRESSION_OF.get(suffixes[-1]) if suffixes else None
    rest = suffixes[:-1] if compression else suffixes
    return _FORMAT_OF.get(rest[-1]) if rest else None, compression
