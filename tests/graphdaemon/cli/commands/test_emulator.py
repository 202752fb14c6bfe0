"""`graphdaemon emulator seed`: what it makes, and why it makes nothing."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_command import clean_environment, run_graphdaemon


def test_seed_says_what_it_made(tmp_path: Path) -> None:
    """`emulator seed` says what it made; a second time it says what to do instead."""
    data = tmp_path / "tenant"
    arguments = ("emulator", "seed", "--users", "40", "--groups", "6", "--data", data)
    first, second = (run_graphdaemon(*arguments) for _ in range(2))

    assert (first.returncode, first.stdout) == (0, "")
    assert "40 users, 6 groups, 8 devices" in first.stderr
    assert f"Try: graphdaemon emulator serve --data {data}" in first.stderr
    assert "\r" not in first.stderr
    assert second.returncode == 2
    assert f"There is already a tenant in {data}" in second.stderr


def test_seed_without_room(tmp_path: Path) -> None:
    """A full disk is one sentence and the exit code of what cannot be written."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    run = run_graphdaemon(
        "emulator", "seed", "--users", "3000", "--data", tmp_path / "t", preexec_fn=limit
    )

    assert run.returncode == 7
    assert run.stderr.startswith(f"Error: There is no room for the tenant in {tmp_path / 't'}.\n")
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "t").iterdir()) == []


@contextmanager
def serving(data: Path, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """A server of its own on this folder, until the end of the block."""
    words = ["emulator", "serve", "--listen", "127.0.0.1:0", "--data", str(data)]
    words += more or ("--users", "3")
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if line.startswith("Try:"):
                    break
            yield server
        finally:
            server.kill()


def serve_again(data: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    """A server that does not come up."""
    words = ("emulator", "serve", "--listen", "127.0.0.1:0", "--users", "3", "--data", data)
    return run_graphdaemon(*words, timeout=60, **options)


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Settings lead to the first one as before; when that is killed, the folder is free."""
    data = tmp_path / "tenant"
    with serving(data) as server:
        parameters = (data / "parameters.json").read_text()
        refused = serve_again(data)
        seeded = run_graphdaemon("emulator", "seed", "--users", "3", "--data", data)
        server.send_signal(signal.SIGKILL)

    assert (refused.returncode, seeded.returncode) == (2, 2)
    assert f"another emulator uses the folder {data}" in refused.stderr
    assert f"another emulator uses the folder {data}" in seeded.stderr
    assert (data / "parameters.json").read_text() == parameters
    with serving(data):
        before, after = (json.loads(text) for text in (parameters, _read_parameters(data)))
    assert (after["secret"], after["client_id"]) == (before["secret"], before["client_id"])


def _read_parameters(data: Path) -> str:
    return (data / "parameters.json").read_text()


THEIRS = {
    "parameters.json": '{"client_id": "c", "secret": "s", "authority": "https://login.example/t"}',
    "ca.pem": "-----BEGIN CERTIFICATE-----",
    "directory.sqlite": "SQLite format 3\0" + "x" * 100,
    "signing-keys.pem": "-----BEGIN PRIVATE KEY-----",
}


@pytest.mark.parametrize("name", THEIRS)
def test_a_folder_with_somebody_elses_files_is_not_served(tmp_path: Path, name: str) -> None:
    """`--data .` beside the settings of a real app leaves those as they are."""
    path = tmp_path / name
    path.write_text(THEIRS[name])

    refused = serve_again(tmp_path)

    assert refused.returncode == 2, refused.stderr
    assert str(path) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert path.read_text() == THEIRS[name]


def test_settings_of_a_tenant_that_is_gone_are_made_anew(tmp_path: Path) -> None:
    """The database was removed to begin again: its secret would be of no use."""
    data = tmp_path / "tenant"
    with serving(data):
        before = json.loads(_read_parameters(data))
    for path in data.glob("directory.sqlite*"):
        path.unlink()
    run_graphdaemon("emulator", "seed", "--users", "3", "--seed", "7", "--data", data)

    with serving(data):
        after = json.loads(_read_parameters(data))

    assert after["client_id"] != before["client_id"]
    assert after["authority"].rpartition("/")[2] != before["authority"].rpartition("/")[2]


def test_settings_that_were_made_real_are_somebody_elses(tmp_path: Path) -> None:
    """The note may be left in them."""
    data = tmp_path / "tenant"
    with serving(data):
        settings = json.loads(_read_parameters(data))
    settings |= {
        "authority": "https://login.microsoftonline.com/contoso.example",
        "endpoint": "https://graph.microsoft.com/v1.0/users",
    }
    (data / "parameters.json").write_text(json.dumps(settings))

    refused = serve_again(data)

    assert refused.returncode == 2
    assert json.loads(_read_parameters(data)) == settings


@pytest.mark.parametrize("room", [0, 1_000, 4_000, 100_000, 200_000])
def test_a_server_without_room_is_one_error_and_starts_once_there_is(
    tmp_path: Path, room: int
) -> None:
    """A full disk is one sentence and the exit code of what cannot be written."""
    data = tmp_path / "tenant"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    refused = serve_again(data, preexec_fn=limit)

    assert refused.returncode == 7, refused.stderr
    assert f"There is no room for the tenant in {data}." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(data.glob(".emulator-*"))
    with serving(data):
        assert json.loads(_read_parameters(data))["secret"]


def test_a_mistake_in_a_tenant_file_is_one_sentence_and_makes_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "tenant.toml"
    file.write_text("[[users]]\nname = 'Ada'\n")
    words = ("emulator", "serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data")
    run = run_graphdaemon(*words, "--tenant", file)

    assert run.returncode == 2
    assert f"{file}: users 1: no key is named 'name'." in run.stderr.replace("\n", " ")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "data").exists()


def test_an_amount_that_a_tenant_file_would_override_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tenant.toml"
    file.write_text("name = 'Fabrikam'\n")
    run = run_graphdaemon("emulator", "serve", "--tenant", file, "--users", "250")

    assert run.returncode == 2
    assert "under [seed]" in run.stderr


def test_a_tenant_file_is_served_with_the_settings_of_its_application(tmp_path: Path) -> None:
    file, data = tmp_path / "tenant.toml", tmp_path / "data"
    file.write_text(
        "[[users]]\nuserPrincipalName = 'ada@contoso.onmicrosoft.com'\n"
        "[[applications]]\ndisplayName = 'Job'\nsecret = 'x'\npermissions = ['User.Read.All']\n"
    )
    with serving(data, "--tenant", str(file)):
        listed = run_graphdaemon("users", data / "parameters.json", "--format", "ndjson")

    assert listed.returncode == 0
    assert [json.loads(line)["displayName"] for line in listed.stdout.splitlines()] == ["ada"]


def test_more_permissions_and_older_rules_are_options(tmp_path: Path) -> None:
    """The ready application reads groups and the tenant's policy, which is not enabled by then."""
    data, policy = tmp_path / "data", "policies/defaultAppManagementPolicy"
    permissions = ("--permission", "Group.Read.All", "--permission", "Policy.Read.All")
    with serving(data, "--users", "3", *permissions, "--rules", "2024"):
        parameters = data / "parameters.json"
        listed = run_graphdaemon("list", "groups", parameters)
        shown = run_graphdaemon("request", "GET", policy, parameters)

    assert listed.returncode == 0, listed.stderr
    assert json.loads(shown.stdout)["isEnabled"] is False
