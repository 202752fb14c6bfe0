"""Microsoft's Python libraries in one process with the tenant, with a transport and no more."""

import asyncio
import socket

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CertificateCredential, ClientSecretCredential, DefaultAzureCredential
from kiota_abstractions.api_error import APIError
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH


@pytest.fixture(autouse=True)
def trust() -> None:
    """Nothing to trust, since nothing is connected to."""


def make_transport(entra: Emulator) -> RequestsTransport:
    return RequestsTransport(session=entra.requests_session(), session_owner=False)


def make_client(entra: Emulator) -> GraphServiceClient:
    application = entra.application
    credential = ClientSecretCredential(
        entra.tenant.id,
        application.client_id,
        application.secret,
        transport=make_transport(entra),
    )
    http_client = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(transport=entra.async_httpx_transport())
    )
    provider = AzureIdentityAuthenticationProvider(credential)
    return GraphServiceClient(request_adapter=GraphRequestAdapter(provider, client=http_client))


def test_azure_identity_needs_its_transport_alone(entra: Emulator) -> None:
    """Secret and certificate; a wrong secret is its own error."""
    application, transport = entra.application, make_transport(entra)
    made = entra.add_certificate(application.client_id)
    named = (entra.tenant.id, application.client_id)

    by_secret = ClientSecretCredential(*named, application.secret, transport=transport)
    by_certificate = CertificateCredential(
        *named, certificate_data=(made.private_key + made.certificate).encode(), transport=transport
    )
    wrong = ClientSecretCredential(*named, "wrong", transport=transport)

    assert by_secret.get_token(GRAPH).token
    assert by_certificate.get_token(GRAPH).token
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        wrong.get_token(GRAPH)


def test_variables_lead_the_default_credential(
    entra: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application's `environment` is what DefaultAzureCredential reads."""
    for name, value in entra.application.environment.items():
        monkeypatch.setenv(name, value)
    credential = DefaultAzureCredential(
        transport=make_transport(entra), exclude_managed_identity_credential=True
    )

    assert credential.get_token(GRAPH).token


@pytest.mark.entra(users=250)
def test_the_graph_sdk_lists_users(entra: Emulator) -> None:
    """Its links lead to graph.microsoft.com, and its middleware meets what it is made for."""

    async def count() -> int:
        client, total = make_client(entra), 0
        entra.faults.fail("status", status=503, retry_after=0, route="GET /users*")
        page = await client.users.get()
        while page is not None:
            total += len(page.value or [])
            link = page.odata_next_link
            page = await client.users.with_url(link).get() if link else None
        return total

    assert asyncio.run(count()) == 250


@pytest.mark.entra(permissions=["Group.Read.All"])
def test_a_refusal_of_graph_is_the_sdks_error(entra: Emulator) -> None:
    with pytest.raises(APIError, match="Insufficient privileges"):
        asyncio.run(make_client(entra).users.get())


def test_no_name_is_looked_up(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries ask the emulator and nobody else, not even a resolver."""

    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(arguments)

    entra.add_user("ada")
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    page = asyncio.run(make_client(entra).users.get())
    assert page is not None
    assert [user.display_name for user in page.value or []] == ["ada"]
