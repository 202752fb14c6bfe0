"""Every failure has its exit code, its sentence and its next step."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.cli import _COMMANDS
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import Answer, ScriptedServer, page


def test_unknown_options_and_commands_are_usage_errors(command: Command) -> None:
    """Exit code 2, and the nearest command is named."""
    assert command("users", "--colour").code == 2
    outcome = command("user")
    assert outcome.code == 2
    assert "Try users." in outcome.err


def test_help_has_every_command_once_by_its_purpose(command: Command) -> None:
    """Who does not know a command's name finds it by what it is for."""
    said = command("--help").out.decode()
    sections = dict(re.findall(r"^(\S.+):\n((?:  .+\n)+)", said, re.MULTILINE))
    named = {
        title: re.findall(r"^  (\w+) ", text, re.MULTILINE) for title, text in sections.items()
    }

    assert "list" in named["To read the directory"]
    assert "sync" in named["To keep a database"]
    assert sorted(name for names in named.values() for name in names) == sorted(_COMMANDS)


NOW = {"Retry-After": "0"}


TROUBLE: dict[str, tuple[Answer, int, str, str]] = {
    # name: (what Graph always answers, exit code, in the error, in the hint)
    "401": (Answer(401), 5, ": 401", "scope names the API behind endpoint"),
    "403": (Answer(403), 5, "/v1.0/users: 403", "User.Read.All"),
    "404": (Answer(404), 5, "/v1.0/users: 404", "endpoint's version"),
    "429": (Answer(429, headers=NOW), 5, ": 429", "Run it later"),
    "500": (Answer(500, headers=NOW), 5, ": 500", "not to blame"),
    "503": (Answer(503, b"<html>", NOW), 5, ": 503", "not to blame"),
    "redirect": (Answer(302, headers={"Location": "/x"}), 5, "302", "into endpoint"),
    "foreign-link": (
        page(next_link="https://evil.example/x"),
        5,
        "https://evil.example",
        "gateway",
    ),
}


@pytest.mark.parametrize(
    ("answer", "code", "message", "hint"), TROUBLE.values(), ids=TROUBLE.keys()
)
def test_what_graph_answers_becomes_one_clear_error(
    command: Command,
    scripted: ScriptedServer,
    tmp_path: Path,
    answer: Answer,
    code: int,
    message: str,
    hint: str,
) -> None:
    """One sentence that says what happened, one that says what to do, and the exit code."""
    scripted.script = [answer]

    outcome = command("users", scripted.write_parameters(tmp_path))

    said = outcome.err.splitlines()
    assert outcome.code == code
    assert said[-2].startswith("Error: ")
    assert message in said[-2]
    assert said[-1].startswith("Try: ")
    assert hint in said[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"authority": "http://127.0.0.1/t"},
            "authority in parameters.json is not an https address",
        ),
        ({"client_id": "your_client_id"}, "placeholder in client_id"),
        ({"secret": None}, "no credential"),
        ({"secret": None, "private_key_file": "nowhere.pem"}, "nowhere.pem does not exist"),
        ({"colour": "red"}, "unknown key: colour"),
        ({"ca_file": "nowhere.pem"}, "nowhere.pem does not exist"),
    ],
    ids=["http", "placeholder", "no-credential", "no-key", "unknown-key", "no-ca"],
)
def test_wrong_settings_end_with_exit_code_3(
    command: Command, parameters: WriteParameters, changes: dict[str, Any], message: str
) -> None:
    """Nothing was sent, and the setting is named."""
    outcome = command("users", parameters(**changes))

    assert outcome.code == 3
    assert message in outcome.err
    assert "\nTry: " in outcome.err


def test_no_network_ends_with_exit_code_6(command: Command, parameters: WriteParameters) -> None:
    """A host that is not there is named, with its port."""
    outcome = command("users", parameters(authority="https://127.0.0.1:9/t"))

    assert outcome.code == 6
    assert "Error: nothing answers at 127.0.0.1:9: connection refused" in outcome.err


def test_help_loads_nothing_that_a_command_needs() -> None:
    """It is looked at while one types: locks and folders alone would take half as long again."""
    code = (
        "import sys; from graphdaemon.cli import run; code = run(['--help']); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stderr.split()

    assert loaded[0] == "0"
    heavy = {"asyncio", "cryptography", "filelock", "msal", "msgspec", "platformdirs", "ssl"}
    assert not heavy & set(loaded)


def test_a_listing_loads_nothing_that_only_others_need() -> None:
    """Nor does it compile regular expressions that it may not use: a tenth of its start."""
    code = (
        "import re, sys, graphdaemon.cli.run_listing; "
        "from graphdaemon.cli.reading import describe_graph; assert describe_graph('users').types; "
        "from graphdaemon.sharing.private_files import cache_folder; cache_folder(); "
        "ours = [one for one in sys.modules if one.startswith('graphdaemon')]; "
        "print(*(f'{one}.{name}' for one in ours for name, value in vars(sys.modules[one]).items()"
        " if isinstance(value, re.Pattern)), *sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).split()

    others = {
        "bz2",
        "difflib",
        "encodings.idna",
        "importlib.resources",
        "lzma",
        "pkgutil",
        "random",
    }
    others |= {"tempfile", *(f"graphdaemon.{name}" for name in OF_OTHERS)}
    if sys.platform == "linux":
        others.add("platformdirs")
    assert loaded[0] == "sys"
    assert not others & set(loaded)


OF_OTHERS = (
    "client.changes",
    "graph.own_page",
    "graph.stored_collections",
    "listing.filter_match",
    "listing.journal",
    "listing.own_api",
    "listing.parts",
    "store",
)
"""Modules that no listing of users needs."""
