"""Every example is run, as its reader would run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from entra_emulator.faults.fault import Fault
from tests.support.client_app import App, register
from tests.support.delta_scene import Scene, key_of
from tests.support.places import ROOT
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scene_client import settings_of

EXAMPLES = ROOT / "examples"
SECRET = EXAMPLES / "1-Call-MsGraph-WithSecret" / "confidential_client_secret_sample.py"
CERTIFICATE = (
    EXAMPLES / "2-Call-MsGraph-WithCertificate" / "confidential_client_certificate_sample.py"
)


def python(script: Path, parameters: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), str(parameters)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        cwd=parameters.parent,
        env=clean_environment() | {"PYTHONUTF8": "1"},
    )


def sample_result(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    head, _, body = done.stdout.partition("\n")
    assert head == "Graph API call result: ", done.stderr
    result: dict[str, object] = json.loads(body)
    return result


def test_the_secret_sample_prints_the_users(parameters: WriteParameters) -> None:
    """Its known first line, then the answer; one page, as it says itself."""
    done = python(SECRET, parameters())

    assert len(sample_result(done)["value"]) == 100  # type: ignore[arg-type]  # a list of users
    assert "No suitable token exists in cache. Let's get a new one from AAD." in done.stderr


def test_the_certificate_sample_prints_the_users(
    parameters: WriteParameters, app: App, tmp_path: Path
) -> None:
    """The key file stands beside parameters.json."""
    (tmp_path / "server.pem").write_text(app.pem)
    path = parameters(secret=None, thumbprint=app.thumbprint, private_key_file="server.pem")

    assert len(sample_result(python(CERTIFICATE, path))["value"]) == 100  # type: ignore[arg-type]  # a list of users


def test_a_refusal_prints_its_three_lines(parameters: WriteParameters) -> None:
    """error, error_description, correlation_id."""
    done = python(SECRET, parameters(secret="wrong"))

    lines = done.stdout.splitlines()
    assert lines[0] == "invalid_client"
    assert lines[1].startswith("AADSTS7000215: Invalid client secret provided.")
    assert len(lines[-1]) == 36


def test_the_sample_shows_graphs_403(
    parameters: WriteParameters, emulator: object, key_pair: tuple[str, bytes]
) -> None:
    """Without consent the sample prints Graph's error as it came."""
    app = register(emulator, key_pair, consent=False)  # type: ignore[arg-type]  # the fixture

    result = sample_result(python(SECRET, parameters(client_id=app.client_id, secret=app.secret)))

    assert result["error"]["code"] == "Authorization_RequestDenied"  # type: ignore[index]  # an error object


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("[12]*")), ids=lambda folder: folder.name)
def test_the_classic_folders_hold_the_known_names(folder: Path) -> None:
    """Whoever knows Microsoft's sample finds everything where it was."""
    names = {path.name for path in folder.iterdir() if path.is_file()}

    assert {"parameters.json", "requirements.txt", "README.md"} <= names
    known = {"authority", "oidc_authority", "client_id", "scope", "endpoint", "note"}
    assert known <= set(json.loads((folder / "parameters.json").read_text()))


def test_the_library_examples_list_users(parameters: WriteParameters) -> None:
    """The async one lists everybody, the blocking one five."""
    everybody = python(EXAMPLES / "3-Library" / "list_users.py", parameters())
    some = python(EXAMPLES / "3-Library" / "list_users_blocking.py", parameters())

    assert len(everybody.stdout.splitlines()) == 250, everybody.stderr
    assert len(some.stdout.splitlines()) == 5, some.stderr


def test_a_library_example_shows_an_error_well(parameters: WriteParameters) -> None:
    """The exit code and the next step are the command's own."""
    done = python(EXAMPLES / "3-Library" / "list_users.py", parameters(secret="wrong"))

    assert done.returncode == 4
    assert "Try: " in done.stderr


_AROUND = """\
import asyncio, graphdaemon, sys
async def main():
    async with graphdaemon.load(sys.argv[1]) as client:
{body}
asyncio.run(main())
"""
FOLLOWING = (ROOT / "docs/how-to/follow-changes-in-python.md").read_text("utf-8")


def test_the_page_about_changes_keeps_a_file_in_step(
    stage: Callable[..., Scene], tmp_path: Path
) -> None:
    """Its program, run at first, after changes, and when its link is dead."""
    program, beginning = re.findall(r"```python\n(.*?)```", FOLLOWING, re.DOTALL)
    scene = stage()
    users = [scene.add("user", department="Sales") for _ in range(5)]
    group = scene.add("group")
    scene.link("members", group, users[1])
    (tmp_path / "follow.py").write_text(program)
    parameters = tmp_path / "parameters.json"
    parameters.write_text(json.dumps(settings_of(scene)))

    def keep_in_step() -> str:
        done = python(tmp_path / "follow.py", parameters)
        assert done.returncode == 0, done.stderr
        kept = json.loads((tmp_path / "users.json").read_text())["users"]
        listed = scene.get("/v1.0/users?$select=id,displayName,accountEnabled,department").json()
        assert kept == {user["id"]: user for user in listed["value"]}
        return done.stdout

    assert keep_in_step() == "5 users\n"
    scene.update(users[0], department=None)
    scene.delete(users[1])
    scene.add("user", userPrincipalName="new@contoso.example", accountEnabled=True, department="IT")
    assert keep_in_step() == "3 changed\n5 users\n"
    scene.probe.emulator.faults.fail_next(1, Fault(kind="delta_reset"))
    assert keep_in_step() == "5 users\n"
    (tmp_path / "members.py").write_text(_AROUND.format(body=textwrap.indent(beginning, " " * 8)))
    done = python(tmp_path / "members.py", parameters)
    assert done.stdout == f"{key_of(group)} has user {key_of(users[1])}\n", done.stderr


STORE = EXAMPLES / "7-Compare-A-Store"


def test_the_store_is_what_the_directory_is_by_a_script_that_knows_nothing_of_graphdaemon(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """The commands of its page; then with a store that was altered, which it notices."""
    parameters()
    (tmp_path / "compare_store.py").write_bytes((STORE / "compare_store.py").read_bytes())
    commands = (STORE / "README.md").read_text("utf-8").partition("```\n")[2].partition("```")[0]

    def run_shell(line: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", line],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=300,
            env=clean_environment() | {"PATH": path, "PYTHONUTF8": "1"},
        )

    sync, list_, compare = commands.splitlines()
    for line in (sync, list_, compare):
        done = run_shell(line)
        assert done.returncode == 0, done.stderr
    assert done.stdout == "250 kept, 250 listed, 0 different\n"
    listed = [json.loads(line) for line in (tmp_path / "users.ndjson").read_text().splitlines()]
    first, second, third = (user["id"] for user in listed[:3])
    (tmp_path / "users.ndjson").write_text(
        "".join(
            json.dumps(user | ({"mail": "other"} if user["id"] == first else {})) + "\n"
            for user in [*listed, {"id": "new"}]
            if user["id"] != second
        )
    )
    done = run_shell(compare)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "250 kept, 250 listed, 3 different"
    assert set(done.stdout.splitlines()[1:]) == {first, second, "new"}
    assert third not in done.stdout
    imports = re.findall(r"^import (\w+)", (STORE / "compare_store.py").read_text(), re.MULTILINE)
    assert imports == ["json", "sqlite3", "sys"]
