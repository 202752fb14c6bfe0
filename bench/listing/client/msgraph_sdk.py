"""Microsoft's SDK for Python: pages of 999, its page iterator, its own serialization."""

from __future__ import annotations

import asyncio
import os
import sys

from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core.tasks.page_iterator import PageIterator

Options = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters


def put(user: User) -> bool:
    writer = JsonSerializationWriter()
    writer.write_object_value(None, user)
    sys.stdout.buffer.write(writer.get_serialized_content() + b"\n")
    return True


async def list_users() -> None:
    async with ClientSecretCredential(
        os.environ["BENCH_TENANT"], os.environ["BENCH_CLIENT_ID"], os.environ["BENCH_SECRET"]
    ) as credential:
        client = GraphServiceClient(credential, scopes=["https://graph.microsoft.com/.default"])
        options = RequestConfiguration(query_parameters=Options(top=999))
        page = await client.users.get(request_configuration=options)
        await PageIterator(page, client.request_adapter).iterate(put)


asyncio.run(list_users())
