"""
The official sample's way, with the loop over next links that it leaves out.

MSAL, ``requests.get`` for each page, everything printed at the end. With ``--session`` it keeps its
connection, which the sample does not.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import msal
import requests

app = msal.ConfidentialClientApplication(
    os.environ["BENCH_CLIENT_ID"],
    authority=os.environ["BENCH_AUTHORITY"],
    client_credential=os.environ["BENCH_SECRET"],
    instance_discovery=False,
)
scopes = ["https://graph.microsoft.com/.default"]
result = app.acquire_token_silent(scopes, account=None)
if not result:
    result = app.acquire_token_for_client(scopes=scopes)

get = requests.Session().get if "--session" in sys.argv else requests.get
users: list[Any] = []
link: str | None = os.environ["BENCH_GRAPH"] + "/v1.0/users?$top=999"
while link:
    answer = get(link, headers={"Authorization": "Bearer " + result["access_token"]}, timeout=60)
    answer.raise_for_status()
    page = answer.json()
    users += page["value"]
    link = page.get("@odata.nextLink")
print(json.dumps(users, indent=2))
