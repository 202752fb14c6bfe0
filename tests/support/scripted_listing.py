"""Listings of a scripted server's users through the public client."""

import asyncio
from typing import Any

from graphdaemon.client.client import Client
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.scripted_server import ScriptedServer

# One pass over one chain: what is asked is the same each time.
PLAIN = ListingOptions(method="chain", proved=False)


def settings_of(server: ScriptedServer, **changes: Any) -> Settings:
    return read_settings(None, {}, server.settings(**changes))


def listing(
    server: ScriptedServer, *, query: Query | None = None, **changes: Any
) -> list[dict[str, Any]]:
    """List users through the public client."""
    return asyncio.run(list_users(settings_of(server, **changes), query or Query()))


async def list_users(settings: Settings, query: Query) -> list[dict[str, Any]]:
    async with Client(settings) as client:
        return [
            user
            async for user in client.list(
                "users",
                filter=query.filter,
                search=query.search,
                limit=query.limit,
                options=PLAIN,
            )
        ]
