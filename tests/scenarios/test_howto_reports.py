"""What the page about reports shows is run, as its reader would run it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.client.reports.options import REPORTS
from tests.support.client_app import App, register
from tests.support.places import DOCS
from tests.support.run_command import Command, WriteParameters, clean_environment

PAGE = (DOCS / "how-to" / "reports.md").read_text("utf-8")
LINES = re.findall(r"^\$ graphdaemon (report .*)$", PAGE, re.MULTILINE)
(SCRIPT,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROLES = (
    *("Application.Read.All", "AuditLog.Read.All", "Device.Read.All", "Directory.Read.All"),
    *("Policy.Read.All", "User.Read.All"),
)


@pytest.fixture(scope="session")
def reader(emulator: Emulator, key_pair: tuple[str, bytes]) -> App:
    return register(emulator, key_pair, roles=ROLES)


@pytest.fixture
def settings(parameters: WriteParameters, reader: App) -> dict[str, Any]:
    path = parameters(client_id=reader.client_id, secret=reader.secret)
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def place(settings: dict[str, Any], folder: Path) -> None:
    path = folder / "parameters.json"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_page_works(
    line: str, command: Command, settings: dict[str, Any], reader: App
) -> None:
    """Those with findings end with 10, and the files are there."""
    place(settings, Path.cwd())
    application = {"app_id": "a", "kind": "application", "least": ["User.Read.All"]}
    run = {"version": 1, "applications": [application], "routes": []}
    Path("run.json").write_text(json.dumps(run))
    line = re.sub(r"--app \S+", f"--app {reader.client_id}", line)

    outcome = command(*shlex.split(line))

    fails = "--within" in line or "--fail-on" in line
    assert outcome.code == (10 if fails else 0), outcome.err
    assert (", in " in outcome.err) is ("--quiet" not in line)
    for name in re.findall(r"--output (\S+)", line):
        assert Path(name).stat().st_size > 0


def test_the_script_of_the_page_runs(settings: dict[str, Any], tmp_path: Path) -> None:
    place(settings, tmp_path)

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(),
        timeout=120,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "secret" in done.stdout


def test_the_page_names_every_finding_and_every_permission() -> None:
    for row in REPORTS.values():
        assert [rule for rule in row.rules if f"`{rule}`" not in PAGE] == []
        assert [one.role for one in row.inputs if f"`{one.role}`" not in PAGE] == []
