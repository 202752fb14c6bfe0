"""
The formats of output: each is a module here, whose name is that of the format.

A module defines `FORMAT`. It is imported when the format is used, or when the format is to be found
by the name of a file. So no module imports at its top what takes long to import.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdaemon.output.format import Format

FORMATS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py")))
"""The names of all formats, in alphabetical order."""

COMPRESSIONS = {"gzip": ".gz", "zstd": ".zst"}
"""The name of every compression, with the ending of the name of a compressed file."""

# Endings of files that have none of these formats.
_FOREIGN = frozenset(
    ".avro .db .html .md .orc .sqlite .tsv .xls .xlsx .xml .yaml .yml .zip".split()
)


@cache
def load_format(name: str) -> "Format":
    """Return the format with this name, which is one of `FORMATS`."""
    loaded: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return loaded


def is_foreign(file: Path) -> bool:
    """Return whether the name of a file is that of another, unsupported format: `users.xlsx`."""
    return file.suffix.lower() in _FOREIGN


def read_name(file: Path) -> tuple[str | None, str | None]:
    """Return the names of the format and the compression of a file, such as `users.csv.gz`."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    compression = next((name for name, end in COMPRESSIONS.items() if suffixes[-1:] == [end]), None)
    ending = suffixes[:-1] if compression else suffixes
    names = (name for name in FORMATS if ending and ending[-1] in load_format(name).suffixes)
    return next(names, None), compression
