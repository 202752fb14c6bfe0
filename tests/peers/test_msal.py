"""MSAL Python, unmodified: its own HTTP client, its own exceptions."""

from __future__ import annotations

import json
from typing import Any

import jwt
import msal
import pytest

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH, REFUSALS, Refused
from tests.support.client_app import App


def application(
    emulator: Emulator, client_id: str, credential: Any, tenant: str | None = None, **more: Any
) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        client_id,
        authority=f"{emulator.url}/{tenant or emulator.tenant.id}",
        client_credential=credential,
        instance_discovery=False,
        **more,
    )


def claims_of(result: dict[str, Any]) -> dict[str, Any]:
    assert "access_token" in result, result
    claims: dict[str, Any] = jwt.decode(result["access_token"], options={"verify_signature": False})
    return claims


def test_secret(emulator: Emulator, app: App) -> None:
    """A token from the network, then the same from MSAL's cache."""
    client = application(emulator, app.client_id, app.secret)

    first = client.acquire_token_for_client([GRAPH])
    second = client.acquire_token_for_client([GRAPH])

    assert claims_of(first)["roles"] == ["User.Read.All"]
    assert (first["token_source"], second["token_source"]) == ("identity_provider", "cache")
    assert first["access_token"] == second["access_token"]


def test_certificate_by_sha1_thumbprint(emulator: Emulator, app: App) -> None:
    """RS256 with x5t."""
    key = app.pem.partition("-----BEGIN CERT")[0]
    credential = {"private_key": key, "thumbprint": app.thumbprint}

    result = application(emulator, app.client_id, credential).acquire_token_for_client([GRAPH])

    assert claims_of(result)["appidacr"] == "2"


def test_certificate_by_sha256_thumbprint(emulator: Emulator, app: App) -> None:
    """PS256 with x5t#S256 and x5c."""
    key, mark, certificate = app.pem.partition("-----BEGIN CERT")
    credential = {"private_key": key, "public_certificate": mark + certificate}

    result = application(emulator, app.client_id, credential).acquire_token_for_client([GRAPH])

    assert claims_of(result)["appidacr"] == "2"


def test_a_domain_stands_for_the_tenant(emulator: Emulator, app: App) -> None:
    """MSAL learns the tenant's ID from the discovery document."""
    client = application(emulator, app.client_id, app.secret, "contoso.onmicrosoft.com")

    assert claims_of(client.acquire_token_for_client([GRAPH]))["tid"] == emulator.tenant.id


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(emulator: Emulator, app: App, refused: dict[str, Refused], name: str) -> None:
    """MSAL returns Microsoft's numbers; of an unknown tenant its constructor only says so much."""
    case = refused[name]
    client_id, secret = case.client_id or app.client_id, case.secret or app.secret
    if case.tenant:
        with pytest.raises(ValueError, match="Unable to get authority configuration"):
            application(emulator, client_id, secret, case.tenant)
        return

    result = application(emulator, client_id, secret).acquire_token_for_client([case.scope])

    assert result["error_codes"] == [case.code]
    assert json.dumps(result).count("AADSTS") == 1
