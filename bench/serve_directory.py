"""
What it costs the emulator to serve a large directory, over TLS keep-alive.

    .venv/bin/python bench/serve_directory.py [--users N] [--data FOLDER] [--identity]

The server has a process of its own, whose CPU and memory are read from /proc; clients take gzip, as
all usual ones do, unless `--identity` is given. A store of N users (a million by default) with
their groups and devices is seeded first, which is timed too; with --data it is kept in that folder,
and used again. Prints a table of medians, and the same as a line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import multiprocessing
import re
import shutil
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.seed import choose_sizes
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS

TICK = 100  # of /proc/PID/stat, in a second
PAGES = 200
# Pages that each of the chains lists at the same time.
LISTED = 60
LOOKUPS = 300
ROUNDS = 3
# Connections that list side by side.
CHAINS = 8

# The throttle is off: it would be measured, and not the server.
SERVER = """
import json, sys
from pathlib import Path
from entra_emulator.server.emulator import Emulator
with Emulator(data=Path(sys.argv[1]), throttle=False) as emulator:
    print("accepting", flush=True)
    roles = ("User.Read.All", "Group.Read.All", "Application.Read.All")
    app = emulator.add_application("bench", roles)
    print(json.dumps([emulator.url, emulator.tenant.id, str(emulator.ca_file), app.client_id,
                      app.secret]), flush=True)
    sys.stdin.read()
"""

_LINK = re.compile(rb'"@odata.nextLink":"https://[^/]+([^"]+)"')


class Address(NamedTuple):
    """How to ask a server: where it is, whom to trust, what to show, and how answers may come."""

    url: str
    ca_file: str
    token: str
    encoding: str


class Server(NamedTuple):
    """A running emulator: its process, and how to ask it."""

    process: subprocess.Popen[str]
    address: Address
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

    def __init__(self, address: Address) -> None:
        context = ssl.create_default_context(cafile=address.ca_file)
        self._connection = http.client.HTTPSConnection(
            urlsplit(address.url).netloc, context=context
        )
        self._headers = {
            "Authorization": f"Bearer {address.token}",
            "Accept-Encoding": address.encoding,
        }

    def fetch(self, target: str) -> bytes:
        """The body of the answer as it travels."""
        self._connection.request("GET", target, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, target, expand(body)[:300])
        return body

    def get(self, target: str) -> bytes:
        """The body of the answer, without compression."""
        return expand(self.fetch(target))

    def close(self) -> None:
        self._connection.close()


class Walk(NamedTuple):
    """What a listing brought: pages, and their bytes on the way."""

    pages: int
    size: int


def expand(body: bytes, most: int = 0) -> bytes:
    """The body without gzip, up to `most` bytes; 0 is all of it."""
    return zlib.decompressobj(31).decompress(body, most) if body[:2] == b"\x1f\x8b" else body


@contextlib.contextmanager
def serving(data: Path, encoding: str) -> Iterator[Server]:
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
        yield Server(process, Address(url, ca_file, token, encoding), started)
    finally:
        process.communicate("")


def walk(client: Client, target: str) -> Iterator[int]:
    """Every page of a listing; how many bytes it has on the way."""
    while target:
        body = client.fetch(target)
        yield len(body)
        # The link stands in front of the records.
        link = _LINK.search(expand(body, 4096), 0, 4096)
        target = link[1].decode() if link else ""


def walk_all(address: Address, targets: Sequence[str], most: int) -> Walk:
    """List from each of these targets, one after the other, up to so many pages in all."""
    client = Client(address)
    sizes = list(
        itertools.islice((size for target in targets for size in walk(client, target)), most)
    )
    client.close()
    return Walk(len(sizes), sum(sizes))


def measure_ends(server: Server, target: str, total: int) -> dict[str, float]:
    """The CPU of a page at the beginning, the middle and the end, on one connection."""
    marks: list[tuple[float, float]] = [(server.cpu(), time.perf_counter())]
    client = Client(server.address)
    marks += ((server.cpu(), time.perf_counter()) for _ in walk(client, target))
    client.close()
    pages = len(marks) - 1
    assert pages == -(-total // 999), pages
    span = min(PAGES, pages // 3) or 1
    middle = (pages - span) // 2
    parts = {"first": (0, span), "middle": (middle, middle + span), "last": (pages - span, pages)}
    costs = {
        f"page_{name}_cpu_ms": (marks[end][0] - marks[start][0]) / (end - start)
        for name, (start, end) in parts.items()
    }
    return costs | {"page_alone_per_s": pages / (marks[-1][1] - marks[0][1])}


def probe(address: Address, target: str, seconds: float) -> list[float]:
    """The milliseconds that somebody else waits for a short answer, again and again."""
    client, waited = Client(address), []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        waited += time_each(lambda: client.get(target), 1)
        time.sleep(0.005)
    client.close()
    return waited


def measure_load(
    server: Server, name: str, chains: Sequence[Sequence[str]], *, most: int = LISTED
) -> dict[str, float]:
    """
    Chains of pages side by side, and how long somebody else waits meanwhile.

    The first time is without the other, who takes his share of the machine.
    """
    address = server.address

    def list_all() -> Walk:
        with ThreadPoolExecutor(len(chains)) as pool:
            walks = list(pool.map(lambda targets: walk_all(address, targets, most), chains))
        return Walk(sum(one.pages for one in walks), sum(one.size for one in walks))

    list_all()  # whatever is read from the disk has been read then
    spent, began = server.cpu(), time.perf_counter()
    listed = list_all()
    cpu, wall = server.cpu() - spent, time.perf_counter() - began
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(time.sleep, 0).result()
        waiting = pool.submit(probe, address, "/v1.0/users?$top=5", wall)
        list_all()
        waited = sorted(waiting.result())
    return {
        f"{name}_cpu_ms": cpu / listed.pages,
        f"{name}_per_s": listed.pages / wall,
        f"{name}_kb": listed.size / listed.pages / 1000,
        f"{name}_others_p50_ms": waited[len(waited) // 2],
        f"{name}_others_p99_ms": waited[int(len(waited) * 0.99)],
    }


def make_ranges(data: Path) -> list[list[str]]:
    """The users in ranges of names, nine tenths of a page each, as our own client divides them."""
    with contextlib.closing(sqlite3.connect(f"file:{data / STORE}?mode=ro", uri=True)) as store:
        statement = "SELECT key FROM object WHERE tenant = 1 AND kind = ? ORDER BY key"
        keys = [key for (key,) in store.execute(statement, (KINDS["user"].number,))]
    targets = []
    for low, high in itertools.pairwise([None, *keys[900::900], None]):
        ends = {"ge": low, "le": high}
        tests = [f"userPrincipalName {word} '{end}'" for word, end in ends.items() if end]
        targets.append(f"/v1.0/users?$top=999&$filter={quote(' and '.join(tests))}")
    share = -(-len(targets) // CHAINS)
    return [targets[at : at + share] for at in range(0, len(targets), share)]


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
    client = Client(server.address)
    users = json.loads(client.get("/v1.0/users?$top=50"))["value"]
    app_id = json.loads(client.get("/v1.0/applications?$top=20"))["value"][-1]["appId"]
    targets = {
        "id": f"/v1.0/users/{users[-1]['id']}",
        "upn": f"/v1.0/users/{quote(users[-1]['userPrincipalName'])}",
        "app_id": f"/v1.0/applications(appId='{app_id}')",
    }
    taken = {
        f"lookup_{name}_ms": statistics.median(time_each(lambda t=target: client.get(t), LOOKUPS))  # type: ignore[misc]
        for name, target in targets.items()
    }
    client.close()
    return taken


def measure_filter(server: Server) -> dict[str, float]:
    """A filter without an index, which nobody matches, and how long others wait meanwhile."""
    client = Client(server.address)
    target = "/v1.0/users?$filter=" + quote("department eq 'nobody'")
    alone = statistics.median(time_each(lambda: client.get(target), ROUNDS))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(time.sleep, 0).result()
        waiting = pool.submit(
            probe, server.address, "/v1.0/users?$top=5", alone * (ROUNDS - 1) / 1000
        )
        shared = time_each(lambda: client.get(target), ROUNDS)
        waited = sorted(waiting.result())
    client.close()
    return {
        "filter_all_ms": alone,
        "filter_all_with_others_ms": statistics.median(shared),
        "filter_all_others_p50_ms": waited[len(waited) // 2],
        "filter_all_others_p99_ms": waited[int(len(waited) * 0.99)],
    }


def find_largest_group(address: Address) -> str:
    """The ID of the group that everybody is in."""
    client = Client(address)
    target = "/v1.0/groups?$filter=" + quote("startswith(displayName,'All ')")
    groups = json.loads(client.get(target))["value"]
    sizes: dict[str, int] = {
        group["id"]: len(client.fetch(f"/v1.0/groups/{group['id']}/members?$top=999"))
        for group in groups
    }
    client.close()
    if not sizes:
        sys.exit("This folder was filled without groups. Name an empty one with --data.")
    return max(sizes, key=sizes.__getitem__)


def measure_server(server: Server, data: Path, users: int) -> dict[str, float]:
    plain, names = "/v1.0/users?$top=999", "id,displayName,userPrincipalName,department"
    selected = f"{plain}&$select={names},accountEnabled"
    defaults = ",".join(schema.default("user"))
    members = f"/v1.0/groups/{find_largest_group(server.address)}/members?$top=999"
    return {
        **measure_ends(server, plain, users),
        **measure_load(server, "page", [[plain]] * CHAINS),
        **measure_load(server, "range", make_ranges(data)),
        **measure_load(server, "defaults", [[f"{plain}&$select={defaults}"]] * CHAINS),
        **measure_load(server, "select", [[selected]] * CHAINS),
        **measure_load(server, "members", [[members]] * CHAINS),
        **measure_load(server, "members_cast", [[members.replace(
            "members", "members/microsoft.graph.user")]] * CHAINS),
        **measure_load(server, "delta", [[f"/v1.0/users/delta?$select={defaults}"]] * CHAINS),
    }  # fmt: skip


def measure(data: Path, users: int, encoding: str) -> dict[str, float]:
    starts = []
    for _ in range(ROUNDS):
        with serving(data, encoding) as server:
            starts.append(server.started)
    figures: dict[str, float] = {"start_s": statistics.median(starts)}
    with serving(data, encoding) as server:
        rounds = [measure_server(server, data, users) for _ in range(ROUNDS)]
        figures |= {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        figures |= measure_lookups(server)
        figures |= measure_filter(server)
        figures["private_mb"] = server.private()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--identity", action="store_true", help="take no compressed answers")
    options = parser.parse_args()
    folder = options.data or Path(tempfile.mkdtemp(prefix="graphdaemon-bench-"))
    figures: dict[str, float] = {"users": options.users}
    try:
        if not (folder / STORE).exists():
            began = time.perf_counter()
            fill_folder(folder, choose_sizes(options.users))
            figures["seed_s"] = time.perf_counter() - began
        figures["store_mb"] = (folder / STORE).stat().st_size / 1e6
        encoding = "identity" if options.identity else "gzip"
        figures |= measure(folder, options.users, encoding)
    finally:
        if options.data is None:
            shutil.rmtree(folder)
    for name, value in figures.items():
        print(f"{name:28} {value:12,.2f}")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
