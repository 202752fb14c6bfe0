"""What the page about watching the daemon shows is run, as its reader would run it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon_process import run_daemon_process
from tests.support.emulator_probe import Probe
from tests.support.places import DOCS
from tests.support.run_command import clean_environment
from tests.support.sync_scene import open_sync_scene

TEXT = (DOCS / "how-to" / "watch-the-daemon.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
LINES = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]
RUN, TRACED = (line for line in LINES if line.startswith("graphdaemon run"))

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="the page uses curl and jq"
)


def test_every_command_of_the_page_works(small_pages: Probe, tmp_path: Path) -> None:
    """Beside the daemon that the page starts, each exits with 0 and says something."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with open_sync_scene(small_pages, tmp_path) as scene:
        scene.add("user")
        scene.write_parameters()
        # What is sent to a receiver that is not there is lost, and disturbs nothing.
        arguments = [*RUN.replace("9464", port).split()[2:], TRACED.split()[-1]]
        with run_daemon_process("users", *arguments, folder=tmp_path) as daemon:
            daemon.wait_for('"event":"synced"')
            for line in LINES:
                if line not in {RUN, TRACED}:
                    done = run(line.replace("9464", port), tmp_path)
                    assert done.returncode == 0, (line, done.stderr)
                    assert done.stdout.strip(), line


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=clean_environment() | {"PATH": path, "PYTHONUTF8": "1"},
        timeout=60,
    )


def test_the_states_are_those_that_the_command_shows() -> None:
    from typing import get_args

    from graphdaemon.daemon.status import State

    shown = re.findall(r"^\| (fresh|failing|late|never|left out) \|", TEXT, re.MULTILINE)
    assert [name.replace(" ", "_") for name in shown] == list(get_args(State))
