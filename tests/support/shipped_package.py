"""The package as it is shipped, and environments that have never seen its source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def environment_with(uv: str, folder: Path, *packages: object) -> Path:
    """A new virtual environment with ``packages`` at the locked versions; its programs' folder."""
    run(uv, "venv", "--quiet", "--python", sys.executable, folder)
    python = folder / BIN / "python"
    lock = ROOT / "requirements" / "dev.txt"
    pins = folder / "pins.txt"
    pins.write_text("".join(line for line in _pins(lock.read_text())))
    run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", pins, *packages)
    return folder / BIN


def _pins(lock: str) -> list[str]:
    return [
        line.partition("\\")[0].strip() + "\n" for line in lock.splitlines() if line[:1].isalnum()
    ]
