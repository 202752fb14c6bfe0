"""msgraph-sdk for Python, unmodified: users through Microsoft's own generated client."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from graphdaemon.emulator.server import Emulator
from tests.conftest import App, register
from tests.peers.conftest import GRAPH, REFUSALS, Refused, run


async def list_names(
    emulator: Emulator, tenant: str, client_id: str, secret: str, scope: str = GRAPH
) -> list[str]:
    async with ClientSecretCredential(
        tenant, client_id, secret, authority=emulator.url, connection_verify=str(emulator.ca_file)
    ) as credential:
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[scope], allowed_hosts=["127.0.0.1"]
        )
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = f"{emulator.url}/v1.0"
        client = GraphServiceClient(request_adapter=adapter)
        parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            top=200, select=["id", "displayName"]
        )
        page = await client.users.get(RequestConfiguration(query_parameters=parameters))
        names: list[str] = []
        while page is not None:
            names += [user.display_name or "" for user in page.value or []]
            link = page.odata_next_link
            page = await client.users.with_url(link).get() if link else None
        return names


def test_users(emulator: Emulator, app: App) -> None:
    """Two pages through its own link following."""
    names = run(list_names(emulator, emulator.tenant.id, app.client_id, app.secret))

    assert len(names) == 250


def test_without_consent(emulator: Emulator, key_pair: tuple[str, bytes]) -> None:
    """Graph's 403 arrives as the SDK's own error."""
    app = register(emulator, key_pair, consent=False)

    with pytest.raises(APIError, match="Insufficient privileges") as caught:
        run(list_names(emulator, emulator.tenant.id, app.client_id, app.secret))

    assert caught.value.response_status_code == 403


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(emulator: Emulator, app: App, refused: dict[str, Refused], name: str) -> None:
    """The token service's refusals reach whoever asked Graph."""
    case = refused[name]
    asked = list_names(
        emulator,
        case.tenant or emulator.tenant.id,
        case.client_id or app.client_id,
        case.secret or app.secret,
        case.scope,
    )

    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{case.code}"):
        run(asked)
