"""
`graphdaemon record` and `emulator exec --record`, as their users run them.

The real tenant is a second emulator, whose names a proxy leads to and whose authority is trusted by
an option: as for a company's own proxy that looks into TLS.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import trustme

from entra_emulator.exec.hosts import list_hosts
from entra_emulator.server.emulator import Emulator
from entra_emulator.traffic.recording.lines import read_exchanges
from tests.support.connect_proxy import connect_proxy, make_tls
from tests.support.exec_run import (
    list_children,
    list_marked,
    make_environment,
    read_variable,
    run_exec,
    wait_until,
)
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
    real: RealTenant,
    folder: Path,
    *words: str,
    program: str = PROGRAM,
    command: tuple[str, ...] = (),
    trusted: bool = True,
) -> subprocess.CompletedProcess[str]:
    options = ["--ca", str(real.emulator.ca_file)] if trusted else []
    return run_graphdaemon(
        *("record", *options, *words, "--", *(command or (sys.executable, "-c", program))),
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


def test_nodes_own_fetch_is_recorded(real: RealTenant, tmp_path: Path) -> None:
    """Which heeds no proxy, and is led to the recorder all the same."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    code = (
        "fetch('https://login.microsoftonline.com/common/discovery/v2.0/keys')"
        ".then((answer) => console.log(answer.status))"
    )
    done = record(real, tmp_path, command=(node, "-e", code))
    assert done.stdout == "200\n", done.stderr
    assert len(list(read_exchanges(tmp_path / "recording.jsonl"))) == 1


def test_a_proxy_behind_tls_leads_to_the_tenant(real: RealTenant, tmp_path: Path) -> None:
    """TLS to the proxy, and within it TLS to the tenant; both are verified."""
    port = urlsplit(real.emulator.url).port
    assert port is not None
    authority = trustme.CA()
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(real.emulator.ca_file.read_bytes() + authority.cert_pem.bytes())
    with connect_proxy(port, tls=make_tls(authority)) as (proxy, heads):
        variables = {**real.variables, "HTTPS_PROXY": f"https://{proxy}"}
        done = record(
            real._replace(variables=variables), tmp_path, "--ca", str(trusted), trusted=False
        )
    assert done.stdout == "200 30\n", done.stderr
    assert [head.split()[1] for head in heads] == [
        "login.microsoftonline.com:443",
        "graph.microsoft.com:443",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_killed_recorder_leaves_no_program_without_a_way_out(
    real: RealTenant, tmp_path: Path
) -> None:
    """Nor its children, nor its files; what was recorded is there."""
    mark = token_hex(8)
    script = f"{shlex.join([sys.executable, '-c', PROGRAM])}; sleep 1000 & echo up; wait"
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "graphdaemon", "record", "--ca", str(real.emulator.ca_file)),
            *("--", "sh", "-c", script),
        ],
        env=make_environment(**real.variables, RUN_OF_TEST=mark),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["200 30\n", "up\n"]
        program = list_children(process.pid)[1]
        bundle = read_variable(program, "SSL_CERT_FILE")
        process.kill()
    wait_until(lambda: not list_marked(mark) and not bundle.parent.exists())
    assert list_marked(mark) == set()
    assert not bundle.parent.exists()
    assert len(list(read_exchanges(tmp_path / "recording.jsonl"))) == 2


def test_a_signal_is_the_programs_own(real: RealTenant, tmp_path: Path) -> None:
    """It may handle it; the recording and its last line are written all the same."""
    script = "trap 'echo handled; exit 4' INT; echo up; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", "record", "--", "sh", "-c", script],
        env=make_environment(**real.variables),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
    assert (process.returncode, shown) == (4, "handled\n")
    assert "0 exchanges in recording.jsonl" in said


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
