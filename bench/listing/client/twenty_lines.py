"""
What a good engineer writes in an hour: ``http.client``, gunzip, msgspec's raw records, NDJSON.

A token, one connection, one chain of pages; nothing is proved, and what goes wrong is not mended.
"""

from __future__ import annotations

import os
import ssl
import sys
import zlib
from http.client import HTTPSConnection
from urllib.parse import urlencode, urlsplit

import msgspec


class Page(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


graph, authority = os.environ["BENCH_GRAPH"], urlsplit(os.environ["BENCH_AUTHORITY"])
context = ssl.create_default_context()
asked = {
    "client_id": os.environ["BENCH_CLIENT_ID"],
    "client_secret": os.environ["BENCH_SECRET"],
    "grant_type": "client_credentials",
    "scope": "https://graph.microsoft.com/.default",
}
line = HTTPSConnection(authority.netloc, context=context)
form = {"Content-Type": "application/x-www-form-urlencoded"}
line.request("POST", f"{authority.path}/oauth2/v2.0/token", urlencode(asked), form)
token = msgspec.json.decode(line.getresponse().read())["access_token"]
decode = msgspec.json.Decoder(Page).decode
headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
line = HTTPSConnection(urlsplit(graph).netloc, context=context)
link: str | None = f"{graph}/v1.0/users?$top=999"
while link:
    line.request("GET", link.removeprefix(graph), headers=headers)
    page = decode(zlib.decompress(line.getresponse().read(), wbits=31))
    sys.stdout.buffer.write(b"\n".join([*page.value, b""]))
    link = page.next_link
