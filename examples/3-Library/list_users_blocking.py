"""The same without async, for scripts and notebooks: list_users_blocking.py parameters.json."""

import sys

import graphdaemon

with graphdaemon.load(sys.argv[1]) as client:
    for user in client.list("users", filter="accountEnabled eq true", limit=5):
        found = client.get(f"users/{user['id']}")
        print(found["displayName"], found["userPrincipalName"])
