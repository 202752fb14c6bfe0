"""The app's identity: which credential is used, when the next one is, and what is said of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from entra_emulator.clock import Clock
from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand
from graphdaemon.errors import IdentityError, NetworkError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from tests.support.certificates_and_assertions import make_identity
from tests.support.client_app import register
from tests.support.cloud_machine import Place, fetch, private
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer

# ---- Fail-over ---------------------------------------------------------------------------------


def refusal(number: int, error: str = "invalid_client", status: int = 401) -> Answer:
    text = f"AADSTS{number}: Refused. Trace ID: t Correlation ID: c"
    return json_answer({"error": error, "error_description": text, "error_codes": [number]}, status)


LOST = [7000215, 7000222, 700027, 700024, 50012, 700211, 700213, 7002137, 700016100]


@pytest.mark.parametrize("number", LOST)
def test_the_next_credential_is_used_at_once(
    scripted: ScriptedServer, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Invalid, expired, unknown, or any other invalid_client: the second serves, once told."""

    def answer(request: Request) -> Answer | None:
        return refusal(number) if b"first" in request.body else None

    scripted.choose_token = answer
    credentials = [{"secret": "first"}, {"secret": "second~one"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    for _ in range(3):
        identity.fetch(Demand())

    transport.close()
    secrets = [parse_qs(one.body.decode())["client_secret"] for one in scripted.token_requests]
    assert secrets == [["first"], *[["second~one"]] * 3]
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert f"AADSTS{number}" in warning.message
    assert "secret in credential 1 of the caller is no longer accepted" in warning.message
    assert "secret in credential 2 of the caller is used" in warning.message
    assert "second~one" not in caplog.text


LOST_WHATEVER_THE_ERROR = [
    50012, 50027, 70021, 700024, 700027, 700211, 700212, 700213, 7000215, 7000222, 7002137
]  # fmt: skip


@pytest.mark.parametrize("number", LOST_WHATEVER_THE_ERROR)
def test_a_lost_credential_is_known_by_its_number_too(
    scripted: ScriptedServer, number: int
) -> None:
    """The token service has called such refusals `invalid_request`."""
    scripted.choose_token = lambda request: (
        refusal(number, "invalid_request", 400) if b"first" in request.body else None
    )
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    assert fetch(settings).value == "token-2"


def test_credentials_are_tried_in_turn_from_the_one_that_served_last(
    scripted: ScriptedServer,
) -> None:
    """In the order of the settings, and after the last the first again."""
    lost = [b"first"]
    scripted.choose_token = lambda request: (
        refusal(7000222) if any(secret in request.body for secret in lost) else None
    )
    credentials = [{"secret": "first"}, {"secret": "second"}, {"secret": "third"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    identity.fetch(Demand())
    lost[:] = [b"second", b"third"]
    identity.fetch(Demand())

    transport.close()
    secrets = [parse_qs(one.body.decode())["client_secret"] for one in scripted.token_requests]
    assert secrets == [["first"], ["second"], ["second"], ["third"], ["first"]]


OUTAGES = {
    "503": json_answer({}, 503),
    "429": json_answer({"error": "temporarily_unavailable", "error_codes": [90055]}, 429),
    "no JSON": Answer(200, b"<html>"),
    "unknown client": refusal(700016, "unauthorized_client", 400),
    "unknown scope": refusal(1002012, "invalid_scope", 400),
}


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_or_a_wrong_client_costs_no_credential(
    scripted: ScriptedServer, answer: Answer
) -> None:
    """The other credential would meet the same, so it is not even shown."""
    scripted.token_answer = answer
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    with pytest.raises(IdentityError):
        fetch(settings)

    assert len(scripted.token_requests) == 1


def test_a_network_failure_costs_no_credential(scripted: ScriptedServer) -> None:
    """Nor does a connection that breaks."""
    scripted.token_answer = Answer(200, b"{}", cut=1)
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    with pytest.raises(NetworkError):
        fetch(settings)

    assert len(scripted.token_requests) == 1


def test_a_file_that_is_gone_is_a_loss_too(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is passed over, without a request."""
    credentials = [{"private_key_file": "/nowhere/app.pem"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))

    assert fetch(settings).value == "token-1"
    assert "/nowhere/app.pem does not exist" in caplog.text


def test_when_all_are_lost_the_last_ones_error_is_raised(scripted: ScriptedServer) -> None:
    """The others have been told of by then; next time all are tried again."""
    scripted.token_answer = refusal(7000222)
    credentials = [{"secret": "first"}, {"secret": "second"}]
    settings = read_settings(None, {}, scripted.settings(secret=None, credentials=credentials))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    with pytest.raises(IdentityError) as caught:
        identity.fetch(Demand())
    scripted.token_answer = None

    assert caught.value.code == "secret_expired"
    assert identity.fetch(Demand()).value
    transport.close()


def test_the_listing_goes_on_and_says_so(command: Command, place: Place, tmp_path: Path) -> None:
    """An expired secret in front of a good certificate: all users, and one warning on stderr."""
    emulator, app = place.emulator, place.app
    now = emulator.clock.now()
    old = emulator.directory.credentials.add_password(
        emulator.tenant, app.client_id, start=now - 7200, end=now - 3600
    )
    settings = {
        "authority": f"{emulator.url}/{emulator.tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
        "credentials": [{"secret": old.secret_text}, {"private_key_file": "app.pem"}],
    }
    private(tmp_path, "app.pem", app.pem)
    path = private(tmp_path, "parameters.json", json.dumps(settings))

    outcome = command("users", path)

    assert outcome.code == 0
    assert len(json.loads(outcome.out)["value"]) == 5
    assert outcome.err.count("WARNING") == 1
    assert "AADSTS7000222" in outcome.err
    assert "private_key_file in credential 2 of parameters.json is used" in outcome.err


def test_auto_takes_the_best_and_says_why(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of secret, certificate and federated token the last is used, in Microsoft's order."""
    caplog.set_level(logging.INFO)
    credential = {
        "credential": "auto",
        "secret": place.app.secret,
        "private_key_file": private(tmp_path, "app.pem", place.app.pem),
        "federated_token_file": private(tmp_path, "token", place.issuer.token()),
    }

    settings = place.settings(**credential)
    fetch(settings)

    kinds = [one.kind for one in settings.credentials]
    assert kinds == ["federated", "certificate", "secret"]
    assert (
        "proved by federated_token_file in the caller (number 1 of 3: the platform" in caplog.text
    )


# ---- Time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "words"), [(-420, "7 minutes ahead of"), (7200, "2 hours behind")]
)
def test_a_wrong_clock_is_named(
    key_pair: tuple[str, bytes], tmp_path: Path, ahead: float, words: str
) -> None:
    """The token service's own Date header shows by how much."""
    clock = Clock()
    with Emulator(users=1, clock=clock) as emulator:
        app = register(emulator, key_pair)
        clock.move(ahead)
        settings = read_settings(
            None,
            {},
            {
                "authority": f"{emulator.url}/{emulator.tenant.id}",
                "client_id": app.client_id,
                "private_key_file": private(tmp_path, "app.pem", app.pem),
                "ca_file": str(emulator.ca_file),
            },
        )
        with pytest.raises(IdentityError, match=f"this machine's clock is {words}") as caught:
            fetch(settings)

    assert caught.value.code == "clock_wrong"
    assert "AADSTS700024" in str(caught.value)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (20, "ends in 20 days: `graphdaemon certificate rotate` replaces it"),
        (-9, "ended 9 days ago: make a new one with `graphdaemon certificate new`, and upload it"),
    ],
)
def test_a_certificate_that_ends_soon_or_has_ended_is_told_of_once(
    scripted: ScriptedServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    days: int,
    words: str,
) -> None:
    """Thirty days ahead, once in a run, with the command that helps."""
    pair = make_identity(start_days=-30, end_days=days)
    path = private(tmp_path, "app.pem", pair.key_pem + pair.certificate_pem)
    settings = read_settings(None, {}, scripted.settings(secret=None, private_key_file=path))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)

    for _ in range(3):
        identity.fetch(Demand())

    transport.close()
    (warning,) = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert warning.endswith(words)


def test_a_corrected_secret_works_at_once(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Nothing remembers the refusal of the old one, not even where it was a 400."""
    path = Path(private(tmp_path, "secret", "wrong"))
    settings = read_settings(None, {}, scripted.settings(secret=None, secret_file=str(path)))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)
    scripted.token_answer = refusal(7000215, status=400)
    for _ in range(2):
        with pytest.raises(IdentityError):
            identity.fetch(Demand())
    assert len(scripted.token_requests) == 2

    scripted.token_answer = None
    assert identity.fetch(Demand()).value
    transport.close()
