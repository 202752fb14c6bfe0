"""The commands of the pages on reports and recordings are run, as a reader would run them."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from entra_emulator.traffic.recording.lines import read_exchanges
from entra_emulator.traffic.report.finding import RULES
from tests.support.exec_run import make_environment
from tests.support.places import DOCS
from tests.support.run_command import run_graphdaemon
from tests.support.served_command import serve_and_call

REPORT, RECORD = (
    (DOCS / "how-to" / name).read_text("utf-8")
    for name in ("lint-a-graph-client.md", "record-a-program.md")
)
RUNNING = re.compile(r"^\$ graphdaemon ((?:emulator exec|record) .*)$", re.MULTILINE)
SERVING = re.compile(r"^\$ graphdaemon (emulator serve .*)$", re.MULTILINE)


@pytest.mark.parametrize("line", SERVING.findall(REPORT))
def test_every_server_that_reports(line: str, tmp_path: Path) -> None:
    """It serves, a program calls it, and the report is where the page says."""
    text = serve_and_call(tmp_path, line, "--users", "3")
    assert "Permissions of " in text
    for name in re.findall(r"--report-to (\S+)", line):
        assert (tmp_path / name).stat().st_size > 0


def test_from_a_recording_to_a_tenant(tmp_path: Path) -> None:
    """What the first command of the page records, the second serves."""
    record, serve = SERVING.findall(RECORD)
    serve_and_call(tmp_path, record, "--users", "3")
    path = tmp_path / "calls.jsonl"
    assert "/v1.0/users" in "".join(one.url for one in read_exchanges(path))
    for line in path.read_text("utf-8").splitlines():
        json.loads(line)
    serve_and_call(tmp_path, serve)
    (report,) = re.findall(r"^\$ graphdaemon (emulator report .*)$", RECORD, re.MULTILINE)
    done = run_graphdaemon(*report.split(), cwd=tmp_path, timeout=60)
    assert done.stdout.startswith("4 requests to Graph"), done.stderr


@pytest.mark.parametrize("line", RUNNING.findall(REPORT + RECORD))
def test_every_run(line: str, tmp_path: Path) -> None:
    """The program of the page is run, reported on or recorded; a namespace is not everywhere."""
    (tmp_path / "my_program.py").write_text("print('ran')")
    words = shlex.split(line.replace("emulator exec", "emulator exec --method proxy --users 3"))
    python = [sys.executable if word == "python" else word for word in words]
    done = run_graphdaemon(*python, cwd=tmp_path, env=make_environment(), timeout=60)
    assert (done.returncode, done.stdout) == (0, "ran\n"), done.stderr
    assert "calls.jsonl" not in line or (tmp_path / "calls.jsonl").is_file()


def test_every_rule_is_explained() -> None:
    """The page has a row for each rule, in their order, and no other."""
    assert re.findall(r"^\| `([\w-]+)` \|", REPORT, re.MULTILINE) == list(RULES)
