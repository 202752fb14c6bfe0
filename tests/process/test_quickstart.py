"""`graphdaemon quickstart` and `graphdaemon emulator serve` as a newcomer meets them."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.pseudo_terminal import run_on_terminal
from tests.support.run_command import Run, clean_environment

COMMAND = [sys.executable, "-m", "graphdaemon"]


@contextmanager
def running(*arguments: object, until: str, cwd: Path | None = None) -> Iterator[str]:
    """The command while it runs, once it has said ``until``; ended by Ctrl-C, and well."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=clean_environment(),
    )
    try:
        assert process.stderr is not None
        said = ""
        while until not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert process.returncode == 0


def test_the_whole_walk(run: Run) -> None:
    """App, credential, 403, consent, the old token's 403, users by secret and by certificate."""
    done = run("quickstart")

    assert done.returncode == 0
    assert len(json.loads(done.stdout)["value"]) == 250
    steps = re.findall(r"^(\d/5) ", done.stderr, re.MULTILINE)
    assert steps == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    refusals = re.findall(r"403 Authorization_RequestDenied: Insufficient privileges", done.stderr)
    assert len(refusals) == 2
    assert re.search(r"/adminconsent\?client_id=[0-9a-f-]{36}", done.stderr)
    assert "with the secret: 250 users" in done.stderr
    assert "with the certificate: 250 users" in done.stderr


def test_the_environment_of_a_real_tenant_does_not_matter(run: Run) -> None:
    """Real credentials in AZURE_ variables are neither used nor sent anywhere."""
    real = {
        "AZURE_TENANT_ID": "11111111-2222-4333-8444-555555555555",
        "AZURE_CLIENT_ID": "22222222-2222-4333-8444-555555555555",
        "AZURE_CLIENT_SECRET": "a-real-secret",
        "GRAPHDAEMON_CONFIG": "/nowhere",
    }

    done = run("quickstart", "--users", 5, env=real)

    assert done.returncode == 0, done.stderr
    assert "with the certificate: 5 users" in done.stderr


def users_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The users that were printed, by their IDs: without --sort a listing has no order."""
    assert done.returncode == 0, done.stderr
    users: list[dict[str, Any]] = json.loads(done.stdout)["value"]
    return sorted(users, key=lambda user: str(user["id"]))


def test_the_same_seed_makes_the_same_users(run: Run) -> None:
    """What one person sees, the other can see."""
    one, same, other = (
        run("quickstart", "--users", 20, "--seed", seed, "--folder", folder)
        for seed, folder in ((7, "one"), (7, "same"), (8, "other"))
    )

    assert users_of(one) == users_of(same) != users_of(other)
    assert len(users_of(one)) == 20


def test_more_users_than_a_page(run: Run) -> None:
    """2,500 users are three pages of 999, and all arrive once."""
    done = run("quickstart", "--users", 2500, "--format", "ndjson")

    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert len(ids) == len(set(ids)) == 2500


def test_the_tenant_is_kept_and_what_is_printed_to_type_next_works(
    run: Run, tmp_path: Path
) -> None:
    """The folder that is named has the tenant, which can be served again; nobody else reads it."""
    done = run("quickstart", "--users", 5, cwd=tmp_path)

    folder = tmp_path / ".graphdaemon"
    assert "stay in .graphdaemon" in done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "parameters.json").stat().st_mode) == 0o600
    lines = re.findall(r"^   python -m graphdaemon (.+)$", done.stderr, re.MULTILINE)
    _, serve_again, list_few, examine = map(str.split, lines)
    with running(*serve_again, until="Try: ", cwd=tmp_path):
        table = run(*list_few, cwd=tmp_path)
        assert len(table.stdout.splitlines()) == 7, table.stderr
        assert run(*examine, cwd=tmp_path).returncode == 0
        taken = run("quickstart", cwd=tmp_path)

    assert taken.returncode == 2
    assert "name another folder with --folder" in taken.stderr


def test_the_next_quickstart_meets_the_tenant_of_the_last_one(run: Run, tmp_path: Path) -> None:
    """Nothing that somebody made in its portal goes away; amounts are for a new tenant."""
    first = run("quickstart", "--users", 5, cwd=tmp_path)
    again = run("quickstart", cwd=tmp_path)
    refused = run("quickstart", "--users", 7, cwd=tmp_path)
    other = run("quickstart", "--users", 7, "--folder", "other", cwd=tmp_path)

    assert users_of(first) == users_of(again)
    assert refused.returncode == 2
    assert "--users: there is already a tenant in .graphdaemon" in refused.stderr
    assert len(users_of(other)) == 7


@pytest.mark.parametrize("name", [".graphdaemon", ".graphdaemon/tenant"])
def test_a_file_in_the_place_of_the_folder_is_named(run: Run, tmp_path: Path, name: str) -> None:
    """It is left as it was."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    done = run("quickstart", cwd=tmp_path)

    assert done.returncode in {2, 7}, done.stderr
    assert "Traceback" not in done.stderr
    assert "--folder" in done.stderr
    assert (tmp_path / name).read_text() == "mine"


def test_keep_leaves_a_tenant_that_others_can_use(run: Run, tmp_path: Path) -> None:
    """--keep prints the portal's address; with secret and certificate the users are listed."""
    arguments = ("quickstart", "--users", 30, "--keep")
    with running(*arguments, until="graphdaemon doctor", cwd=tmp_path) as said:
        assert re.search(r"portal: https://127\.0\.0\.1:\d+/portal$", said, re.MULTILINE)
        parameters = tmp_path / ".graphdaemon" / "parameters.json"

        table = run("users", parameters, "--format", "table")
        assert len(table.stdout.splitlines()) == 32
        certificate = run("users", parameters.with_name("parameters.certificate.json"))
        assert certificate.returncode == 0, certificate.stderr


def test_a_terminal_shows_the_first_users_and_where_all_are(tmp_path: Path) -> None:
    """The five steps stay on the screen; a dumb terminal gets no escape sequences."""
    shown = run_on_terminal("quickstart", "--users", 40, cwd=tmp_path, env={"TERM": "dumb"})
    said = shown.text

    assert shown.code == 0
    assert len(said.splitlines()) < 60
    assert "the first 5 of them; all 40 are in .graphdaemon/users.json" in said
    everybody = json.loads((tmp_path / ".graphdaemon" / "users.json").read_text())["value"]
    assert len(everybody) == 40
    assert [user["userPrincipalName"] in said for user in everybody].count(True) == 5
    assert "\x1b" not in said


def test_the_walk_in_portuguese(run: Run) -> None:
    """What we say is in Portuguese; what Graph says, and our hint, is as it is."""
    done = run("quickstart", "--users", 5, "--lang", "pt")

    assert "4/5 Conceder consentimento do administrador" in done.stderr
    assert "com o certificado: 5 usuários" in done.stderr
    assert done.stderr.count("403 Authorization_RequestDenied: Insufficient privileges") == 2


def test_step_waits_for_enter_on_a_terminal(tmp_path: Path) -> None:
    """Each Enter lets one more step happen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "quickstart", "--users", "5", "--step"],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
        env=clean_environment() | {"TERM": "dumb"},
    )
    os.close(theirs)
    said = b""
    for step in (b"1/5", b"2/5", b"3/5", b"4/5"):
        while said.count(b"Enter goes on") < int(step[:1]):
            said += os.read(ours, 1024)
        assert step in said
        assert str(int(step[:1]) + 1).encode() + b"/5" not in said
        os.write(ours, b"\n")
    assert process.wait(timeout=300) == 0
    os.close(ours)


def serve(data: Path, *more: object) -> tuple[object, ...]:
    return ("emulator", "serve", "--listen", "127.0.0.1:0", "--data", data, *more)


def test_serve_writes_settings_that_work(run: Run, tmp_path: Path) -> None:
    """`emulator serve` makes ca.pem and parameters.json to paste."""
    data = tmp_path / "tenant"
    with running(*serve(data, "--users", 9), until="Try: "):
        done = run("users", data / "parameters.json")

        assert len(json.loads(done.stdout)["value"]) == 9, done.stderr
        assert stat.S_IMODE((data / "parameters.json").stat().st_mode) == 0o600
        assert (data / "ca.pem").exists()


def test_serve_listens_beyond_this_machine_only_when_told(run: Run, tmp_path: Path) -> None:
    """A pretend tenant on the network is a mistake until somebody says otherwise."""
    done = run("emulator", "serve", "--listen", "0.0.0.0:0", "--data", tmp_path / "t")

    assert done.returncode == 2
    assert "--allow-remote" in done.stderr


def test_serve_names_a_folder_it_cannot_use(run: Run, tmp_path: Path) -> None:
    """A file stands where the folder should be made."""
    (tmp_path / "file").write_text("")

    done = run("emulator", "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "file" / "t")

    assert done.returncode == 2
    assert "name another folder with --data" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("listen", ["8443", "127.0.0.1:x", "127.0.0.1:99999"])
def test_serve_refuses_an_address_it_cannot_read(run: Run, tmp_path: Path, listen: str) -> None:
    """HOST:PORT, nothing else."""
    done = run("emulator", "serve", "--listen", listen, "--data", tmp_path / "t")

    assert done.returncode == 2
    assert listen in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_says_where_its_extras_are(tmp_path: Path) -> None:
    """Portal, and when asked for control API and the machine's endpoints, are announced."""
    arguments = serve(tmp_path / "t", "--users", 3, "--control", "--managed-identity")
    with running(*arguments, until="Try: ") as said:
        address = re.search(r"Control API +https://127\.0\.0\.1:(\d+)(/_emulator/)", said)
        assert address is not None
        context = ssl.create_default_context(cafile=tmp_path / "t" / "ca.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", int(address[1]), context=context)
        connection.request("GET", address[2])
        paths = {row["path"] for row in json.load(connection.getresponse())["controls"]}
        connection.request("GET", "/portal/signin")
        page = connection.getresponse().read()
        connection.close()

    assert "/_emulator/clock/move" in paths
    assert b"Nobody here has a password" in page
    assert re.search(r"Portal +https://127\.0\.0\.1:\d+/portal\n", said)
    assert "IDENTITY_ENDPOINT" in said
