"""The same without async, for scripts and notebooks: list_users_blocking.py parameters.json."""

import sys

import graphdaemon

client = graphdaemon.load(sys.argv[1])
for user in graphdaemon.blocking(client.list("users", filter="accountEnabled eq true", limit=5)):
    found = graphdaemon.blocking(client.get(f"users/{user['id']}"))
    print(found["displayName"], found["userPrincipalName"])
client.close()
