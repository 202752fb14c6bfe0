"""The commands of "Lint a Graph client" are run, as its reader would run them."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entra_emulator.report.finding import RULES
from tests.support.places import DOCS
from tests.support.run_command import clean_environment, run_graphdaemon

PAGE = (DOCS / "how-to" / "lint-a-graph-client.md").read_text("utf-8")
SERVING = re.findall(r"^\$ graphdaemon (emulator serve .*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", SERVING)
def test_every_server_of_the_page(line: str, tmp_path: Path) -> None:
    """It serves, a program calls it, and the report is where the page says."""
    words = [*shlex.split(line), "--listen", "127.0.0.1:0", "--users", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=tmp_path,
    ) as server:
        assert server.stderr is not None
        for said in server.stderr:
            if said.startswith("Try:"):
                break
        listed = run_graphdaemon("users", "tenant/parameters.json", cwd=tmp_path)
        server.send_signal(signal.SIGINT)
        text = server.stderr.read()

    assert listed.returncode == 0, listed.stderr
    assert server.returncode == 0, text
    assert "Permissions of " in text
    for name in re.findall(r"--report-to (\S+)", line):
        assert (tmp_path / name).stat().st_size > 0


def test_every_rule_is_explained() -> None:
    """The page has a row for each rule, in their order, and no other."""
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(RULES)


def test_there_are_commands() -> None:
    assert len(SERVING) == 2
