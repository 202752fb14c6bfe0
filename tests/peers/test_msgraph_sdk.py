"""msgraph-sdk for Python, unmodified: users through Microsoft's own generated client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

from entra_emulator.server.emulator import Emulator
from tests.peers.conftest import GRAPH, REFUSALS, Refused, run
from tests.support.client_app import App, register


@asynccontextmanager
async def connect(
    emulator: Emulator, tenant: str, client_id: str, secret: str, scope: str = GRAPH
) -> AsyncIterator[GraphServiceClient]:
    async with ClientSecretCredential(
        tenant, client_id, secret, authority=emulator.url, connection_verify=str(emulator.ca_file)
    ) as credential:
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[scope], allowed_hosts=["127.0.0.1"]
        )
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = f"{emulator.url}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


def options(**values: Any) -> RequestConfiguration[Any]:
    parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(**values)
    return RequestConfiguration(query_parameters=parameters)


async def list_names(
    emulator: Emulator, tenant: str, client_id: str, secret: str, scope: str = GRAPH
) -> list[str]:
    async with connect(emulator, tenant, client_id, secret, scope) as client:
        page = await client.users.get(options(top=200, select=["id", "displayName"]))
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


async def work(emulator: Emulator, app: App) -> dict[str, Any]:
    """What a provisioning program does, from the first page to the last delta link."""
    async with connect(emulator, emulator.tenant.id, app.client_id, app.secret) as client:
        seen: list[str] = []
        iterator = PageIterator(await client.users.get(options(top=100)), client.request_adapter)

        def see(user: User) -> bool:
            seen.append(user.id)
            return True

        await iterator.iterate(see)
        made = await client.users.post(
            User(
                account_enabled=True,
                display_name="Python Made",
                mail_nickname="python.made",
                user_principal_name="python.made@contoso.example",
                password_profile=PasswordProfile(password="Not-looked-at-1"),
            )
        )
        latest = await client.users.delta.with_url(
            f"{emulator.url}/v1.0/users/delta?$deltatoken=latest"
        ).get()
        await client.users.by_user_id(made.id).patch(User(job_title="Auditor"))
        found = await client.users.get(options(filter="startswith(displayName,'Python ')"))
        batch = BatchRequestContent()
        for key in (made.id, "nobody@nowhere.example"):
            item = BatchRequestItem(client.users.by_user_id(key).to_get_request_information())
            # It sends whole addresses, which Graph refuses in batches (msgraph-sdk-python#1015).
            item.url = item.url.removeprefix(f"{emulator.url}/v1.0")
            batch.add_request(None, item)
        answers = await BatchRequestBuilder(client.request_adapter).post(batch)
        await client.users.by_user_id(made.id).delete()
        changes = await client.users.delta.with_url(latest.odata_delta_link).get()
        return {
            "seen": seen,
            "found": [user.user_principal_name for user in found.value],
            "batch": sorted(answer.status for answer in answers.responses.values()),
            "changes": [(one.id == made.id, one.additional_data) for one in changes.value],
        }


def test_work(emulator: Emulator, key_pair: tuple[str, bytes]) -> None:
    """It pages, creates, filters, batches, follows changes and deletes."""
    app = register(emulator, key_pair, roles=("User.ReadWrite.All", "User.DeleteRestore.All"))

    done = run(work(emulator, app))

    assert len(set(done["seen"])) == len(done["seen"]) >= 250
    assert done["found"] == ["python.made@contoso.example"]
    assert done["batch"] == [200, 404]
    assert (True, {"@removed": {"reason": "changed"}}) in done["changes"]
