"""Office365-REST-Python-Client: everybody at once, in pages of 999."""

from __future__ import annotations

import json
import os
from typing import Any

from office365.graph_client import GraphClient


def plain(value: Any) -> Any:
    return value.to_json() if hasattr(value, "to_json") else list(value)


client = GraphClient(tenant=os.environ["BENCH_TENANT"]).with_client_secret(
    os.environ["BENCH_CLIENT_ID"], os.environ["BENCH_SECRET"]
)
for user in client.users.get_all(page_size=999).execute_query():
    print(json.dumps(user.properties, default=plain))
