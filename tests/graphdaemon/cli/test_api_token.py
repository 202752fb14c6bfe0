"""`graphdaemon doctor --api`: why an API of one's own would refuse a token."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from tests.support.emulator_probe import App, Probe, register
from tests.support.run_command import Command

ROLE = "Orders.Read.All"


class Ledger:
    """An API, a caller of it that has its role, and the API's settings."""

    def __init__(self, probe: Probe, folder: Path) -> None:
        self.folder = folder
        self.emulator = probe.emulator
        self.tenant = probe.emulator.tenant
        directory = self.emulator.directory
        self.api = directory.applications.register(self.tenant, "Ledger API")
        directory.applications.expose_api(
            self.tenant, self.api.app_id, app_roles=[(ROLE, "Read")], token_version=2
        )
        self.caller: App = register(probe, name="Ledger's caller")

    @property
    def scope(self) -> str:
        return f"api://{self.api.app_id}/.default"

    def grant(self) -> None:
        directory = self.emulator.directory
        directory.applications.add_application_permission(
            self.tenant, self.caller.client_id, ROLE, resource_app_id=self.api.app_id
        )
        directory.consents.grant_admin_consent(self.tenant, self.caller.client_id)

    def settings(self, **changes: Any) -> Path:
        values = {
            "authority": f"{self.emulator.url}/{self.tenant.id}",
            "client_id": self.api.app_id,
            "roles": [ROLE],
            "ca_file": str(self.emulator.ca_file),
        }
        path = self.folder / "api.json"
        path.write_text(json.dumps(values | changes))
        return path


@pytest.fixture
def ledger(emulator: Emulator, tmp_path: Path) -> Iterator[Ledger]:
    with closing(Probe(emulator)) as probe:
        yield Ledger(probe, tmp_path)


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_token_that_would_be_taken(
    command: Command, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls, with which role; out of a request, with what was copied along."""
    ledger.grant()
    pipe(monkeypatch, f"Authorization: Bearer {ledger.caller.token(scope=ledger.scope)}\n")

    outcome = command("doctor", "--api", ledger.settings(), "--token", "-")

    lines = outcome.out.decode().splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["ok", "settings"],
        ["ok", "claims"],
        ["ok", "answer"],
    ]
    assert f"200: app {ledger.caller.client_id} may call, with {ROLE}" in outcome.out.decode()
    assert (lines[-1], outcome.code) == ("Nothing is wrong.", 0)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_token_is_read_as_shells_write_it(
    command: Command, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Windows PowerShell writes UTF-16, to a file and through some pipes."""
    ledger.grant()
    content = f"{ledger.caller.token(scope=ledger.scope)}\r\n".encode(encoding)
    kept = ledger.folder / "token.txt"
    kept.write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    for place in ("-", kept):
        assert command("doctor", "--api", ledger.settings(), "--token", place).code == 0


@pytest.mark.parametrize(("case", "status"), [("bearer_for_graph", 401), ("caller_role_none", 403)])
def test_the_words_are_those_of_the_middleware(
    command: Command, ledger: Ledger, case: str, status: int
) -> None:
    """Status, meaning and step; and of a role that is missing, how old the token is."""
    scope = "https://graph.microsoft.com/.default" if "graph" in case else ledger.scope
    token = ledger.caller.token(scope=scope)
    file = ledger.folder / "token"
    file.write_text(token)

    outcome = command("doctor", "--api", ledger.settings(), "--token", file, "--json")

    first = json.loads(outcome.out)["first"]
    assert (first["check"], first["case"], outcome.code) == ("answer", case, 5)
    assert first["meaning"] == PROTECTED_API[case].meaning.replace("{role}", ROLE)
    assert first["words"].startswith(f"{status}: {first['meaning']}")
    assert ("It was issued" in first["words"]) is (case == "caller_role_none")
    assert token not in outcome.out.decode() + outcome.err


def test_a_token_that_is_older_than_its_role(command: Command, ledger: Ledger) -> None:
    """The role was given since: the step is a new token, which is taken."""
    file = ledger.folder / "token"
    file.write_text(ledger.caller.token(scope=ledger.scope))
    ledger.grant()
    words = ("doctor", "--api", ledger.settings(), "--token", file)

    outcome = command(*words)
    assert "It does not contain roles that were granted later" in " ".join(
        outcome.out.decode().split()
    )
    assert "ask for a new one" in " ".join(outcome.out.decode().split())

    file.write_text(ledger.caller.token(scope=ledger.scope))
    assert command(*words).code == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roles": []}, "settings"),
        ({"audience": 7}, "audience"),
        ({"authority": None, "tenant": None}, "authority"),
    ],
)
def test_settings_that_protect_nothing_are_the_first_failure(
    command: Command, ledger: Ledger, changes: dict[str, Any], words: str
) -> None:
    """As the API itself would not begin."""
    file = ledger.folder / "token"
    file.write_text("a.b.c")

    outcome = command("doctor", "--api", ledger.settings(**changes), "--token", file)

    lines = outcome.out.decode().splitlines()
    assert outcome.code == 3
    assert lines[0].startswith("failed")
    assert words in lines[0]
    assert "cannot be checked without settings" in outcome.out.decode()


def test_what_is_no_token_is_said(command: Command, ledger: Ledger) -> None:
    """In the middleware's words, too."""
    file = ledger.folder / "token"
    file.write_text("not a token")

    outcome = command("doctor", "--api", ledger.settings(), "--token", file)

    assert "the token is not a JWT" in outcome.out.decode()
    assert "What follows Bearer is not a JWT" in outcome.out.decode()
    assert outcome.code == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--api", "api.json"), "--api and --token work only together"),
        (("--token", "-"), "--api and --token work only together"),
        (("--api", "api.json", "--token", "eyJhbGciOi.eyJzdWIiOi.c2ln"), "on a command line"),
        (("--api", "api.json", "--token", "absent"), "absent cannot be read"),
        (("x.json", "--api", "api.json", "--token", "-"), "--api already names the settings"),
    ],
)
def test_how_it_is_asked(command: Command, words: tuple[str, ...], said: str) -> None:
    """A token is never a word of the command line, and none is repeated."""
    outcome = command("doctor", *words)

    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
    assert "eyJ" not in outcome.err


def test_an_empty_input_is_no_token(
    command: Command, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is validated then."""
    pipe(monkeypatch, "\n")

    outcome = command("doctor", "--api", ledger.settings(), "--token", "-")

    assert (outcome.code, outcome.out) == (2, b"")
    assert "There is no token" in outcome.err
