"""
What a good engineer writes in an hour: ``http.client``, gunzip, msgspec's raw records, NDJSON.

One connection, one chain, nothing proved; the token is given.
"""

from __future__ import annotations

import os
import ssl
import sys
import zlib
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import msgspec


class Page(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


decode = msgspec.json.Decoder(Page).decode
context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
line = HTTPSConnection(urlsplit(os.environ["BENCH_GRAPH"]).netloc, context=context)
headers = {"Authorization": "Bearer x", "Accept-Encoding": "gzip"}
link: str | None = os.environ["BENCH_GRAPH"] + "/v1.0/users?$top=999"
while link:
    line.request("GET", link.removeprefix(os.environ["BENCH_GRAPH"]), headers=headers)
    page = decode(zlib.decompress(line.getresponse().read(), wbits=31))
    sys.stdout.buffer.write(b"\n".join([*page.value, b""]))
    link = page.next_link
