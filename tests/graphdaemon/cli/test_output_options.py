"""Where the records go, as the options say."""

import csv
import gzip
import io
from pathlib import Path

from tests.support.run_command import Command, WriteParameters


def test_an_output_file_by_its_name(
    command: Command, parameters: WriteParameters, tmp_path: Path
) -> None:
    """users.csv.gz is compressed CSV, and nothing goes to stdout."""
    path = tmp_path / "users.csv.gz"

    outcome = command("users", parameters(), "--output", path, "--select", "displayName,id")

    assert (outcome.code, outcome.out) == (0, b"")
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline="")))
    assert rows[0] == ["displayName", "id"]
    assert len(rows) == 251


def test_a_dash_is_standard_output(command: Command, parameters: WriteParameters) -> None:
    """As everywhere."""
    assert len(command("users", parameters(), "-o", "-", "-f", "ndjson").out.splitlines()) == 250
