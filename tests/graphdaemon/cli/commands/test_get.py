"""`graphdaemon get`: one object."""

import json
from pathlib import Path

import pytest

from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import JSON, USER, Answer, ScriptedServer


def test_get_prints_the_object(command: Command, scripted: ScriptedServer, settings: Path) -> None:
    """Indented, and else as Graph sent it."""
    scripted.script = [Answer(200, USER, JSON)]

    outcome = command("get", "users/ana@contoso.example", settings)

    assert outcome.out.startswith(b'{\n  "@odata.context": "x",\n  "id": "1"')
    assert b"1.50" in outcome.out
    assert (outcome.code, outcome.err) == (0, "")
    assert scripted.only_request.target == "/v1.0/users/ana@contoso.example"


def test_get_selects_and_expands(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """As OData has it; id comes along."""
    scripted.script = [Answer(200, USER, JSON)]

    command("get", "users/a_b#EXT#@c", settings, "-s", "displayName", "--expand", "manager")

    assert scripted.only_request.target == (
        "/v1.0/users/a_b%23EXT%23@c?$select=id,displayName&$expand=manager"
    )


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (("-f", "ndjson"), USER + b"\n"),
        (
            ("-f", "csv", "-s", "displayName,imAddresses"),
            b'displayName,imAddresses\r\nAna,"[""a""]"\r\n',
        ),
        (("--query", "displayName"), b'"Ana"\n'),
        (("--query", "imAddresses"), b'[\n  "a"\n]\n'),
        (("--query", "{name: displayName}", "-f", "csv"), b"name\r\nAna\r\n"),
    ],
)
def test_get_has_the_formats_of_a_listing(
    command: Command,
    scripted: ScriptedServer,
    settings: Path,
    arguments: tuple[str, ...],
    out: bytes,
) -> None:
    """One object is one line, one row, or what a query makes of it."""
    scripted.script = [Answer(200, USER, JSON)]

    assert command("get", "users/1", settings, *arguments).out == out


def test_get_does_not_pass_off_one_page_as_a_collection(
    command: Command, parameters: WriteParameters
) -> None:
    """The commonest way to lose records: a first page that looks like all."""
    outcome = command("get", "users", parameters())

    assert (outcome.code, outcome.out) == (2, b"")
    assert "graphdaemon list" in outcome.err


def test_get_from_the_emulator(command: Command, parameters: WriteParameters) -> None:
    """Over TLS, through MSAL."""
    path = parameters()
    users = json.loads(command("users", path).out)["value"]

    outcome = command("get", f"users/{users[7]['id']}", path, "-s", "displayName")

    assert json.loads(outcome.out)["displayName"] == users[7]["displayName"]
