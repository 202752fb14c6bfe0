"""
aiohttp and orjson, a task for each letter and digit that a name begins with.

Nothing is proved, and a name that begins with anything else is missing. The token is given.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import string
import sys

import aiohttp
import orjson


async def main() -> None:
    context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
    connector = aiohttp.TCPConnector(limit=36, ssl=context)
    headers = {"Authorization": "Bearer x"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def list_prefix(prefix: str) -> None:
            condition = f"startswith(userPrincipalName,'{prefix}')"
            link = f"{os.environ['BENCH_GRAPH']}/v1.0/users?$top=999&$filter={condition}"
            while link:
                async with session.get(link) as answer:
                    answer.raise_for_status()
                    page = orjson.loads(await answer.read())
                users = page["value"]
                sys.stdout.buffer.write(b"".join(orjson.dumps(user) + b"\n" for user in users))
                link = page.get("@odata.nextLink")

        await asyncio.gather(*map(list_prefix, string.ascii_lowercase + string.digits))


asyncio.run(main())
