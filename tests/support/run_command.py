"""The command line as tests run it: as a child process, or in this one."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class WriteParameters(Protocol):
    def __call__(self, **changes: Any) -> Path: ...


class Run(Protocol):
    def __call__(
        self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]: ...


def clean_environment() -> dict[str, str]:
    """The process's variables without any that graphdaemon reads."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GRAPHDAEMON_", "AZURE_"))
    }


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: bytes
    err: str


class Command(Protocol):
    def __call__(self, *arguments: object) -> Outcome: ...


def run_graphdaemon(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as a person would run it."""
    return subprocess.run(
        [sys.executable, "-m", "graphdaemon", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
