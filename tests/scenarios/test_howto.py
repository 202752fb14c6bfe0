"""What the how-to pages show is run, as its reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import DOCS
from tests.support.run_command import WriteParameters, clean_environment

FOLDER = DOCS / "how-to"
PAGES = ("list-everything.md", "share-the-throttle-budget.md")
TEXT = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in PAGES)
BLOCKS = re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.splitlines() if "graphdaemon " in line]


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_pages_works(
    line: str, parameters: WriteParameters, tmp_path: Path
) -> None:
    """Each line alone, in a shell: exit code 0, and a verdict."""
    if ".parquet" in line:
        pytest.importorskip("pyarrow")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.removeprefix("$ ")],
        capture_output=True,
        text=True,
        check=False,
        cwd=parameters().parent,
        env=clean_environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert "250 records, complete: " in done.stderr
    output = re.search(r"--output (\S+)", line)
    assert output is None or (tmp_path / output[1]).stat().st_size > 0


PAST = (FOLDER / "look-into-the-past.md").read_text(encoding="utf-8")
PAST_BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAST, re.DOTALL | re.MULTILINE)
PAST_LINES = [line for kind, block in PAST_BLOCKS if not kind for line in block.splitlines()]


@pytest.mark.parametrize("line", PAST_LINES)
def test_every_command_of_the_page_about_the_past_works(
    line: str, lived_url: str, tmp_path: Path
) -> None:
    """Each line alone, in a shell, beside a store of that time."""
    (tmp_path / "lived.db").rename(tmp_path / "graphdaemon.db")
    assert lived_url == f"sqlite:{tmp_path}/lived.db"
    done = subprocess.run(
        ["bash", "-c", line.replace("11111111-1111-4111-8111-111111111111", "a")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment() | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    written = (tmp_path / "changes.csv").read_text() if "changes.csv" in line else done.stdout
    assert any(name in written for name in ("Ana", "Bo", "Di", "jobTitle", "parent")), written
