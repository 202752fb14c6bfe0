"""The command line as tests run it: as a child process, or in this one."""

import os
import subprocess
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
