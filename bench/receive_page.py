"""
What one page of 999 users costs each HTTP client: CPU to receive it over TLS, and its import.

    .venv-peers/bin/python bench/receive_page.py [PAGES]

Clients that are not installed are left out; `make test-peers` makes an environment with all.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings

ROUNDS = 5
Fetch = Callable[[str, dict[str, str], str, int], None]


def by_transport(url: str, headers: dict[str, str], ca_file: str, pages: int) -> None:
    transport = Transport(ca_file=Path(ca_file))
    for _ in range(pages):
        assert transport.exchange("GET", url, headers).status == 200
    transport.close()


def by_transport_async(url: str, headers: dict[str, str], ca_file: str, pages: int) -> None:
    async def fetch() -> None:
        transport = Transport(ca_file=Path(ca_file))
        for _ in range(pages):
            assert (await transport.send("GET", url, headers)).status == 200
        transport.close()

    asyncio.run(fetch())


def by_requests(url: str, headers: dict[str, str], ca_file: str, pages: int) -> None:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.verify = ca_file
        for _ in range(pages):
            assert session.get(url, headers=headers).content


def by_httpx(url: str, headers: dict[str, str], ca_file: str, pages: int) -> None:
    import httpx

    with httpx.Client(verify=ssl.create_default_context(cafile=ca_file)) as client:
        for _ in range(pages):
            assert client.get(url, headers=headers).content


def by_aiohttp(url: str, headers: dict[str, str], ca_file: str, pages: int) -> None:
    import aiohttp

    async def fetch() -> None:
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file))
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            for _ in range(pages):
                async with session.get(url) as response:
                    assert await response.read()

    asyncio.run(fetch())


CLIENTS: dict[str, tuple[str, Fetch]] = {
    "our transport": ("http.client, ssl", by_transport),
    "our transport, awaited": ("http.client, ssl, asyncio", by_transport_async),
    "requests": ("requests", by_requests),
    "httpx": ("httpx", by_httpx),
    "aiohttp": ("aiohttp", by_aiohttp),
}


def import_time(modules: str) -> float:
    """Milliseconds of wall time a fresh process spends on the imports alone."""
    code = f"import time; t = time.perf_counter(); import {modules}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [float(subprocess.check_output(command)) for _ in range(ROUNDS)]
    return statistics.median(runs) * 1000


SERVER = """
import json, sys
from entra_emulator.server.emulator import Emulator
with Emulator(users=999) as emulator:
    app = emulator.add_application("bench", ["User.Read.All"])
    print(json.dumps(app.parameters), flush=True)
    sys.stdin.read()
"""


def measure(settings: dict[str, str], pages: int) -> dict[str, list[float]]:
    """Milliseconds of CPU a page, by client, one figure a round; interleaved."""
    read = read_settings(None, {}, settings)
    transport = Transport(ca_file=read.ca_file)
    token = asyncio.run(AppIdentity(read, transport).acquire()).value
    transport.close()
    url, headers = f"{read.endpoint}?$top=999", {"Authorization": f"Bearer {token}"}
    costs: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, (modules, fetch) in CLIENTS.items():
            if importlib.util.find_spec(modules.partition(",")[0].partition(".")[0]) is None:
                continue
            fetch(url, headers, settings["ca_file"], 2)
            started = time.process_time()
            fetch(url, headers, settings["ca_file"], pages)
            costs.setdefault(name, []).append((time.process_time() - started) / pages * 1000)
    return costs


def main() -> None:
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    costs = measure(json.loads(server.stdout.readline()), pages)
    server.communicate("")
    print(f"median of {ROUNDS} interleaved rounds of {pages} pages")
    for name, found in costs.items():
        cost, start = statistics.median(found), import_time(CLIENTS[name][0])
        print(f"{name:24} {cost:6.2f} ms of CPU a page   import {start:5.0f} ms")


if __name__ == "__main__":
    main()
