"""The doctor, on everything it tells apart."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.permissions import parse_call
from graphdaemon.doctor import examine
from graphdaemon.doctor.finding import Check, ok, run_checks
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import CODES, IdentityError, SettingsError
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App
from tests.support.doctor_states import STATES, Scene
from tests.support.foreign_issuer import Foreign, serving
from tests.support.places import DOCS
from tests.support.run_command import Command, Run, WriteParameters
from tests.support.scripted_server import ScriptedServer, json_answer, page
from tests.support.unsigned_tokens import make_token
from tools import diagnoses

ROWS = {row.name: row for row in diagnoses.rows()}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    with serving(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="module")
def own(issuer: Foreign) -> Iterator[Emulator]:
    """An emulator whose clock these tests may move."""
    with Emulator(users=2, federation_ca=issuer.ca_file) as running:
        yield running


@pytest.fixture
def scene(
    emulator: Emulator,
    own: Emulator,
    issuer: Foreign,
    app: App,
    key_pair: tuple[str, bytes],
    parameters: WriteParameters,
    scripted: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    with contextlib.ExitStack() as stack:
        yield Scene(
            emulator=emulator,
            own=own,
            issuer=issuer,
            app=app,
            key_pair=key_pair,
            parameters=parameters,
            scripted=scripted,
            folder=tmp_path,
            patch=monkeypatch,
            stack=stack,
        )


def normalise(line: str) -> str:
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", line)
    return re.sub(r"127\.0\.0\.1:\d*", "HERE", line).rstrip()


def report_of(command: Command, *arguments: object) -> tuple[int, dict[str, Any]]:
    outcome = command("doctor", *arguments, "--json")
    report: dict[str, Any] = json.loads(outcome.out)
    return outcome.code, report


@pytest.mark.parametrize("name", ROWS)
def test_diagnosis(scene: Scene, command: Command, name: str) -> None:
    """Each state is found by its check, with its word, its exit code and its next step."""
    row, path = ROWS[name], STATES[name](scene)
    code, report = report_of(command, *([path] if path else []), *scene.more)

    first = report["first"]
    assert first is not None, report
    found = (first["check"], first["case"], first["state"])
    assert found == (row.check, row.case, "failed" if row.exit else "warning"), report
    assert (code, report["exit_code"]) == (row.exit, row.exit)
    assert row.step in first["step"]
    if row.exit:
        assert first["code"] in CODES
    if row.case in CASES and not row.proves:
        assert "cannot be proved" in first["meaning"] or "look the same" in first["meaning"]


def test_every_state_has_a_row_and_every_row_a_state() -> None:
    """The page of diagnoses names exactly what is tested."""
    assert set(ROWS) == set(STATES)


# Where the doctor was asked about another call than `users` makes, or has read the registration.
FURTHER = {
    *("other roles", "licence"),
    *("delegated, proved", "not consented, proved", "role granted meanwhile"),
}
SAME_HINT = [row.name for row in ROWS.values() if row.exit and row.name not in FURTHER]


@pytest.mark.parametrize("name", SAME_HINT)
def test_the_commands_give_the_doctors_hint(scene: Scene, command: Command, name: str) -> None:
    """What `users` prints behind Try is, to the letter, what the doctor says."""
    path = STATES[name](scene)
    arguments = [path] if path else []
    _, report = report_of(command, *arguments)

    failed = command("users", *arguments)

    assert failed.code == report["exit_code"]
    assert failed.err.splitlines()[-1] == f"Try: {report['first']['step']}"


def test_all_is_well(command: Command, parameters: WriteParameters) -> None:
    """Every check has a line with its state in words, and nothing is wrong."""
    outcome = command("doctor", parameters())

    lines = outcome.out.decode().splitlines()
    names = [line.split()[1] for line in lines[:-2]]
    assert outcome.code == 0
    assert names == [
        *("settings", "dns", "tcp", "tls", "clock", "authority", "tenant"),
        *("credential", "token", "registration", "roles", "call"),
    ]
    assert {line.split()[0] for line in lines[:-2]} <= {"ok", "skipped"}
    assert lines[-1] == "Nothing is wrong."


def test_the_transcript_in_the_docs_is_what_it_prints(command: Command, scene: Scene) -> None:
    """Line by line; … stands for what is left out."""
    guide = DOCS / "how-to" / "find-out-why.md"
    shown = guide.read_text(encoding="utf-8").partition("$ graphdaemon doctor")[2]
    lines = shown.partition("\n")[2].partition("```")[0].splitlines()
    path = STATES["not consented, unproved"](scene)

    printed = command("doctor", path).out.decode().splitlines()

    assert len(printed) == len(lines)
    for wanted, line in zip(lines, printed, strict=True):
        assert normalise(line).startswith(normalise(wanted.removesuffix("…"))), wanted


def test_the_first_failure_is_explained_last(command: Command, parameters: WriteParameters) -> None:
    """After the lines: what is wrong, what support asks for, the next step."""
    outcome = command("doctor", parameters(secret="wrong"))

    *_, wrong, correlation, step = outcome.out.decode().splitlines()
    assert wrong == "Wrong: The client secret is not one of this app's."
    assert correlation.startswith("Correlation ID: ")
    assert step.startswith("Try: Put the secret's Value")
    assert (outcome.code, outcome.err) == (4, "")


def test_what_comes_after_a_failure_is_skipped_and_says_why(
    command: Command, parameters: WriteParameters
) -> None:
    """Without a token nothing can be known of roles; nothing is guessed."""
    _, report = report_of(command, parameters(secret="wrong"))

    skipped = {one["check"]: one["words"] for one in report["checks"] if one["state"] == "skipped"}
    assert skipped == dict.fromkeys(
        ("registration", "roles", "call"), "cannot be known without token"
    )


def test_two_hosts_are_looked_at_separately(
    command: Command, parameters: WriteParameters, scripted: ScriptedServer
) -> None:
    """A Graph that cannot be reached does not hide that the token service can."""
    endpoint = f"{scripted.url}/v1.0/users"

    code, report = report_of(command, parameters(endpoint=endpoint))

    assert code == 6
    assert (report["first"]["check"], report["first"]["host"]) == ("tls", endpoint.split("/")[2])
    states = [one["state"] for one in report["checks"] if one["check"] in ("token", "roles")]
    assert states == ["ok", "ok"]


def test_several_calls_are_asked_about_at_once(
    command: Command, parameters: WriteParameters
) -> None:
    """Roles are weighed against all of them; what would change something is not called."""
    _, report = report_of(
        command, parameters(), "--for", "GET /users/delta", "--for", "DELETE /users/1"
    )

    roles = next(one for one in report["checks"] if one["check"] == "roles")
    calls = [one for one in report["checks"] if one["check"] == "call"]
    assert roles["details"]["accepted"][0] == "User.DeleteRestore.All"
    assert [one["state"] for one in calls] == ["ok", "skipped"]


def test_a_call_that_is_none_is_a_usage_error(
    command: Command, parameters: WriteParameters
) -> None:
    """The form is shown."""
    outcome = command("doctor", parameters(), "--for", "list all users")

    assert outcome.code == 3
    assert '"GET /users"' in outcome.err


def test_every_one_of_several_credentials_is_tried(
    command: Command, parameters: WriteParameters, app: App
) -> None:
    """A spare that would fail when it is needed is found before that."""
    credentials = [{"secret": app.secret}, {"secret": "wrong"}]

    code, report = report_of(command, parameters(secret=None, credentials=credentials))

    assert code == 0
    assert (report["first"]["check"], report["first"]["case"]) == ("credentials", "secret_wrong")


def test_a_certificate_that_ends_soon_is_a_warning(
    command: Command, scene: Scene, emulator: Emulator
) -> None:
    """Thirty days ahead, with the date in words."""
    from tests.support.certificates_and_assertions import make_identity

    identity = make_identity(3, end_days=12)
    app = scene.fresh()
    emulator.directory.credentials.add_certificate(emulator.tenant, app.client_id, identity.der)
    path = scene.key_file(identity.key_pem + identity.certificate_pem)

    code, report = report_of(
        command, scene.parameters(client_id=app.client_id, secret=None, private_key_file=path)
    )

    assert code == 0
    assert report["first"]["check"] == "credential"
    assert report["first"]["case"] == "certificate_ending"
    assert "expires in 11 days" in report["first"]["words"]


def test_the_app_may_read_its_own_registration(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """Then its grants and the end of its last secret are shown."""
    scripted.token_answer = json_answer(
        {"expires_in": 3599, "access_token": make_token(roles=["Application.Read.All"])}
    )
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5 * 86400 + 60))
    secrets = [{"endDateTime": "2020-01-01T00:00:00Z"}, {"endDateTime": end}]
    scripted.script = lambda request: (
        page({"appRoleId": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"})
        if "appRoleAssignments" in request.target
        else json_answer({"requiredResourceAccess": [], "passwordCredentials": secrets})
    )

    path = scripted.write_parameters(tmp_path)
    _, report = report_of(command, path, "--for", "GET /applications")

    (found,) = (one for one in report["checks"] if one["check"] == "registration")
    assert found["words"] == ("granted: Application.Read.All; the last secret ends in 5 days")


def test_colour_is_for_terminals_only(run: Run, parameters: WriteParameters) -> None:
    """A child's pipe gets none."""
    done = run("doctor", parameters())

    assert done.returncode == 0
    assert "\x1b" not in done.stdout


def test_words_of_others_cannot_move_the_cursor(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """A refusal with control characters in it stays one line."""
    scripted.token_answer = json_answer(
        {"error": "invalid_client", "error_description": "AADSTS1: \x1b[2Jgone\r\nok  fake"}, 401
    )

    outcome = command("doctor", scripted.write_parameters(tmp_path))

    assert b"\x1b" not in outcome.out
    assert not any(line.startswith("ok  fake") for line in outcome.out.decode().splitlines())


def test_a_walk_goes_on_where_something_can_still_be_known() -> None:
    """Only what depends on a failure is skipped."""

    def refuse(_: Examination) -> Any:
        raise IdentityError("no", code="secret_wrong", hint="Correct it.")

    checks = [
        Check("one", refuse),
        Check("two", lambda _: ok("fine"), ("one",)),
        Check("three", lambda _: ok("fine")),
        Check("four", lambda _: ok("fine"), ("two",)),
    ]

    found = [one.finding.state for one in run_checks(checks, Examination(read_settings), set())]

    assert found == ["failed", "skipped", "ok", "skipped"]


def test_an_examination_uses_the_fetch_it_is_given(parameters: WriteParameters) -> None:
    """The core takes its token from whoever calls it."""

    def fetch(*_: object) -> Any:
        raise IdentityError("no", code="client_disabled", hint="Ask.")

    examination = Examination(lambda: read_settings(parameters(), {}), fetch=fetch)
    try:
        results = {one.check.name: one.finding for one in examine(examination)}
    finally:
        examination.close()

    advice = results["token"].advice
    assert advice is not None
    assert advice.code == "client_disabled"


@pytest.mark.parametrize(
    ("text", "method", "path"),
    [
        ("GET /users", "GET", "/users"),
        ("/users", "GET", "/users"),
        ("post /users", "POST", "/users"),
    ],
)
def test_calls_are_read(text: str, method: str, path: str) -> None:
    """The verb may be left out, in any case of letters."""
    assert parse_call(text) == (method, path)


@pytest.mark.parametrize("text", ["", "GET", "FETCH /users", "GET /a b"])
def test_no_calls_are_refused(text: str) -> None:
    """Anything else is told how it must look."""
    if text == "GET":  # a path of that name
        assert parse_call(text).path == "GET"
        return
    with pytest.raises(SettingsError, match="is no call"):
        parse_call(text)
