"""azure-identity for Python, sync and aio, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential, EnvironmentCredential
from azure.identity.aio import CertificateCredential as AsyncCertificateCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH, REFUSALS, Refused, run
from tests.support.client_app import App


def options(emulator: Emulator) -> dict[str, Any]:
    # Retries would only repeat a refusal, with pauses between.
    return {"authority": emulator.url, "disable_instance_discovery": True, "retry_total": 0}


def test_secret(emulator: Emulator, app: App) -> None:
    """The classic credential of a daemon."""
    with ClientSecretCredential(
        emulator.tenant.id, app.client_id, app.secret, **options(emulator)
    ) as credential:
        assert credential.get_token(GRAPH).token.startswith("eyJ")


def test_secret_aio(emulator: Emulator, app: App) -> None:
    """Its asynchronous twin speaks the protocol without MSAL."""

    async def token() -> str:
        async with AsyncClientSecretCredential(
            emulator.tenant.id,
            app.client_id,
            app.secret,
            authority=emulator.url,
            connection_verify=str(emulator.ca_file),
        ) as credential:
            return (await credential.get_token(GRAPH)).token

    assert run(token()).startswith("eyJ")


@pytest.mark.parametrize("chain", [False, True], ids=["x5t", "x5c"])
def test_certificate(emulator: Emulator, app: App, certificate_file: Path, chain: bool) -> None:
    """RS256 with the SHA-1 thumbprint, with and without the chain."""
    with CertificateCredential(
        emulator.tenant.id,
        app.client_id,
        str(certificate_file),
        send_certificate_chain=chain,
        **options(emulator),
    ) as credential:
        assert credential.get_token(GRAPH).token.startswith("eyJ")


def test_certificate_aio(emulator: Emulator, app: App, certificate_file: Path) -> None:
    """PS256, and JWT segments that carry padding."""

    async def token() -> str:
        async with AsyncCertificateCredential(
            emulator.tenant.id,
            app.client_id,
            str(certificate_file),
            authority=emulator.url,
            connection_verify=str(emulator.ca_file),
        ) as credential:
            return (await credential.get_token(GRAPH)).token

    assert run(token()).startswith("eyJ")


def test_environment(emulator: Emulator, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables graphdaemon reads as well."""
    monkeypatch.setenv("AZURE_TENANT_ID", emulator.tenant.id)
    monkeypatch.setenv("AZURE_CLIENT_ID", app.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", app.secret)
    with EnvironmentCredential(**options(emulator)) as credential:
        assert credential.get_token(GRAPH).token.startswith("eyJ")


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(emulator: Emulator, app: App, refused: dict[str, Refused], name: str) -> None:
    """Its exception shows Microsoft's number, but for an unknown tenant, which MSAL hides."""
    case = refused[name]
    shown = f"AADSTS{case.code}" if case.tenant is None else "Unable to get authority"
    with (
        ClientSecretCredential(
            case.tenant or emulator.tenant.id,
            case.client_id or app.client_id,
            case.secret or app.secret,
            **options(emulator),
        ) as credential,
        pytest.raises(ClientAuthenticationError, match=shown),
    ):
        credential.get_token(case.scope)


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_aio(emulator: Emulator, app: App, refused: dict[str, Refused], name: str) -> None:
    """The asynchronous one too."""
    case = refused[name]

    async def ask() -> None:
        async with AsyncClientSecretCredential(
            case.tenant or emulator.tenant.id,
            case.client_id or app.client_id,
            case.secret or app.secret,
            authority=emulator.url,
            connection_verify=str(emulator.ca_file),
        ) as credential:
            await credential.get_token(case.scope)

    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{case.code}"):
        run(ask())
