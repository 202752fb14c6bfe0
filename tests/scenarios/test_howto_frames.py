"""The page about data frames is run as its reader would run it, with what is installed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe, register
from tests.support.places import DOCS
from tests.support.run_command import WriteParameters, clean_environment

PAGE = (DOCS / "how-to" / "use-data-frames.md").read_text(encoding="utf-8")
SECTIONS = [
    re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)
]
BEGINNING, PANDAS, POLARS, DUCKDB, LARGE, _, COLUMNS = SECTIONS

# The emulator's directory has 250 users, of whom some are disabled, and some have no licence.
PROGRAMS = {
    "pandas": [*BEGINNING, *PANDAS, "assert len(frame) == 250"],
    "polars": [*BEGINNING, *POLARS, "assert frame.height == 250"],
    "duckdb": [
        *BEGINNING,
        "assert users.column_names[:3] == ['id', 'displayName', 'department']",
        *DUCKDB,
        *LARGE,
        "assert pq.read_table('users.parquet').num_rows == 250",
        "assert members.num_rows > 0",
        *COLUMNS,
        "assert len(licences) == sum(map(len, users.column('assignedLicenses').to_pylist())) > 0",
    ],
}


@pytest.mark.parametrize("package", PROGRAMS)
def test_the_lines_for_each_package_work(
    package: str, parameters: WriteParameters, emulator: Emulator, tmp_path: Path
) -> None:
    """From the settings file to what each of them prints."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install {package}")
    probe = Probe(emulator)
    app = register(probe, "Directory.Read.All", tenant=emulator.tenant)
    probe.close()
    program = tmp_path / "frames.py"
    program.write_text("\n".join(PROGRAMS[package]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=parameters(client_id=app.client_id, secret=app.secret).parent,
        env=clean_environment() | {"PYTHONUTF8": "1"},
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert "Engineering" in done.stdout or "displayName" in done.stdout


def test_every_block_of_the_page_is_run() -> None:
    blocks = {block for program in PROGRAMS.values() for block in program}

    assert {block for section in SECTIONS for block in section} <= blocks
