"""A bare loop over our transport: the pages of a file of addresses, sixteen at a time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from graphdaemon.http.transport import Transport


async def fetch(addresses: list[str], chains: int, ca_file: Path) -> None:
    transport = Transport(ca_file=ca_file)
    headers = {"Accept": "application/json", "Authorization": "Bearer x"}
    rest = iter(addresses)

    async def walk() -> None:
        for address in rest:
            answer = await transport.send("GET", address, headers)
            assert answer.status == 200, answer.status
            sys.stdout.buffer.write(answer.body)

    await asyncio.gather(*(walk() for _ in range(chains)))
    transport.close()


began = time.perf_counter()
pages = Path(os.environ["BENCH_ADDRESSES"]).read_text().splitlines()
asyncio.run(fetch(pages, int(os.environ["BENCH_CHAINS"]), Path(os.environ["BENCH_CA"])))
Path(os.environ["BENCH_LOOP"]).write_text(str(time.perf_counter() - began))
