"""One chain with pyreqwest, whose HTTP and TLS are Rust's, and msgspec; the token is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
from pyreqwest.client import SyncClientBuilder


class Page(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


decode = msgspec.json.Decoder(Page).decode
trusted = Path(os.environ["BENCH_CA"]).read_bytes()
builder = SyncClientBuilder().add_root_certificate_pem(trusted).gzip(True)
link: str | None = os.environ["BENCH_GRAPH"] + "/v1.0/users?$top=999"
with builder.build() as client:
    while link:
        answer = client.get(link).header("Authorization", "Bearer x").build().send()
        page = decode(answer.bytes())
        sys.stdout.buffer.write(b"\n".join([*page.value, b""]))
        link = page.next_link
