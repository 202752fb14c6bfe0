"""Print the name of every user of the directory: python list_users.py parameters.json."""

import asyncio
import sys

import graphdaemon


async def main(parameters: str) -> None:
    async with graphdaemon.load(parameters) as client:
        async for user in client.list("users", select=["displayName", "accountEnabled"]):
            print(user["displayName"])


try:
    asyncio.run(main(sys.argv[1]))
except graphdaemon.Error as error:
    print(f"{error}\nTry: {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
