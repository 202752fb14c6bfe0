"""Real programs that reach the emulator by the variables of proxies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.entra_emulator.exec.test_namespace import LIST_USERS
from tests.support.exec_run import make_environment, run_exec, run_python

METHOD = "proxy"


def test_a_program_meets_the_tenant_at_microsofts_addresses(tmp_path: Path) -> None:
    """It is said before, which programs would not; and nothing is left."""
    done = run_exec(
        METHOD,
        *(sys.executable, "-c", LIST_USERS + "\nimport sys; sys.exit(9)"),
        variables={"TMPDIR": str(tmp_path)},
    )

    assert (done.returncode, done.stdout) == (
        9,
        "5 https://graph.microsoft.com/v1.0/users?$top\n",
    ), done.stderr
    assert done.stderr.startswith("graphdaemon: through a proxy, a program reaches the emulator ")
    assert "aiohttp without trust_env, urllib3 by itself" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_hosts_are_refused_and_said() -> None:
    code = (
        "import urllib.request as u\n"
        "for url in ('https://example.com', 'http://example.com/', 'https://example.com'):\n"
        "    try: u.urlopen(url)\n"
        "    except OSError as error: print('403' in str(error))\n"
    )

    done = run_python(METHOD, code)

    assert done.stdout == "True\nTrue\nTrue\n"
    assert done.stderr.count("asked the proxy for example.com:443 and was refused") == 1
    assert done.stderr.count("asked the proxy for example.com:80 and was refused") == 1


def test_nodes_own_fetch_is_led_there_too() -> None:
    """It heeds no proxy; other hosts stay as they are."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    code = (
        "const get = async (url) => console.log((await fetch(url)).status);"
        "await get('https://login.microsoftonline.com/common/discovery/v2.0/keys');"
        "const https = await import('node:https');"
        "const url = 'https://graph.microsoft.com/v1.0/users';"
        "https.get(url, (answer) => console.log(answer.resume().statusCode));"
    )

    done = run_exec(METHOD, "node", "--input-type=module", "-e", code)

    assert done.stdout == "200\n401\n", done.stderr


def test_a_managed_identity_is_reached_at_an_address_of_the_loopback() -> None:
    """Past the proxy, which clients do not take for it."""
    code = (
        "import os, urllib.request as u\n"
        "assert 'AZURE_CLIENT_SECRET' not in os.environ\n"
        "host = os.environ['AZURE_POD_IDENTITY_AUTHORITY_HOST']\n"
        "url = host + '/metadata/identity/oauth2/token?api-version=2018-02-01'\n"
        "url += '&resource=https://graph.microsoft.com'\n"
        "print(u.urlopen(u.Request(url, headers={'Metadata': 'true'})).read()[:17])"
    )

    done = run_python(METHOD, code, options=("--credential", "managed-identity"))

    assert done.stdout == 'b\'{"access_token":"\'\n', done.stderr


ELSEWHERE = """
import signal, sys
for name in ("sigwaitinfo", "sigtimedwait", "struct_siginfo", "pthread_sigmask", "sigpending"):
    delattr(signal, name)
from graphdaemon.cli import main
main(["emulator", "exec", "--method", "proxy", "--", *sys.argv[1:]])
"""


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_a_system_that_tells_less_of_signals_will_do(script: str, code: int) -> None:
    """As macOS and Windows: a program runs, and the exit code is its own."""
    url = "https://login.microsoftonline.com/common/discovery/v2.0/keys"
    called = f"{sys.executable} -c 'import urllib.request as u; u.urlopen(\"{url}\")' && {script}"
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "sh", "-c", called],
        env=make_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == code, done.stderr


def test_a_signal_reaches_the_program_there_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, "sh", "-c", "echo up; exec sleep 1000"],
        env=make_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.wait(timeout=60) == 143


def test_a_program_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = run_exec(METHOD, tmp_path / "absent")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: The program cannot be run: there is no program ")


def test_processes_that_a_program_leaves_end_with_it() -> None:
    """Even one that has left its group and its parent; else the end would be waited for."""
    left = "(setsid sleep 1000 &); exit 5"

    assert run_exec(METHOD, "sh", "-c", left).returncode == 5
