"""Identities without a secret: workload identity federation and managed identity, unmodified."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from azure.identity.aio import WorkloadIdentityCredential as AsyncWorkloadIdentityCredential

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH
from tests.support.foreign_issuer import SUBJECT, Foreign, serving

RESOURCE = "https://graph.microsoft.com"


@dataclass(frozen=True)
class Machine:
    """A machine in a cloud: its emulator, a foreign issuer, an app that trusts it, an identity."""

    emulator: Emulator
    issuer: Foreign
    app_id: str
    identity: str


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("foreign")
    with (
        serving(folder) as issuer,
        Emulator(users=5, managed_identity=True, federation_ca=issuer.ca_file) as emulator,
    ):
        directory, tenant = emulator.directory, emulator.tenant
        app = emulator.add_application("Workload", ["User.Read.All"])
        directory.credentials.add_federated(tenant, app.client_id, "pipeline", issuer.url, SUBJECT)
        identity = directory.managed_identities.add(tenant, "vm-1")
        directory.consents.grant_app_role(tenant, identity.app_id, "User.Read.All")
        yield Machine(emulator, issuer, app.client_id, identity.app_id)


@pytest.fixture(autouse=True)
def environment(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What the webhook of Kubernetes, or a virtual machine, would have set."""
    token_file = tmp_path / "token"
    token_file.write_text(machine.issuer.token())
    for name, value in {
        "REQUESTS_CA_BUNDLE": str(machine.emulator.ca_file),
        "SSL_CERT_FILE": str(machine.emulator.ca_file),
        "AZURE_AUTHORITY_HOST": machine.emulator.url,
        "AZURE_TENANT_ID": machine.emulator.tenant.id,
        "AZURE_CLIENT_ID": machine.app_id,
        "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": machine.emulator.imds_url,
    }.items():
        monkeypatch.setenv(name, value)
    return token_file


def roles(token: str) -> list[str]:
    found: list[str] = jwt.decode(token, options={"verify_signature": False})["roles"]
    return found


def test_workload_identity() -> None:
    """The environment is all the configuration there is."""
    with WorkloadIdentityCredential() as credential:
        assert roles(credential.get_token(GRAPH).token) == ["User.Read.All"]


def test_workload_identity_aio(machine: Machine) -> None:
    """The asynchronous one too; aiohttp reads SSL_CERT_FILE when imported, so the CA is passed."""

    async def token() -> str:
        async with AsyncWorkloadIdentityCredential(
            connection_verify=str(machine.emulator.ca_file)
        ) as credential:
            return (await credential.get_token(GRAPH)).token

    assert roles(asyncio.run(token())) == ["User.Read.All"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://elsewhere.example"}, "AADSTS700211"),
        ({"sub": "repo:contoso/other:ref"}, "AADSTS700213"),
        ({"aud": "api://other"}, "AADSTS700212"),
        ({"exp": 1_000_000_000, "nbf": 999_999_000}, "AADSTS700024"),
        ({"sub": SUBJECT.upper()}, "AADSTS700213"),
    ],
    ids=["issuer", "subject", "audience", "expired", "letter-case"],
)
def test_workload_identity_refused(
    machine: Machine, environment: Path, changes: dict[str, Any], code: str
) -> None:
    """Five mismatches, each with its number."""
    environment.write_text(machine.issuer.token(**changes))
    with (
        WorkloadIdentityCredential(retry_total=0) as credential,
        pytest.raises(ClientAuthenticationError, match=code),
    ):
        credential.get_token(GRAPH)


def test_msal_federated(machine: Machine) -> None:
    """MSAL with a callable assertion, asked anew for each token request."""
    client = msal.ConfidentialClientApplication(
        machine.app_id,
        authority=f"{machine.emulator.url}/{machine.emulator.tenant.id}",
        client_credential={"client_assertion": machine.issuer.token},
        instance_discovery=False,
    )

    assert roles(client.acquire_token_for_client([GRAPH])["access_token"]) == ["User.Read.All"]


def test_imds(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity on a virtual machine."""
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    with ManagedIdentityCredential() as credential:
        assert roles(credential.get_token(GRAPH).token) == ["User.Read.All"]


def test_imds_aio(monkeypatch: pytest.MonkeyPatch) -> None:
    """The asynchronous one too."""
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")

    async def token() -> str:
        async with AsyncManagedIdentityCredential() as credential:
            return (await credential.get_token(GRAPH)).token

    assert roles(asyncio.run(token())) == ["User.Read.All"]


def test_imds_unknown_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user-assigned identity that this machine does not have."""
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    with (
        ManagedIdentityCredential(client_id="99999999-9999-4999-8999-999999999999") as credential,
        pytest.raises((ClientAuthenticationError, CredentialUnavailableError), match="not found"),
    ):
        credential.get_token(GRAPH)


def test_app_service(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity in an App Service."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.emulator.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", machine.emulator.identity_header)
    with ManagedIdentityCredential() as credential:
        assert roles(credential.get_token(GRAPH).token) == ["User.Read.All"]


@pytest.mark.parametrize("place", ["imds", "app-service"])
def test_msal_managed_identity(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """MSAL's own client, in both places."""
    if place == "app-service":
        monkeypatch.setenv("IDENTITY_ENDPOINT", machine.emulator.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", machine.emulator.identity_header)
    client = msal.ManagedIdentityClient(
        msal.SystemAssignedManagedIdentity(), http_client=requests.Session()
    )

    answer = client.acquire_token_for_client(resource=RESOURCE)

    assert roles(answer["access_token"]) == ["User.Read.All"]
