"""
What it costs the emulator to serve a large directory, over TLS keep-alive.

    .venv/bin/python bench/serve_directory.py [--users N] [--data FOLDER]

The server has a process of its own, whose CPU and memory are read from /proc. A store of N users
(a million by default) with their groups and devices is seeded first, which is timed too; with
--data it is kept in that folder, and used again. Prints a table, and the same as a line of JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.seed import choose_sizes

TICK = 100  # of /proc/PID/stat, in a second
PAGES = 200
LOOKUPS = 300
ROUNDS = 3

SERVER = """
import json, sys
from pathlib import Path
from entra_emulator.server.emulator import Emulator
with Emulator(data=Path(sys.argv[1])) as emulator:
    print("accepting", flush=True)
    roles = ("User.Read.All", "Group.Read.All", "Application.Read.All")
    app = emulator.add_application("bench", roles)
    print(json.dumps([emulator.url, emulator.tenant.id, str(emulator.ca_file), app.client_id,
                      app.secret]), flush=True)
    sys.stdin.read()
"""

_LINK = re.compile(rb'"@odata.nextLink":"https://[^/]+([^"]+)"')


class Server(NamedTuple):
    """A running emulator: its process, and how to ask it."""

    process: subprocess.Popen[str]
    url: str
    ca_file: str
    token: str
    started: float

    def cpu(self) -> float:
        """Milliseconds of CPU that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / TICK

    def private(self) -> float:
        """Megabytes of memory of this process's own: not the database, which is mapped."""
        # Private_Clean counts the database's pages too, as long as nobody else maps the file.
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024


class Client:
    """One connection that is kept alive."""

    def __init__(self, server: Server) -> None:
        context = ssl.create_default_context(cafile=server.ca_file)
        self._connection = http.client.HTTPSConnection(urlsplit(server.url).netloc, context=context)
        self._headers = {"Authorization": f"Bearer {server.token}"}

    def get(self, target: str, **headers: str) -> bytes:
        self._connection.request("GET", target, headers=self._headers | headers)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, target, body[:300])
        return body

    def close(self) -> None:
        self._connection.close()


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter() - began
        url, tenant, ca_file, client_id, secret = json.loads(process.stdout.readline())
        context = ssl.create_default_context(cafile=ca_file)
        connection = http.client.HTTPSConnection(urlsplit(url).netloc, context=context)
        form = (
            f"grant_type=client_credentials&client_id={client_id}&client_secret={quote(secret)}"
            "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/{tenant}/oauth2/v2.0/token", form, headers)
        token = json.loads(connection.getresponse().read())["access_token"]
        connection.close()
        yield Server(process, url, ca_file, token, started)
    finally:
        process.communicate("")


def walk(client: Client, target: str) -> Iterator[int]:
    """Every page of a listing; how many bytes it has."""
    while target:
        body = client.get(target)
        yield len(body)
        found = _LINK.search(body, 0, 4096)
        target = found[1].decode() if found else ""


def measure_pages(server: Server, target: str, total: int) -> dict[str, float]:
    """The CPU of a page at the beginning, the middle and the end, and pages in a second."""
    marks: list[tuple[float, float]] = [(server.cpu(), time.perf_counter())]
    client = Client(server)
    marks += ((server.cpu(), time.perf_counter()) for _ in walk(client, target))
    client.close()
    pages = len(marks) - 1
    assert pages == -(-total // 999), pages
    span = min(PAGES, pages // 3) or 1
    middle = (pages - span) // 2
    parts = {"first": (0, span), "middle": (middle, middle + span), "last": (pages - span, pages)}
    found = {
        f"{name}_page_cpu_ms": (marks[end][0] - marks[start][0]) / (end - start)
        for name, (start, end) in parts.items()
    }
    return found | {"pages_per_second": pages / (marks[-1][1] - marks[0][1])}


def measure_select(server: Server) -> float:
    """The CPU of a page of five properties."""
    client = Client(server)
    names = "id,displayName,userPrincipalName,department,accountEnabled"
    before, pages = server.cpu(), 0
    for pages, _ in enumerate(walk(client, f"/v1.0/users?$top=999&$select={names}"), 1):
        if pages == PAGES:
            break
    spent = server.cpu() - before
    client.close()
    return spent / pages


def time_each(ask: Callable[[], object], number: int) -> list[float]:
    """The milliseconds of each of so many requests, in order of length."""
    taken = []
    for _ in range(number):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def measure_lookups(server: Server) -> dict[str, float]:
    """Milliseconds to find an object by each of its keys."""
    client = Client(server)
    users = json.loads(client.get("/v1.0/users?$top=50"))["value"]
    app_id = json.loads(client.get("/v1.0/applications?$top=20"))["value"][-1]["appId"]
    targets = {
        "id": f"/v1.0/users/{users[-1]['id']}",
        "upn": f"/v1.0/users/{quote(users[-1]['userPrincipalName'])}",
        "app_id": f"/v1.0/applications(appId='{app_id}')",
    }
    found = {
        f"lookup_{name}_ms": statistics.median(time_each(lambda t=target: client.get(t), LOOKUPS))  # type: ignore[misc]
        for name, target in targets.items()
    }
    client.close()
    return found


def measure_filter(server: Server) -> dict[str, float]:
    """A filter without an index, which nobody matches, and how long others wait meanwhile."""
    client, other = Client(server), Client(server)
    target = "/v1.0/users?$filter=" + quote("department eq 'nobody'")
    alone = time_each(lambda: client.get(target), ROUNDS)
    waited: list[float] = []
    done = threading.Event()

    def probe() -> None:
        while not done.is_set():
            waited.extend(time_each(lambda: other.get("/v1.0/users?$top=5"), 1))
            time.sleep(0.005)

    thread = threading.Thread(target=probe)
    thread.start()
    shared = time_each(lambda: client.get(target), ROUNDS)
    done.set()
    thread.join()
    client.close()
    other.close()
    waited.sort()
    return {
        "filter_all_ms": alone[len(alone) // 2],
        "filter_all_with_others_ms": shared[len(shared) // 2],
        "others_p50_ms": waited[len(waited) // 2],
        "others_p99_ms": waited[int(len(waited) * 0.99)],
    }


def measure(data: Path, users: int) -> dict[str, float]:
    starts = []
    for _ in range(ROUNDS):
        with serving(data) as server:
            starts.append(server.started)
    found: dict[str, float] = {"start_s": statistics.median(starts)}
    with serving(data) as server:
        rounds = [measure_pages(server, "/v1.0/users?$top=999", users) for _ in range(ROUNDS)]
        found |= {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        found["select_page_cpu_ms"] = statistics.median(
            measure_select(server) for _ in range(ROUNDS)
        )
        found |= measure_lookups(server)
        found |= measure_filter(server)
        found["private_mb"] = server.private()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    folder = options.data or Path(tempfile.mkdtemp(prefix="graphdaemon-bench-"))
    found: dict[str, float] = {"users": options.users}
    try:
        if not (folder / STORE).exists():
            began = time.perf_counter()
            fill_folder(folder, choose_sizes(options.users))
            found["seed_s"] = time.perf_counter() - began
        found["store_mb"] = (folder / STORE).stat().st_size / 1e6
        found |= measure(folder, options.users)
    finally:
        if options.data is None:
            shutil.rmtree(folder)
    for name, value in found.items():
        print(f"{name:28} {value:12,.2f}")
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
