"""
`graphdaemon record` and `emulator exec --record`, as their users run them.

The real tenant is a second emulator, whose names a proxy leads to and whose authority is trusted by
an option: as for a company's own proxy that looks into TLS.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from entra_emulator.exec.hosts import list_hosts
from entra_emulator.server.emulator import Emulator
from entra_emulator.traffic.recording.lines import read_exchanges
from tests.support.connect_proxy import connect_proxy
from tests.support.exec_run import make_environment, run_exec
from tests.support.name_search import find_names
from tests.support.run_command import run_graphdaemon

# A program that lists users, as anybody would write it.
PROGRAM = """
import os, sys, requests
tenant = os.environ["AZURE_TENANT_ID"]
form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"]}
base = "https://login.microsoftonline.com/" + tenant
token = requests.post(base + "/oauth2/v2.0/token", data=form, timeout=60)
token.raise_for_status()
headers = {"Authorization": "Bearer " + token.json()["access_token"]}
page = requests.get("https://graph.microsoft.com/v1.0/users", headers=headers, timeout=60)
print(page.status_code, len(page.json()["value"]))
sys.exit(7)
"""


class RealTenant(NamedTuple):
    """A tenant, the variables of a program that is at home there, and what its proxy saw."""

    emulator: Emulator
    variables: Mapping[str, str]
    heads: list[str]


@pytest.fixture(scope="module")
def real() -> Iterator[RealTenant]:
    with Emulator(users=30, hostnames=list_hosts()) as emulator:
        application = emulator.add_application("Program", ["User.Read.All", "Group.Read.All"])
        port = urlsplit(emulator.url).port
        assert port is not None
        with connect_proxy(port) as (proxy, heads):
            variables = {
                "AZURE_TENANT_ID": emulator.tenant.id,
                "AZURE_CLIENT_ID": application.client_id,
                "AZURE_CLIENT_SECRET": application.secret,
                "HTTPS_PROXY": f"http://{proxy}",
            }
            yield RealTenant(emulator, variables, heads)


def record(
    real: RealTenant, folder: Path, *words: str, program: str = PROGRAM, trusted: bool = True
) -> subprocess.CompletedProcess[str]:
    options = ["--ca", str(real.emulator.ca_file)] if trusted else []
    return run_graphdaemon(
        *("record", *options, *words, "--", sys.executable, "-c", program),
        env=make_environment(**real.variables),
        cwd=folder,
        timeout=120,
    )


def test_a_recording_of_a_real_tenant(real: RealTenant, tmp_path: Path) -> None:
    """The program works and its code is ours; all is kept but secrets and names; a report, too."""
    done = record(real, tmp_path, "--report-to", "report.json")

    assert (done.returncode, done.stdout) == (7, "200 30\n"), done.stderr
    assert "2 exchanges in recording.jsonl, without secrets and names" in done.stderr
    exchanges = list(read_exchanges(tmp_path / "recording.jsonl"))
    assert [(one.method, one.status) for one in exchanges] == [("POST", 200), ("GET", 200)]
    assert all("microsoft" in one.url for one in exchanges)
    people = real.emulator.directory.users.find(real.emulator.tenant, "admin@contoso.com") or {}
    planted = [
        *real.variables.values(),
        real.emulator.tenant.display_name,
        *real.emulator.tenant.domains,
        *(str(value) for value in people.values() if isinstance(value, str) and len(value) > 8),
    ]
    content = (tmp_path / "recording.jsonl").read_bytes()
    assert find_names([one for one in planted if "onmicrosoft" not in one], content) == []
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["applications"][0]["unneeded"] == ["Group.Read.All"]


def test_who_is_not_trusted(real: RealTenant, tmp_path: Path) -> None:
    """The real hosts' certificates are verified here: the program would not see them any more."""
    done = record(real, tmp_path, trusted=False)
    assert done.returncode == 1
    assert "login.microsoftonline.com does not answer" in done.stderr
    assert real.variables["AZURE_CLIENT_SECRET"] not in done.stderr


def test_other_hosts_pass_untouched(real: RealTenant, tmp_path: Path) -> None:
    """Their own certificates reach the program, and nothing of them is kept."""
    program = (
        "import socket, ssl, os\n"
        "from urllib.parse import urlsplit\n"
        "proxy = urlsplit(os.environ['HTTPS_PROXY'])\n"
        "raw = socket.create_connection((proxy.hostname, proxy.port))\n"
        "raw.sendall(b'CONNECT localhost:443 HTTP/1.1\\r\\n\\r\\n')\n"
        "assert b' 200 ' in raw.recv(4096)\n"
        "tls = ssl.create_default_context(cafile=os.environ['REAL_CA'])\n"
        "with tls.wrap_socket(raw, server_hostname='localhost') as secured:\n"
        "    print(secured.getpeercert()['issuer'])\n"
    )
    variables = dict(real.variables) | {"REAL_CA": str(real.emulator.ca_file)}
    done = record(real._replace(variables=variables), tmp_path, program=program)
    assert "graphdaemon emulator" in done.stdout, done.stderr
    assert any("CONNECT localhost:443" in head for head in real.heads)
    assert list(read_exchanges(tmp_path / "recording.jsonl")) == []


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("record", "--", "no-such-program"), 2, "there is no program 'no-such-program'"),
        (("record", "--output", "precious", "--", sys.executable, "-V"), 2, "and no recording"),
        (("record", "--output", "no/r.jsonl", "--", sys.executable, "-V"), 7, "cannot be written"),
        (("record", "--fail-on", "x", "--", sys.executable, "-V"), 2, "there is no rule 'x'"),
        (("record",), 2, "Missing argument"),
    ],
)
def test_refusals(tmp_path: Path, words: tuple[str, ...], code: int, text: str) -> None:
    """One sentence, before the program runs; no file is touched."""
    (tmp_path / "precious").write_text("precious")
    done = run_graphdaemon(*words, cwd=tmp_path, timeout=60, env=make_environment())
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert done.stdout == ""
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("method", ["namespace", "proxy"])
def test_exec_records_and_reports(method: str, tmp_path: Path) -> None:
    """The same against a pretend tenant, in which the program has nothing to be told."""
    program = PROGRAM.replace("sys.exit(7)", "")
    done = run_exec(
        method,
        sys.executable,
        "-c",
        program,
        options=(
            *("--users", "120", "--record", "r.jsonl", "--report-to", "r.html"),
            *("--fail-on", "unread-pages"),
        ),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (10, "200 100\n"), done.stderr
    assert "forbids: unread-pages" in done.stderr
    exchanges = list(read_exchanges(tmp_path / "r.jsonl"))
    assert [(one.method, one.status) for one in exchanges] == [("POST", 200), ("GET", 200)]
    assert "unread-pages" in (tmp_path / "r.html").read_text()
