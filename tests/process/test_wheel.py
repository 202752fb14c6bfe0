"""The package as it is shipped: a wheel, in an environment that has never seen the source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.run_command import clean_environment

BIN = "Scripts" if os.name == "nt" else "bin"


def run(*command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"UV_SYSTEM_CERTS": "1"}
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=check,
        cwd=ROOT,
        env=environment,
        timeout=300,
    )


@pytest.fixture(scope="module")
def uv() -> str:
    places = [Path(sys.executable).parent, ROOT / ".venv" / BIN]
    found = shutil.which("uv", path=os.pathsep.join([*map(str, places), os.environ["PATH"]]))
    assert found, "`make` puts uv into .venv"
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built


def environment_with(uv: str, folder: Path, *packages: object) -> Path:
    """A new virtual environment with ``packages`` at the locked versions; its programs' folder."""
    run(uv, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / BIN / "python"
    lock = ROOT / "requirements" / "emulator.txt"
    pins = folder / "pins.txt"
    pins.write_text("".join(line for line in _pins(lock.read_text())))
    run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", pins, *packages)
    return folder / BIN


def _pins(lock: str) -> list[str]:
    return [
        line.partition("\\")[0].strip() + "\n" for line in lock.splitlines() if line[:1].isalnum()
    ]


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

    done = run(programs / "graphdaemon", "quickstart", "--users", 12)

    assert len(json.loads(done.stdout)["value"]) == 12


def test_the_locks_name_no_host() -> None:
    """A lock that names where packages came from works nowhere else."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
