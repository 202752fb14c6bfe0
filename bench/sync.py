"""
What it costs to bring a database into step with the directory, beside the bare listing.

    .venv/bin/python -m bench.sync [--users N] [--latency S] [--rounds N] [--changes N] [CASE ...]

Cases: baseline (graphdaemon users into a file of lines; graphdaemon sync of the same properties
into a new SQLite store; and once more, where nothing has changed, which is "quiet"), postgresql
(into PostgreSQL besides; takes Debian's package of that name), against the same prepared pages and
in turns; changes (a sync of --changes users that changed in the pretend tenant). By default all.

Seconds are of the whole command, start-up included; medians, and the ratio is to the listing of the
same turn. What a quiet round takes within a process that has started already, as in a daemon, is
printed besides.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import graphdaemon
from bench.listing.place import Place
from bench.listing.server import DATA, serving
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.store import open_store
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.run import open_session, sync_collections
from graphdaemon.sync.session import Selected
from graphdaemon.sync.tenant import Tenant
from tests.support.postgres_server import PostgresServer, find_programs

LAUNCH = Path(__file__).parent / "listing" / "launch.py"
COMMAND = [sys.executable, "-m", "graphdaemon"]
# What a user resource shows by default, as the prepared pages have it.
SELECT = (
    "businessPhones,displayName,givenName,jobTitle,mail,mobilePhone,officeLocation,"
    "preferredLanguage,surname,userPrincipalName"
)

# A pretend tenant in a process of its own: each line on its standard input names a file of users,
# who are all changed.
TENANT = """
import json, sys
from entra_emulator.server.emulator import Emulator
with Emulator(users=int(sys.argv[1])) as emulator:
    app = emulator.add_application("bench", ["User.Read.All"])
    print(json.dumps(app.parameters), flush=True)
    objects, tenant = emulator.directory.objects, emulator.tenant
    for number, line in enumerate(sys.stdin):
        with open(line.strip()) as file, emulator.directory.transaction():
            for user in file:
                title = {"jobTitle": f"title {number}"}
                objects.update(tenant, "user", json.loads(user)["id"], title)
        print("changed", flush=True)
"""


class Cost(NamedTuple):
    """What one command cost: seconds of wall time and of CPU, and megabytes at the most."""

    wall: float
    cpu: float
    memory: float


def run(command: list[str], home: Path) -> Cost:
    """Run a command of ours to its end, which must be a good one."""
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    # A process is charged for the memory of the one that started it: that has to be a small one.
    launch = [sys.executable, "-I", "-S", str(LAUNCH), str(home / "cost"), "-", "/dev/null"]
    done = subprocess.run(
        [*launch, *command], env=environment, cwd=home, text=True, capture_output=True, check=False
    )
    cost = json.loads((home / "cost").read_text())
    if cost["status"]:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return Cost(cost["wall"], cost["cpu"], cost["rss"])


def list_users(parameters: Path, home: Path) -> Cost:
    """The bare listing, with its proof."""
    output = home / "users.ndjson"
    command = [*COMMAND, "users", str(parameters), "--select", SELECT, "--output", str(output)]
    cost = run(command, home)
    output.unlink()
    return cost


def sync_users(parameters: Path, home: Path, store: str) -> Cost:
    """One sync of the users into a store."""
    words = ["sync", str(parameters), "users", "--store", store, "--select", f"users={SELECT}"]
    return run([*COMMAND, *words], home)


def measure_baselines(place: Place, parameters: Path, rounds: int, cases: list[str]) -> None:
    """Run the listing and the baselines in turns, and print their medians and ratios."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(serving_postgres()) if "postgresql" in cases else None
        for number in range(-1, rounds):
            for name, cost in measure_turn(place, parameters, server):
                # The first turn warms up.
                costs[name] += [cost] if number >= 0 else []
    print(f"{place.users:,} users, medians of {rounds} rounds")
    print(f"{'':12} {'wall s':>8} {'cpu s':>8} {'MB':>6} {'ratio':>6}")
    bare = [cost.wall for cost in costs["listing"]]
    for name, some in costs.items():
        ratios = [cost.wall / base for cost, base in zip(some, bare, strict=True)]
        wall, cpu, memory = (statistics.median(values) for values in zip(*some, strict=True))
        print(f"{name:12} {wall:8.2f} {cpu:8.2f} {memory:6.0f} {statistics.median(ratios):6.2f}")


def measure_turn(
    place: Place, parameters: Path, server: PostgresServer | None
) -> Iterator[tuple[str, Cost]]:
    """The listing, a baseline into each kind of store, and a sync without a change."""
    home = place.home("graphdaemon")
    database = home / "graphdaemon.db"
    yield "listing", list_users(parameters, home)
    yield "sqlite", sync_users(parameters, home, f"sqlite:{database}")
    yield "quiet", sync_users(parameters, home, f"sqlite:{database}")
    database.unlink()
    if server is not None:
        yield "postgresql", sync_users(parameters, home, server.make_schema())


@contextmanager
def serving_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own, until the end of the block."""
    programs = find_programs()
    if programs is None:
        sys.exit("PostgreSQL is not installed: leave out the case postgresql")
    server = PostgresServer(programs)
    try:
        yield server
    finally:
        server.remove()


async def measure_quiet_round(parameters: Path, store: str, rounds: int) -> float:
    """Seconds of CPU that a round without a change takes in a process that has done one."""
    async with graphdaemon.load(parameters) as client:
        tenant = Tenant("bench", "bench")
        root = client.settings.graph_root
        users = Selected(STORED_COLLECTIONS["users"], ("id", *SELECT.split(",")))
        costs = []
        async with open_session(
            client.graph, root, tenant, SyncOptions(), lambda: open_store(store)
        ) as session:
            for _ in range(rounds + 2):
                began = time.process_time()
                _, failures = await sync_collections(session, tenant, [users], named=True)
                costs.append(time.process_time() - began)
                assert not failures, failures[0]
    return statistics.median(costs[2:])


def measure_changes(changes: int, rounds: int) -> None:
    """Change so many users in a pretend tenant, and sync; print the median."""
    with tempfile.TemporaryDirectory(prefix="graphdaemon-bench-") as folder, tenant(changes) as it:
        home, (settings, change) = Path(folder), it
        users = home / "users.ndjson"
        parameters = home / "parameters.json"
        parameters.write_text(json.dumps(settings))
        parameters.chmod(0o600)
        store = f"sqlite:{home / 'graphdaemon.db'}"
        words = [*COMMAND, "sync", str(parameters), "users", "--store", store]
        run(words, home)
        run([*COMMAND, "users", str(parameters), "--output", str(users)], home)
        costs = []
        for _ in range(rounds):
            change(users)
            costs.append(run([*words, "--json"], home))
        wall, cpu, memory = (statistics.median(values) for values in zip(*costs, strict=True))
        print(f"a round of {changes:,} changes: {wall:.2f} s, {cpu:.2f} s CPU, {memory:.0f} MB")


@contextmanager
def tenant(users: int) -> Iterator[tuple[dict[str, object], Callable[[Path], None]]]:
    """A pretend tenant: a settings file's content, and what changes the users in a file."""
    command = [sys.executable, "-c", TENANT, str(users)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        reading, writing = process.stdout, process.stdin

        def change(file: Path) -> None:
            writing.write(f"{file}\n")
            writing.flush()
            assert reading.readline() == "changed\n"

        try:
            yield json.loads(reading.readline()), change
        finally:
            writing.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="What a sync costs beside the bare listing.")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds for each answer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    cases = options.cases or ["baseline", "postgresql", "changes"]
    if set(cases) != {"changes"}:
        folder = Path(tempfile.mkdtemp(prefix="graphdaemon-bench-"))
        try:
            with serving(options.users, latency=options.latency) as (port, process):
                place = Place(port, process, DATA, folder, options.users)
                home = place.home("graphdaemon")
                home.mkdir()
                parameters = place.parameters(home, cached=False)
                measure_baselines(place, parameters, options.rounds, cases)
                seconds = asyncio.run(measure_quiet_round(parameters, f"sqlite:{home}/own.db", 9))
                print(f"a round without a change, in a process: {seconds * 1000:.1f} ms CPU")
        finally:
            shutil.rmtree(folder)
    if "changes" in cases:
        measure_changes(options.changes, options.rounds)


if __name__ == "__main__":
    main()
