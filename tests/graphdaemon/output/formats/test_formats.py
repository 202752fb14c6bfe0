from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.output.formats import read_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("users.csv", ("csv", None)),
        ("users.ndjson.gz", ("ndjson", "gzip")),
        ("users.JSONL.zst", ("ndjson", "zstd")),
        ("users.parquet", ("parquet", None)),
        ("2024.12.users", (None, None)),
        ("users.gz", (None, "gzip")),
        ("users", (None, None)),
        (".csv", (None, None)),
    ],
)
def test_a_files_name_says_its_format(name: str, kind: tuple[str | None, str | None]) -> None:
    """users.csv is CSV, and with .gz behind it is compressed."""
    assert read_name(Path(name)) == kind
