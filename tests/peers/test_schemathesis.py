"""Schemathesis draws requests from the description of the control API, and finds no fault."""

import subprocess
import sys
from pathlib import Path

from entra_emulator.control.controls import CONTROLS
from entra_emulator.server.emulator import Emulator
from tests.support.run_command import clean_environment

# Right requests keep the machine busy, too: a million objects, a thousand changes a second.
HOOKS = """
import schemathesis

MOST = {"users": 1_000_000, "groups": 1_000_000, "devices": 1_000_000, "rate": 1000}

@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path.endswith(("/reset", "/life")) and isinstance(case.body, dict):
        for name, most in MOST.items():
            value = case.body.get(name)
            if type(value) in {int, float} and 1 < value <= most:
                case.body[name] = 1 + value % 9
"""


def test_what_is_described_is_what_happens(tmp_path: Path) -> None:
    """Right requests are done, wrong ones refused, and each answer has its described form."""
    (tmp_path / "spare_machine.py").write_text(HOOKS)
    with Emulator(users=3, control=True, report=True) as emulator:
        done = subprocess.run(
            [
                Path(sys.executable).parent / "schemathesis",
                *("run", f"{emulator.url}/_emulator/openapi.json"),
                *("--tls-verify", emulator.ca_file, "--seed", "1", "--max-examples", "10"),
                *("--phases", "coverage,fuzzing"),
                *("--request-timeout", "60"),
                "--generation-deterministic",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=clean_environment()
            | {"SCHEMATHESIS_HOOKS": "spare_machine", "PYTHONPATH": str(tmp_path)},
            check=False,
            timeout=300,
        )

    assert done.returncode == 0, done.stdout
    # All routes but the one that the description was read from.
    assert f"{len(CONTROLS) - 1} selected" in done.stdout
    assert "No issues found" in done.stdout
