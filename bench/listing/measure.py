"""One run of one client, and many of many: interleaved, checked, and on a machine that is quiet."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.listing.clients import Client
from bench.listing.directory import find_ids
from bench.listing.place import Place

_LAUNCH = Path(__file__).with_name("launch.py")
_QUIET = 0.15
_LOOK_S = 0.25
# What this program itself needs for a run.
_LAUNCHING_S = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


class FailedRun(Exception):  # noqa: N818  it is the run that failed
    """A client that did not bring what it should."""


class Sample(NamedTuple):
    """
    What one run cost.

    Attributes:
        client: Whose it was.
        wall: Seconds until the process had ended.
        cpu: Seconds of CPU, user and system.
        rss: Megabytes of memory at the most.
        loop: Seconds of the loop alone, where a client tells them; else 0.
        tokens: How many it asked for.
        requests: How often it asked Graph.
        units: Resource units of Graph's throttle budget that this took.
        calibration: Milliseconds of a fixed piece of work beforehand: how fast the machine was.
        quiet: Whether others left the machine alone meanwhile.
    """

    client: str
    wall: float
    cpu: float
    rss: float
    loop: float
    tokens: int
    requests: int
    units: int
    calibration: float
    quiet: bool


class Bench(NamedTuple):
    """
    How to measure.

    Attributes:
        rounds: How often.
        pinned: Clients have the first core to themselves, the server the second.
        patience: Seconds to wait for others to leave the machine alone.
    """

    rounds: int
    pinned: bool
    patience: float

    @property
    def server_cpu(self) -> int | None:
        """The server's core."""
        return 1 if self.pinned else None


class Outcome(NamedTuple):
    """
    What came of running clients against one server.

    Attributes:
        samples: Every run that counts.
        absent: Who is not among them, and why.
    """

    samples: list[Sample]
    absent: dict[str, str]


def run_rounds(
    bench: Bench, place: Place, clients: Sequence[Client], everybody: set[bytes]
) -> Outcome:
    """Run every client once to warm up, and then as often as asked, in turns."""
    samples = []
    absent: dict[str, str] = {}
    for number in range(-1, bench.rounds):
        # In turns, so that a busy moment touches all alike; each begins a round once.
        first = number % len(clients)
        for client in (*clients[first:], *clients[:first]):
            if client.name in absent or (client.once and number != 0):
                continue
            try:
                sample = run_once(bench, place, client, everybody)
            except FailedRun as failure:
                absent[client.name] = str(failure)
                print(f"  {client.name}: {failure}", file=sys.stderr, flush=True)
            else:
                print(f"  {_describe(number, sample)}", file=sys.stderr, flush=True)
                samples += [sample] if number >= 0 else []
    return Outcome([one for one in samples if one.client not in absent], absent)


def run_once(bench: Bench, place: Place, client: Client, everybody: set[bytes]) -> Sample:
    """Run one client, and check that it has brought everybody."""
    if client.fresh:
        place.forget(client.name)
    is_begun = place.home(client.name).exists()
    home = place.home(client.name)
    home.mkdir(exist_ok=True)
    for command in () if is_begun else client.before:
        _run(place, client, command(place, home))
    before = place.counts()
    _wait_for_quiet(bench.patience)
    calibration = calibrate(bench)
    began, busy, served = time.monotonic(), _read_busy(), _read_cpu(place.server)
    result, core = home / "cost.json", "0" if bench.pinned else "-"
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(result), core, str(home / "output")]
    said = _run(place, client, [*launch, *client.command(place, home)])
    cost = json.loads(result.read_text())
    others = _read_busy() - busy - (_read_cpu(place.server) - served) - cost["cpu"]
    quiet = others < _LAUNCHING_S + _QUIET * (time.monotonic() - began)
    if cost["status"]:
        raise FailedRun(f"exit code {cost['status']}: {_end_of(said)}")
    _check(client, home, everybody)
    after = place.counts()
    told = home / "loop"
    return Sample(
        client.name,
        cost["wall"],
        cost["cpu"],
        cost["rss"],
        float(told.read_text()) if told.exists() else 0.0,
        after["tokens"] - before["tokens"],
        after["requests"] - before["requests"],
        after["units"] - before["units"],
        calibration,
        quiet,
    )


def _run(place: Place, client: Client, command: Sequence[str]) -> str:
    """Run a command in its client's home; what it said."""
    done = subprocess.run(
        command,
        env=place.environment(place.home(client.name), bundle=client.bundle),
        cwd=place.home(client.name),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FailedRun(f"exit code {done.returncode}: {_end_of(done.stdout)}")
    return done.stdout


def _end_of(said: str) -> str:
    """The last thing that was said: of a traceback, the error."""
    return (said.strip().splitlines() or ["nothing was said"])[-1]


def calibrate(bench: Bench) -> float:
    """Milliseconds of CPU that a fixed loop takes: a shared machine changes its clock."""
    allowed = os.sched_getaffinity(0)
    if bench.pinned:
        os.sched_setaffinity(0, {0})
    try:
        return min(_time_loop() for _ in range(2)) * 1000
    finally:
        os.sched_setaffinity(0, allowed)


def _time_loop() -> float:
    began = time.process_time()
    total = 0
    for number in range(200_000):
        total += number * number
    return time.process_time() - began


def _check(client: Client, home: Path, everybody: set[bytes]) -> None:
    if not client.output:
        return
    path = home / client.output
    found = find_ids(path.read_bytes())
    if found != everybody:
        brought, others = len(found & everybody), len(found - everybody)
        raise FailedRun(f"it brought {brought} of {len(everybody)} users, and {others} others")
    path.unlink()
    proof = home / "proof.json"
    if proof.exists():
        verdict = json.loads(proof.read_text())["verdict"]
        if verdict != "complete":
            raise FailedRun(f"its own verdict was {verdict}")


def _wait_for_quiet(patience: float) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        before = _read_busy()
        time.sleep(_LOOK_S)
        if _read_busy() - before < _QUIET * _LOOK_S:
            return


def _read_busy() -> float:
    """Seconds of CPU that everybody has used, other machines on the same host included."""
    first, _, _ = Path("/proc/stat").read_text().partition("\n")
    user, nice, system, _idle, _wait, *rest = map(int, first.split()[1:])
    return (user + nice + system + sum(rest[:3])) / _TICKS


def _read_cpu(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _describe(number: int, sample: Sample) -> str:
    when = "warm-up" if number < 0 else f"round {number + 1}"
    loop = f" loop {sample.loop:.2f} s" if sample.loop else ""
    return (
        f"{when:8} {sample.client:32} {sample.wall:7.3f} s  cpu {sample.cpu:7.3f} s  "
        f"{sample.rss:6.1f} MB  {sample.requests:4} requests {sample.units:5} units "
        f"{sample.tokens} tokens  "
        f"clock {sample.calibration:.1f} ms{loop}{'' if sample.quiet else '  (others at work)'}"
    )


class Summary(NamedTuple):
    """
    The medians of a client's runs, the shortest time, and the most memory.

    Where others disturbed some runs and left alone at least two, only those are counted.
    """

    client: str
    wall: float
    best: float
    cpu: float
    rss: float
    loop: float
    units: float
    quiet: int
    runs: int


def summarize(samples: Iterable[Sample]) -> dict[str, Summary]:
    """One row for each client, by name."""
    by_client: dict[str, list[Sample]] = {}
    for sample in samples:
        by_client.setdefault(sample.client, []).append(sample)
    return {name: _summarize(name, runs) for name, runs in by_client.items()}


def _summarize(name: str, runs: Sequence[Sample]) -> Summary:
    quiet = [run for run in runs if run.quiet]
    counted = quiet if len(quiet) > 1 else runs
    return Summary(
        name,
        statistics.median(run.wall for run in counted),
        min(run.wall for run in runs),
        statistics.median(run.cpu for run in counted),
        max(run.rss for run in runs),
        statistics.median(run.loop for run in counted),
        statistics.median(run.units for run in counted),
        len(quiet),
        len(runs),
    )
