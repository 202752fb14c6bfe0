"""Federated credentials: the platform is asked for its token for each request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.kinds import read_credential
from graphdaemon.auth.token import Demand
from graphdaemon.errors import IdentityError, SettingsError
from graphdaemon.http.response import Headers, Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from tests.support.cloud_machine import Place, claims_of, fetch
from tests.support.scripted_server import ScriptedServer, json_answer


def test_github_actions_is_asked_for_each_assertion(
    place: Place, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the runner's own token and the audience that Entra ID wants."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{scripted.url}/idtoken?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-token")
    both = tmp_path / "both.pem"
    both.write_bytes(place.emulator.ca_file.read_bytes() + scripted.ca_file.read_bytes())
    scripted.script = [json_answer({"count": 1, "value": place.issuer.token()})]
    settings = place.settings(federated="github", ca_file=str(both))

    fetch(settings)
    fetch(settings)

    first, second = scripted.requests
    assert first.target == second.target
    assert first.target == "/idtoken?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"
    assert first.headers["authorization"] == "Bearer runner-token"


def test_a_federated_token_is_read_anew_for_each_request(place: Place, tmp_path: Path) -> None:
    """Kubernetes replaces the file behind our back, long before the old token ends."""
    path = tmp_path / "token"
    path.write_text(place.issuer.token(exp=1_000_000_000, nbf=999_999_000))
    settings = place.settings(federated_token_file=str(path))
    transport = Transport(ca_file=settings.ca_file)
    identity = AppIdentity(settings, transport)
    with pytest.raises(IdentityError, match="AADSTS700024"):
        identity.fetch(Demand())

    path.write_text(place.issuer.token())

    assert claims_of(identity.fetch(Demand()))["roles"]
    transport.close()


TENANT = "11111111-2222-4333-8444-555555555555"
JWT = "header.payload.signature"


def make_assertion(answer: Response | None = None, **credential: Any) -> tuple[str, list[str]]:
    """What the credential asserts, and the addresses it asked for that, which get `answer`."""
    settings = read_settings(None, {}, {"tenant": TENANT, "client_id": TENANT, **credential})
    addresses: list[str] = []

    def exchange(_method: str, address: str, _headers: Mapping[str, str]) -> Response:
        addresses.append(address)
        assert answer is not None
        return answer

    assertion = read_credential(settings, settings.credentials[0]).assertion
    assert assertion is not None
    return assertion("https://login.test/token", exchange), addresses


@pytest.fixture
def _runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner.test/idtoken")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-token")


@pytest.mark.usefixtures("_runner")
def test_the_audience_begins_the_query_of_an_address_that_has_none() -> None:
    """As it goes on with one that is there."""
    answer = Response(200, Headers(), json.dumps({"value": JWT}).encode())

    assertion, (address,) = make_assertion(answer, federated="github")

    assert assertion == JWT
    assert address == "https://runner.test/idtoken?audience=api%3A%2F%2FAzureADTokenExchange"


@pytest.mark.usefixtures("_runner")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"value": 7}'),
        (199, b'{"value": "header.payload.signature"}'),
        (201, b'{"value": "header.payload.signature"}'),
        (403, b'{"value": "header.payload.signature"}'),
    ],
)
def test_a_runner_that_gives_no_token_is_told_of(status: int, body: bytes) -> None:
    """With the status that it answered, and the permission that the job may lack."""
    with pytest.raises(SettingsError, match=rf"gave no token \(HTTP {status}\)") as caught:
        make_assertion(Response(status, Headers(), body), federated="github")

    assert caught.value.code == "assertion_unavailable"
    assert "id-token: write" in (caught.value.hint or "")


@pytest.mark.parametrize("missing", ["URL", "TOKEN"])
@pytest.mark.usefixtures("_runner")
def test_a_runner_is_asked_only_where_both_its_variables_are_set(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """One of them alone is no use."""
    monkeypatch.delenv(f"ACTIONS_ID_TOKEN_REQUEST_{missing}")

    with pytest.raises(SettingsError, match="ACTIONS_ID_TOKEN_REQUEST_URL is not set"):
        make_assertion(federated="github")


@pytest.mark.parametrize("text", ["a.b", "a.b.c.d", "a.b. c", "a.b.\x07c", "a.b.\u00e9", ""])
def test_what_is_no_token_is_not_sent(tmp_path: Path, text: str) -> None:
    """The token service would answer with a riddle; the file is named instead."""
    path = tmp_path / "token"
    path.write_text(text, "utf-8")

    with pytest.raises(SettingsError, match="not a token") as caught:
        make_assertion(federated_token_file=str(path))

    assert str(path) in str(caught.value)
    assert caught.value.code == "assertion_unavailable"


def test_a_command_that_fails_is_named() -> None:
    """There may be several credentials, each with its own."""
    with pytest.raises(SettingsError, match="federated_command /nowhere/print-token could not be"):
        make_assertion(federated_command=["/nowhere/print-token"])
