"""What the steps of a release share: where things are, how a program is run, how a step ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from graphdaemon import __version__

ROOT = Path(__file__).parent.parent.parent
VERSION = __version__
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
TAG = f"py{sys.version_info.major}{sys.version_info.minor}"
# The first day that a zip file can have and hatchling's own default, where no commit has a date.
_SOME_DAY = "1580601600"


class Unavailable(Exception):  # noqa: N818  nothing is wrong: something is not on this machine
    """A step cannot be done on this machine; the message says why, for the list at the end."""


class StepFailedError(Exception):
    """A step that can be done here went wrong; the message has what the program said last."""


class Place(NamedTuple):
    """
    Where one build of everything goes.

    Attributes:
        work: What is made on the way.
        dist: What is shipped.
    """

    work: Path
    dist: Path


def date_of_source() -> str:
    """The time that everything built is given, in seconds since 1970: the last commit's."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return os.environ["SOURCE_DATE_EPOCH"]
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return _SOME_DAY
    return run(git, "-C", ROOT, "log", "-1", "--format=%ct").strip()


def run(*command: object, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """
    Run a program to its end, and return what it wrote to stdout.

    Raises:
        StepFailedError: It ended with something other than 0.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-12:]
        raise StepFailedError(
            "\n".join([f"{' '.join(words[:4])} … ended with {done.returncode}:", *said])
        )
    return done.stdout


def program(name: str, package: str) -> str:
    """
    The path of a program of this environment or of the system.

    Raises:
        Unavailable: It is not installed; `package` is what brings it.
    """
    path = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if path is None:
        raise Unavailable(f"{name} is not installed ({package} brings it)")
    return path


def only(folder: Path, pattern: str) -> Path:
    """The one file of a folder that is called so."""
    (path,) = folder.glob(pattern)
    return path
