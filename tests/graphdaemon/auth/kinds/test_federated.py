"""Federated credentials: the platform is asked for its token for each request."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand
from graphdaemon.errors import IdentityError
from graphdaemon.http.transport import Transport
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
