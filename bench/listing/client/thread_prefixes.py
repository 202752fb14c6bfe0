"""
The twenty lines, 36 times at once: a thread for each letter and digit that a name begins with.

Nothing is proved, and a name that begins with anything else is missing. The token is given.
"""

from __future__ import annotations

import os
import ssl
import string
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import msgspec


class Page(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


decode = msgspec.json.Decoder(Page).decode
context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
headers = {"Authorization": "Bearer x", "Accept-Encoding": "gzip"}
writing = threading.Lock()


def list_prefix(prefix: str) -> None:
    line = HTTPSConnection(urlsplit(os.environ["BENCH_GRAPH"]).netloc, context=context)
    condition = f"startswith(userPrincipalName,'{prefix}')"
    link: str | None = f"/v1.0/users?$top=999&$filter={condition}"
    while link:
        line.request("GET", link.removeprefix(os.environ["BENCH_GRAPH"]), headers=headers)
        page = decode(zlib.decompress(line.getresponse().read(), wbits=31))
        with writing:
            sys.stdout.buffer.write(b"\n".join([*page.value, b""]))
        link = page.next_link
    line.close()


with ThreadPoolExecutor(36) as pool:
    list(pool.map(list_prefix, string.ascii_lowercase + string.digits))
