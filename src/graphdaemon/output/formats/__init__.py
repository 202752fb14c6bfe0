"""
The formats of output, one file each: the file's name is the format's.

A file defines `FORMAT`. It is loaded when its format is used, or when a file's name is to say which
format it stands for; so none of them imports at its top what takes long.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdaemon.output.format import Format

FORMATS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py")))
"""The name of every format, in the order of the alphabet."""

COMPRESSIONS = {"gzip": ".gz", "zstd": ".zst"}
"""The name of every compression around a file, and the ending of the file's name."""

# What people name files that hold something else than any of these formats.
_FOREIGN = frozenset(
    ".avro .db .html .md .orc .sqlite .tsv .xls .xlsx .xml .yaml .yml .zip".split()
)


@cache
def load_format(name: str) -> "Format":
    """Return the format of this name, one of `FORMATS`."""
    loaded: Format = importlib.import_module(f"{__name__}.{name}").FORMAT
    return loaded


def is_foreign(file: Path) -> bool:
    """Whether a file's name promises a format that there is not: `users.xlsx`."""
    return file.suffix.lower() in _FOREIGN


def read_name(file: Path) -> tuple[str | None, str | None]:
    """Return the format and the compression that a file's name stands for: `users.csv.gz`."""
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    compression = next((name for name, end in COMPRESSIONS.items() if suffixes[-1:] == [end]), None)
    ending = suffixes[:-1] if compression else suffixes
    names = (name for name in FORMATS if ending and ending[-1] in load_format(name).suffixes)
    return next(names, None), compression
