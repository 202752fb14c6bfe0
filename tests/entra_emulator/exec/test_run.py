"""What a program is given: its application, its tenant, its variables; and who watches it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.exec_run import (
    METHODS,
    make_environment,
    namespaces_missing,
    run_exec,
    run_python,
)

METHOD = METHODS[bool(namespaces_missing())]
"""The better way that there is."""

TENANT = """
name = "Fabrikam"
domains = ["fabrikam.onmicrosoft.com"]

[[users]]
userPrincipalName = "ada@fabrikam.onmicrosoft.com"

[[applications]]
displayName = "Nightly report"
secret = "pretend-secret-of-the-report"
permissions = ["Group.Read.All"]
"""

SHOW_ROLES = """
import base64, json, os, sys, urllib.parse, urllib.request
def show(answer):
    claims = json.load(answer)["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
    print(sorted(claims["roles"]))
resource = "https://graph.microsoft.com"
if "AZURE_CLIENT_ID" in os.environ:
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": resource + "/.default",
    }
    authority = "https://login.microsoftonline.com/" + os.environ["AZURE_TENANT_ID"]
    body = urllib.parse.urlencode(form).encode()
    show(urllib.request.urlopen(authority + "/oauth2/v2.0/token", body))
query = urllib.parse.urlencode({"api-version": "2018-02-01", "resource": resource})
url = "http://169.254.169.254/metadata/identity/oauth2/token?" + query
show(urllib.request.urlopen(urllib.request.Request(url, headers={"Metadata": "true"})))
"""


def test_application_and_machine_have_the_permissions_that_are_named() -> None:
    done = run_python(METHOD, SHOW_ROLES, options=("--permission", "Group.Read.All", "--users", 3))

    assert done.stdout == "['Group.Read.All', 'User.Read.All']\n" * 2, done.stderr


def test_a_tenant_file_says_who_the_program_is(tmp_path: Path) -> None:
    """Its first application with a secret; the machine may do what that may."""
    (tmp_path / "tenant.toml").write_text(TENANT)

    done = run_python(METHOD, SHOW_ROLES, options=("--tenant", tmp_path / "tenant.toml"))

    assert done.stdout == "['Group.Read.All']\n" * 2, done.stderr


def test_variables_of_the_programs_own_names_are_filled() -> None:
    code = (
        "import os\n"
        "secret, tenant = os.environ['AZURE_CLIENT_SECRET'], os.environ['AZURE_TENANT_ID']\n"
        "assert os.environ['APP_SECRET'] == secret\n"
        "assert os.environ['ISSUER'] == f'https://login.microsoftonline.com/{tenant}/v2.0'\n"
    )
    options = ("--env", "APP_SECRET={client_secret}", "--env", "ISSUER={authority}/v2.0")

    done = run_python(METHOD, code, options=options)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("secret", ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"]),
        ("certificate", ["AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"]),
        ("none", []),
    ],
)
def test_a_credential_is_of_the_kind_that_is_named(kind: str, names: list[str]) -> None:
    """And whatever the caller's own variables say is not the program's."""
    code = (
        "import json, os\n"
        "names = sorted(name for name in os.environ if name.startswith('AZURE_'))\n"
        "print(json.dumps(names))\n"
        "path = os.environ.get('AZURE_CLIENT_CERTIFICATE_PATH')\n"
        "assert path is None or 'PRIVATE KEY' in open(path).read()\n"
    )
    real = {"AZURE_CLIENT_SECRET": "real", "AZURE_USERNAME": "real"}
    command = (sys.executable, "-c", code)

    done = run_exec(METHOD, *command, options=("--credential", kind), variables=real)

    assert json.loads(done.stdout) == names, done.stderr


def test_faults_meet_the_program(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(
        '[[fault]]\nkind = "status"\nstatus = 503\nroute = "GET /users"\n'
    )
    code = (
        "import urllib.error, urllib.request\n"
        "try: urllib.request.urlopen('https://graph.microsoft.com/v1.0/users')\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )

    done = run_python(METHOD, code, options=("--faults", tmp_path / "faults.toml"))

    assert done.stdout == "503\n", done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--permission", "Nonsense.All"), "--permission: there is no app role"),
        (("--env", "A={nothing}"), "--env: there is no {nothing} here"),
        (
            ("--tenant", "{tenant}", "--users", 5),
            "With --tenant, the file determines what the tenant contains.",
        ),
        (("--tenant", "{tenant}", "--permission", "User.Read.All"), "--permission"),
        (("--tenant", "{wrong}"), "wrong.toml"),
    ],
)
def test_what_cannot_be_followed_is_said_and_nothing_runs(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "tenant.toml").write_text(TENANT)
    (tmp_path / "wrong.toml").write_text("nonsense = [")
    names = {"tenant": tmp_path / "tenant.toml", "wrong": tmp_path / "wrong.toml"}
    filled = [
        str(names[str(option)[1:-1]]) if str(option)[1:-1] in names else option
        for option in options
    ]

    done = run_exec(METHOD, "touch", tmp_path / "ran", options=tuple(filled))

    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "ran").exists()


OBSERVED = """
import sys
from entra_emulator.exec.program import Observer, Program
from entra_emulator.exec.run import run_program
from entra_emulator.server.settings import EmulatorSettings

def started(emulator):
    print("started", len(emulator.audit.entries()), flush=True)

def ended(emulator, ending):
    entry = emulator.audit.entries()[0]
    print("ended", ending.code, ending.refused, entry.service, entry.status, flush=True)
    return 40 + ending.code

code = "import urllib.request as u; u.urlopen('https://graph.microsoft.com/v1.0/users')"
program = Program(
    command=(sys.executable, "-c", code), settings=EmulatorSettings(users=3), method=sys.argv[1]
)
code = run_program(program, Observer(lambda text: None, started, ended))
print("returned", code, flush=True)
sys.exit(code)
"""


@pytest.mark.parametrize("method", METHODS)
def test_whoever_watches_sees_the_emulator_before_and_after(method: str) -> None:
    """And says what the exit code of the run is."""
    if method == "namespace" and namespaces_missing():
        pytest.skip(namespaces_missing())
    done = subprocess.run(
        [sys.executable, "-c", OBSERVED, method],
        env=make_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    # With namespaces both processes return, the emulator's first.
    returned = "returned 41\n" * (2 if method == "namespace" else 1)
    assert done.stdout == f"started 0\nended 1 () graph 401\n{returned}", done.stderr
    assert done.returncode == 41
