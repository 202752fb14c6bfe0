"""The report on a recording, which is the one that the run itself would have given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.exec_run import run_exec
from tests.support.run_command import run_graphdaemon

# Two listings, of which one is left, in small pages; and a second token that was not needed.
PROGRAM = """
import json, os, urllib.parse, urllib.request as web
form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"]}
url = f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
def ask(url, **more):
    with web.urlopen(web.Request(url, **more)) as answer:
        return json.load(answer)
for pages in (9, 1):
    token = ask(url, data=urllib.parse.urlencode(form).encode())["access_token"]
    link = "https://graph.microsoft.com/v1.0/users?$top=5&$select=id,displayName"
    while link and pages:
        page = ask(link, headers={"Authorization": f"Bearer {token}"})
        link, pages = page.get("@odata.nextLink"), pages - 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's recording and its own report."""
    path = tmp_path_factory.mktemp("run")
    options = ("--users", "30", "--record", "calls.jsonl", "--report-to", "own.json")
    done = run_exec("proxy", sys.executable, "-c", PROGRAM, options=options, cwd=path)
    assert done.returncode == 0, done.stderr
    return path


def compare(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what a recording replaces: the IDs of applications and tenants."""
    for one in report["applications"]:
        del one["app_id"], one["tenant_id"]
    for finding in report["findings"]:
        del finding["app_id"], finding["message"]
    return {key: value for key, value in report.items() if key not in {"started", "ended"}}


def test_the_same_report(folder: Path) -> None:
    """Permissions, calls and findings are those that the run itself reported."""
    done = run_graphdaemon("emulator", "report", "calls.jsonl", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    own = json.loads((folder / "own.json").read_text())
    rules = {finding["rule"] for finding in made["findings"]}
    assert {"unread-pages", "small-pages", "token-not-reused", "unneeded-permission"} <= rules
    assert compare(made) == compare(own)


@pytest.mark.parametrize(
    ("form", "start"), [("text", "7 requests to Graph ("), ("html", "<!doctype html>")]
)
def test_forms(folder: Path, form: str, start: str) -> None:
    done = run_graphdaemon("emulator", "report", "calls.jsonl", "--format", form, cwd=folder)
    assert done.stdout.lower().startswith(start.lower())
    assert "unread-pages" in done.stdout


def test_findings_that_are_a_failure(folder: Path) -> None:
    """The report is written all the same."""
    done = run_graphdaemon("emulator", "report", "calls.jsonl", "--fail-on", "all", cwd=folder)
    assert (done.returncode, done.stdout != "") == (10, True)
    assert "--fail-on forbids: " in done.stderr


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[]", "is no recording"),
        ('{"recording":"graphdaemon","version":9,"started":""}\n', "of version 9"),
        ('{"recording":"graphdaemon","version":1,"started":""}\n{}\n', "line 2"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, content: str, text: str) -> None:
    (tmp_path / "r.jsonl").write_text(content)
    done = run_graphdaemon("emulator", "report", "r.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
