"""The report on whoever called the emulator, as the command gives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from entra_emulator.traffic.report.finding import RULES
from graphdaemon.cli.report_options import read_order
from tests.support.run_command import clean_environment, run_graphdaemon


def test_nothing_is_asked_for() -> None:
    assert read_order(shown=False, files=(), fail_on=None) is None


@pytest.mark.parametrize(
    ("shown", "files", "fail_on", "text"),
    [
        (True, (), None, True),
        (False, (Path("r.json"),), None, False),
        (True, (Path("r.json"),), None, True),
        (False, (), "all", True),
    ],
)
def test_orders(shown: bool, files: tuple[Path, ...], fail_on: str | None, text: bool) -> None:
    """A report that goes into a file is not shown besides, unless that is said."""
    order = read_order(shown=shown, files=files, fail_on=fail_on)
    assert order is not None
    assert (order.shown, order.files) == (text, files)
    assert order.rules == (frozenset(RULES) if fail_on else frozenset())


@pytest.mark.parametrize(
    ("files", "fail_on", "words"),
    [
        ((Path("report.pdf"),), None, "a report's file ends in .json, .html, .txt: report.pdf"),
        ((), "unread", "there is no rule 'unread'; there are all, missing-permission,"),
    ],
)
def test_wrong_orders(files: tuple[Path, ...], fail_on: str | None, words: str) -> None:
    with pytest.raises(click.UsageError, match=words.replace(".", r"\.")):
        read_order(shown=False, files=files, fail_on=fail_on)


def serve_and_list(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Serve, list users of the tenant once, and stop by Ctrl-C."""
    words = ["emulator", "serve", "--listen", "127.0.0.1:0", "--users", "3", "--data", "tenant"]
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *words, *options],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=folder,
    ) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if line.startswith("Try:"):
                break
        listed = run_graphdaemon("users", "parameters.json", cwd=folder / "tenant")
        assert listed.returncode == 0, listed.stderr
        server.send_signal(signal.SIGINT)
        said = server.stderr.read()
    return subprocess.CompletedProcess(words, server.returncode, "", said)


def test_serve_reports_at_its_end(tmp_path: Path) -> None:
    """As text, as JSON and as a page; what --fail-on names ends it with code 10."""
    ended = serve_and_list(
        tmp_path,
        *("--report", "--report-to", "report.json", "--report-to", "report.html"),
        *("--permission", "Group.Read.All", "--fail-on", "unneeded-permission,unread-pages"),
    )

    assert ended.returncode == 10, ended.stderr
    assert "  too many Group.Read.All" in ended.stderr
    assert "Error: The report has findings that --fail-on forbids: unneeded-permission." in (
        ended.stderr
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["applications"][0]["least"] == ["User.Read.All"]
    assert "<h1>What the program did</h1>" in (tmp_path / "report.html").read_text()


def test_nothing_forbidden(tmp_path: Path) -> None:
    """Findings of other rules are no failure; a report into a file alone is not shown."""
    ended = serve_and_list(tmp_path, "--report-to", "report.txt", "--fail-on", "unread-pages")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert "Permissions of" in (tmp_path / "report.txt").read_text()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    ended = serve_and_list(tmp_path, "--report-to", "missing/report.json")
    assert ended.returncode == 7
    assert "Error: The report cannot be written to missing/report.json: No such file" in (
        ended.stderr
    )
