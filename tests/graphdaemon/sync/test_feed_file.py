"""A change feed in a file: no half line, nobody else's file, nobody else's eyes."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graphdaemon.errors import OutputError
from graphdaemon.sync.feed_file import append_lines
from tests.support.foreign_files import FOREIGN, SPECIAL, look_at

LINE = b'{"tenant":"t","sequence":1}\n'


def test_lines_are_appended_for_the_owner_alone(tmp_path: Path) -> None:
    """What is there stays."""
    path = tmp_path / "changes.ndjson"

    append_lines(path, LINE)
    append_lines(path, LINE * 2)

    assert path.read_bytes() == LINE * 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_several_may_append_at_a_time(tmp_path: Path) -> None:
    """Syncs of several stores may tell into one file: every line is there, and whole."""
    path = tmp_path / "changes.ndjson"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(append_lines, [path] * 400, [LINE * 3] * 400))

    assert path.read_bytes() == LINE * 1_200


@pytest.mark.parametrize("end", [1, 10, len(LINE) - 1, 100_000])
def test_a_line_that_was_broken_off_goes(tmp_path: Path, end: int) -> None:
    """A kill in the middle of a write leaves a part of a line, which is told again as a whole."""
    path = tmp_path / "changes.ndjson"
    part = LINE[:end] if end < 100 else LINE[:-1] + b" " * end
    path.write_bytes(LINE + part)

    append_lines(path, LINE)

    assert path.read_bytes() == LINE * 2


def test_a_first_line_that_was_broken_off_goes(tmp_path: Path) -> None:
    """Then nothing is left, and the file begins anew."""
    path = tmp_path / "changes.ndjson"
    path.write_bytes(LINE[:-3])

    append_lines(path, LINE)

    assert path.read_bytes() == LINE


@pytest.mark.parametrize("kind", sorted(FOREIGN.keys() | SPECIAL.keys()))
@pytest.mark.skipif(os.name == "nt", reason="Windows has no links and pipes like these")
def test_a_file_of_somebody_else_stays(tmp_path: Path, kind: str) -> None:
    """It is refused by its first bytes, or by what it is."""
    path = tmp_path / "changes.ndjson"
    (FOREIGN | SPECIAL)[kind](path)
    before = look_at(path) if kind in FOREIGN else None

    with pytest.raises(OutputError) as caught:
        append_lines(path, LINE)

    assert caught.value.exit_code == 7
    assert before is None or look_at(path) == before


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """A file that may not grow takes the place of the disk."""
    import resource
    import signal

    path = tmp_path / "changes.ndjson"
    append_lines(path, LINE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(LINE) + 5, limits[1]))
    try:
        with pytest.raises(OutputError, match="could not be written"):
            append_lines(path, LINE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert path.read_bytes() == LINE
