"""The commands of the pages on reports and recordings are run, as a reader would run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from entra_emulator.traffic.recording.lines import read_exchanges
from entra_emulator.traffic.report.finding import RULES
from tests.support.places import DOCS
from tests.support.served_command import serve_and_call

REPORT, RECORD = (
    (DOCS / "how-to" / name).read_text("utf-8")
    for name in ("lint-a-graph-client.md", "record-a-program.md")
)
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


def test_every_rule_is_explained() -> None:
    """The page has a row for each rule, in their order, and no other."""
    assert re.findall(r"^\| `([\w-]+)` \|", REPORT, re.MULTILINE) == list(RULES)
