"""The doctor, on everything it tells apart."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.explain import explain
from graphdaemon.errors import CODES
from tests.support.client_app import App
from tests.support.doctor_states import STATES, Scene, report_of
from tests.support.foreign_issuer import Foreign, serving
from tests.support.places import DOCS
from tests.support.run_command import Command, WriteParameters
from tests.support.scripted_server import ScriptedServer
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


@pytest.mark.parametrize("name", ROWS)
def test_diagnosis(scene: Scene, command: Command, name: str) -> None:
    """Each state is found by its check, with its word, its exit code and its next step."""
    row, path = ROWS[name], STATES[name](scene)
    code, report = report_of(command, *([path] if path else []), *scene.more)

    first = report["first"]
    assert first is not None, report
    seen = (first["check"], first["case"], first["state"])
    assert seen == (row.check, row.case, "failed" if row.exit else "warning"), report
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


def test_the_transcript_in_the_docs_is_what_it_prints(command: Command, scene: Scene) -> None:
    """Line by line; … stands for what is left out."""
    guide = DOCS / "how-to" / "find-out-why.md"
    shown = guide.read_text(encoding="utf-8").partition("$ graphdaemon doctor")[2]
    lines = shown.partition("\n")[2].partition("```")[0].splitlines()
    path = STATES["not consented, unproved"](scene)

    printed = command("doctor", path).out.decode().splitlines()

    assert len(printed) == len(lines)
    for expected, line in zip(lines, printed, strict=True):
        assert normalise(line).startswith(normalise(expected.removesuffix("…"))), expected


def test_what_comes_after_a_failure_is_skipped_and_says_why(
    command: Command, parameters: WriteParameters
) -> None:
    """Without a token nothing can be known of roles; nothing is guessed."""
    _, report = report_of(command, parameters(secret="wrong"))

    skipped = {one["check"]: one["words"] for one in report["checks"] if one["state"] == "skipped"}
    assert skipped == dict.fromkeys(
        ("registration", "roles", "call"), "cannot be checked without token"
    )


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


# What a printed error does not hold: the token's roles, and who ought to have signed.
LESS_EXACT = {
    "roles_absent": "permission_missing",
    "roles_suffice": "permission_missing",
    "api_refused": "permission_missing",
    "tls_intercepted": "tls_untrusted",
}
IN_TABLE = [name for name in SAME_HINT if ROWS[name].case in CASES]


@pytest.mark.parametrize("name", IN_TABLE)
def test_explain_agrees_with_the_doctor(scene: Scene, command: Command, name: str) -> None:
    """Whoever pastes what a command printed reads of the same cause, and of no other."""
    path, case = STATES[name](scene), ROWS[name].case

    failed = command("users", *([path] if path else []))

    explanations = explain(failed.err, time.time()).explanations
    assert [one.case for one in explanations] == [LESS_EXACT.get(case, case)], failed.err
