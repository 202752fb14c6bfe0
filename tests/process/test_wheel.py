"""The package as it is shipped: a wheel, in an environment that has never seen the source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.places import ROOT
from tests.support.shipped_package import environment_with, run


def test_the_wheel_alone_is_the_command_and_the_library(
    uv: str, wheel: Path, tmp_path: Path
) -> None:
    """Without the extra there is no server, and the quickstart says what to install."""
    programs = environment_with(uv, tmp_path / "plain", wheel)

    assert run(programs / "graphdaemon", "--version").stdout.startswith("graphdaemon ")
    assert "quickstart" in run(programs / "graphdaemon", "--help").stdout
    assert run(programs / "python", "-c", "import graphdaemon; graphdaemon.load").returncode == 0
    missing = run(programs / "python", "-c", "import starlette", check=False)
    assert "ModuleNotFoundError" in missing.stderr
    refused = run(programs / "graphdaemon", "quickstart", check=False)
    assert refused.returncode == 2
    assert "pip install 'graphdaemon[emulator]'" in refused.stderr


def test_the_wheel_with_its_extra_runs_the_quickstart(uv: str, wheel: Path, tmp_path: Path) -> None:
    """Everything the pretend tenant needs is in the wheel and its declared dependencies."""
    programs = environment_with(uv, tmp_path / "full", f"graphdaemon[emulator] @ {wheel.as_uri()}")

    words = ("quickstart", "--users", 12, "--folder", tmp_path / "tenant")
    done = run(programs / "graphdaemon", *words)

    assert len(json.loads(done.stdout)["value"]) == 12


def test_the_example_of_tests_runs_where_only_its_requirements_are(
    uv: str, wheel: Path, tmp_path: Path
) -> None:
    """With the wheel installed, pytest finds the fixtures by itself."""
    example = ROOT / "examples" / "5-Test-Your-Program"
    required = (example / "requirements.txt").read_text().split()
    assert required[0] == "graphdaemon[emulator]"
    packages = [f"graphdaemon[emulator] @ {wheel.as_uri()}", *required[1:]]
    programs = environment_with(uv, tmp_path / "tests", *packages)
    for path in example.glob("*.py"):
        shutil.copy(path, tmp_path)

    done = run(programs / "python", "-m", "pytest", "-q", tmp_path, f"--rootdir={tmp_path}")

    assert "6 passed" in done.stdout


def test_the_locks_name_no_host() -> None:
    """A lock that names where packages came from works nowhere else."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
