"""
What it costs to keep many small tenants in step, and how late any of them is.

    .venv/bin/python -m bench.daemon [--tenants N] [--every SECONDS] [--intervals N] [CASE ...]

Cases: one (one process, all tenants), two (two processes on one PostgreSQL share them), killed (one
of the two is killed: how long until the other has brought every tenant into step), idle (one
tenant, and nothing to do). By default all. Needs Debian's package postgresql.

Every tenant has five users and an app of its own, all in one pretend tenant's process, which is not
counted. --every is 300 in earnest; a shorter one takes less of your time, costs a multiple of the
CPU, and leaves each tenant less time, so that what is not late then is not late at 300 either. CPU
is user and system time of the daemon, memory the highest resident size.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from entra_emulator.server.emulator import Emulator
from graphdaemon.store.leases import Lease, read_leases
from graphdaemon.store.store import Store, open_store
from tests.support.emulator_probe import Probe
from tests.support.postgres_server import PostgresServer, find_programs
from tests.support.run_command import clean_environment
from tests.support.tenant_folder import TenantFolder, open_tenant_folder

USERS = 5
CASES = ("one", "two", "killed", "idle")
TICKS = os.sysconf("SC_CLK_TCK")
IDLE_S = 120.0
_LOOK_S = 0.5


class Daemons:
    """Daemons over one folder and one store."""

    def __init__(self, folder: TenantFolder, url: str, every: float) -> None:
        self._arguments = ("--tenants", str(folder.path), "users", "--store", url)
        self._every = every
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start one more."""
        command = [sys.executable, "-m", "graphdaemon", "run", *self._arguments]
        self.processes.append(
            subprocess.Popen(
                [*command, "--every", f"{self._every:g}s", "--quiet"], env=clean_environment()
            )
        )

    def cpu(self) -> list[float]:
        """Seconds that each has used."""
        return [read_cpu(process.pid) for process in self.processes]

    def memory(self) -> list[int]:
        """The highest resident size of each, in bytes."""
        return [read_peak(process.pid) for process in self.processes]

    def stop(self) -> None:
        """End all."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)


def read_cpu(pid: int) -> float:
    """User and system time in seconds (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def read_peak(pid: int) -> int:
    """The highest resident size in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def ages(leases: Sequence[Lease]) -> list[float]:
    """Seconds since each was brought into step; endless for never."""
    now = dt.datetime.now(dt.UTC)
    return [
        (now - dt.datetime.fromisoformat(one.succeeded)).total_seconds()
        if one.succeeded
        else float("inf")
        for one in leases
    ]


def wait_for_all(store: Store, count: int, since: dt.datetime) -> float:
    """Wait until that many tenants were brought into step after `since`; return the seconds."""
    begin = time.monotonic()
    while True:
        done = [
            one
            for one in read_leases(store)
            if one.succeeded and dt.datetime.fromisoformat(one.succeeded) > since
        ]
        if len(done) >= count:
            return time.monotonic() - begin
        time.sleep(_LOOK_S)


def watch(store: Store, daemons: Daemons, every: float, intervals: int, count: int) -> None:
    """Look for so many intervals, and say what it cost and how late the latest tenant was."""
    before, begin, oldest = daemons.cpu(), time.monotonic(), 0.0
    held: set[tuple[str, str]] = set()
    while time.monotonic() - begin < intervals * every:
        leases = read_leases(store)
        assert len(leases) == count, f"{len(leases)} of {count} tenants have a lease"
        oldest = max(oldest, *ages(leases))
        held |= {(one.tenant, one.holder) for one in leases if one.holder}
        time.sleep(_LOOK_S)
    seconds = time.monotonic() - begin
    spent = [after - start for start, after in zip(before, daemons.cpu(), strict=True)]
    for number, (cpu, memory) in enumerate(zip(spent, daemons.memory(), strict=True), 1):
        print(
            f"  process {number}: {cpu / seconds:.1%} of a core at {every:g} s "
            f"({cpu / seconds * every / 300:.2%} at 300 s), {memory / 1e6:.0f} MB"
        )
    late = oldest - every
    print(f"  the oldest was {oldest:.1f} s: {late:+.1f} s, {late / every:+.2f} intervals late")


@contextmanager
def fleet(count: int) -> Iterator[TenantFolder]:
    """So many tenants with their settings files."""
    with Emulator(users=1) as emulator, tempfile.TemporaryDirectory() as place:
        probe = Probe(emulator)
        folder = open_tenant_folder(probe, Path(place) / "tenants")
        for number in range(count):
            folder.add(f"tenant{number:03}", users=USERS)
        yield folder
        probe.close()


def measure_sharing(
    folder: TenantFolder, server: PostgresServer, options: argparse.Namespace
) -> None:
    """Measure one process, two, and one that is left."""
    count, every = options.tenants, float(options.every)
    url = server.make_schema()
    daemons = Daemons(folder, url, every)
    try:
        began = dt.datetime.now(dt.UTC)
        daemons.start()
        with open_store_when_made(url) as store:
            first = wait_for_all(store, count, began)
            print(f"{count} tenants, every {every:g} s; the first sync of all took {first:.1f} s")
            if "one" in options.case:
                print("one process:")
                watch(store, daemons, every, options.intervals, count)
            if {"two", "killed"} & set(options.case):
                daemons.start()
                wait_for_all(store, count, dt.datetime.now(dt.UTC))
            if "two" in options.case:
                print("two processes:")
                watch(store, daemons, every, options.intervals, count)
            if "killed" in options.case:
                daemons.processes.pop(0).kill()
                taken = wait_for_all(store, count, dt.datetime.now(dt.UTC))
                oldest = max(ages(read_leases(store)))
                print(
                    f"one of the two killed: all were in step again {taken:.1f} s later, "
                    f"{taken / every:.2f} intervals; then the oldest was {oldest:.1f} s"
                )
    finally:
        daemons.stop()


def measure_idle(folder: TenantFolder) -> None:
    """Measure one tenant whose next sync is an hour away."""
    one = TenantFolder(folder.probe, folder.path.parent / "idle")
    one.path.mkdir()
    name = min(folder.tenants)
    one.write(f"{name}.json", json.loads((folder.path / f"{name}.json").read_text()))
    url = f"sqlite:{folder.path.parent}/idle.db"
    daemons = Daemons(one, url, 3600)
    try:
        daemons.start()
        time.sleep(10)
        (before,) = daemons.cpu()
        time.sleep(IDLE_S)
        (after,) = daemons.cpu()
        (memory,) = daemons.memory()
        print(
            f"idle: {(after - before) / IDLE_S:.3%} of a core over {IDLE_S:g} s, "
            f"{memory / 1e6:.0f} MB"
        )
    finally:
        daemons.stop()


@contextmanager
def open_store_when_made(url: str) -> Iterator[Store]:
    """Open the store that a daemon makes."""
    time.sleep(3)
    with open_store(url) as store:
        yield store


def main() -> None:
    """Measure what the command line asks for."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("case", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--every", type=float, default=300)
    parser.add_argument("--intervals", type=int, default=2)
    options = parser.parse_args()
    options.case = options.case or list(CASES)
    programs = find_programs()
    if programs is None:
        sys.exit("There is no PostgreSQL: install Debian's package postgresql.")
    with fleet(options.tenants) as folder, ExitStack() as stack:
        if set(options.case) - {"idle"}:
            server = PostgresServer(programs)
            stack.callback(server.remove)
            measure_sharing(folder, server, options)
        if "idle" in options.case:
            measure_idle(folder)


if __name__ == "__main__":
    main()
