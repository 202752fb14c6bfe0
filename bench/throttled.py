"""
What a listing costs where the throttle budget binds: the real command, the pretend tenant's limits.

    .venv/bin/python bench/throttled.py [--users N] [--seconds S] [--data FOLDER] [CASE ...]
    .venv/bin/python bench/throttled.py --users 100000 --seconds 36 first learnt chain

Cases: first (one command that never listed it before), learnt (again, with what that one learnt),
chain (--method chain), which say how many resource units and seconds a listing takes; alone (one
command), file (two that share a budget_file), redis (two that share a Redis server, if one is
installed), strangers (two that share nothing), untold and untold-strangers (the service does not
say how full the bucket is); all of them by default. The
documented limit of a large tenant, 8,000 units in ten seconds, is more than this machine's emulator
and command can use up together: it is scaled so that the listings take about S seconds, and the
scale is printed. The command is never told.

What was allowed is one full bucket and what it lost until the last request. What was used is what
the emulator let through. Refused twice in a row is a request that was refused again at once, as the
command's own warnings tell it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.seed import choose_sizes

LIMIT, WINDOW = 8_000, 10
PAGE, COST = 999, 1

# The server notes each charge: when, for how many units, and whether it was let through.
SERVER = """
import json, sys
from pathlib import Path
from entra_emulator.server.emulator import Emulator
noted = []
limits = {"throttle_size": "L", "throttle_scale": float(sys.argv[2]), "port": int(sys.argv[4])}
with Emulator(data=Path(sys.argv[1]), **limits) as it:
    charge = it.throttle.charge
    def note(*who, **about):
        found = charge(*who, **about)
        noted.append([it.clock.now(), who[2], found.ok])
        return found._replace(load=0.0) if sys.argv[3] == "untold" else found
    it.throttle.charge = note
    app = it.add_application("bench", ["User.Read.All"])
    print(json.dumps(app.parameters), flush=True)
    sys.stdin.read()
    print(json.dumps([noted, sum(count.early for count in it.throttle.counts())]))
"""

_AGAIN = re.compile(r"throttled; attempt (\d+) of")


class Case(NamedTuple):
    """How many commands run at once, what they share, whether they are told how full it is."""

    commands: int
    share: str = ""
    told: bool = True
    options: tuple[str, ...] = ()
    learnt: bool = False


CASES = {
    "first": Case(1),
    "learnt": Case(1, learnt=True),
    "chain": Case(1, options=("--method", "chain")),
    "alone": Case(1),
    "file": Case(2, "file"),
    "redis": Case(2, "redis"),
    "strangers": Case(2),
    "untold": Case(1, told=False),
    "untold-strangers": Case(2, told=False),
}


class Server:
    """The pretend tenant in a process of its own; after ``close`` what it charged for."""

    def __init__(self, data: Path, scale: float, *, told: bool, port: int | None = None) -> None:
        words = [str(data), str(scale), "told" if told else "untold", str(port or 0)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.settings: dict[str, Any] = json.loads(self._process.stdout.readline())

    def close(self) -> tuple[list[tuple[float, int, bool]], int]:
        """End it; return its notes, and how many requests came before they should."""
        out, _ = self._process.communicate("")
        noted, early = json.loads(out)
        return noted, early


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    words = f"redis-server --port {port} --bind 127.0.0.1 --appendonly no --save".split()
    process = subprocess.Popen([*words, "", "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


class Run(NamedTuple):
    """What one command did."""

    seconds: float
    record: dict[str, Any]
    again: int


def run_commands(settings: dict[str, Any], case: Case, folder: Path) -> list[Run]:
    """Start all commands at once, and wait for them."""
    parameters = folder / "parameters.json"
    parameters.write_text(json.dumps(settings))
    parameters.chmod(0o600)
    started, running = time.perf_counter(), []
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    for number in range(case.commands):
        output, proof = folder / f"{number}.ndjson", folder / f"{number}.proof"
        words = ["users", str(parameters), "-o", str(output), "--proof", str(proof)]
        words += case.options
        log = (folder / f"{number}.log").open("w")
        command = [sys.executable, "-m", "graphdaemon", *words]
        running.append((subprocess.Popen(command, stderr=log, env=environment), proof, log))
    ended: dict[int, float] = {}
    while len(ended) < len(running):
        for number, (process, _, _) in enumerate(running):
            if number not in ended and process.poll() is not None:
                ended[number] = time.perf_counter() - started
        time.sleep(0.02)
    return [read_run(ended[number], *one) for number, one in enumerate(running)]


def read_run(seconds: float, process: subprocess.Popen[bytes], proof: Path, log: Any) -> Run:
    """What one command said about itself."""
    log.close()
    talk = Path(log.name).read_text()
    assert process.returncode == 0, talk
    again = sum(int(number) > 2 for number in _AGAIN.findall(talk))
    return Run(seconds, json.loads(proof.read_text()), again)


def measure(name: str, data: Path, users: int, scale: float) -> dict[str, Any]:
    """Run one case; what of the budget was used while all of its commands ran."""
    case = CASES[name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="graphdaemon-bench-")))
        server = Server(data, scale, told=case.told)
        settings = server.settings
        if case.share == "file":
            settings["budget_file"] = str(folder / "budget")
        elif case.share == "redis":
            settings["budget_url"] = stack.enter_context(redis_server(folder))
        if case.learnt:
            run_commands(settings, case, folder)
            server.close()
            # A plan is kept by the address: the second one has the port of the first.
            server = Server(data, scale, told=case.told, port=urlsplit(settings["endpoint"]).port)
            settings = server.settings
        runs = run_commands(settings, case, folder)
        noted, early = server.close()
    return summarize(name, runs, noted, early, scale) | {
        "lost": sum(users - run.record["records"] for run in runs)
    }


def summarize(
    name: str,
    runs: list[Run],
    noted: list[tuple[float, int, bool]],
    early: int,
    scale: float,
) -> dict[str, Any]:
    limit = LIMIT * scale
    began = noted[0][0]
    # While all ran: whoever is alone at the end may be held up by nothing but its own replay.
    end = began + min(run.seconds for run in runs)
    together = [one for one in noted if one[0] <= end]
    allowed = limit + limit / WINDOW * (together[-1][0] - began)
    used = sum(units for _, units, ok in together if ok)
    return {
        "case": name,
        "seconds": [round(run.seconds, 1) for run in runs],
        "used": round(used / allowed, 3),
        "refused": sum(not ok for _, _, ok in noted),
        "early": early,
        "twice_in_a_row": sum(run.again for run in runs),
        "verdicts": [run.record["verdict"] for run in runs],
        "units": [run.record["units"] for run in runs],
        "pages": [run.record["pages"] for run in runs],
        "methods": [run.record["method"] for run in runs],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--data", type=Path)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    options = parser.parse_args()
    folder = options.data or Path(tempfile.mkdtemp(prefix="graphdaemon-bench-"))
    try:
        if not (folder / STORE).exists():
            fill_folder(folder, choose_sizes(options.users, 0, 0))
        for name in options.cases:
            units = options.users / PAGE * COST * CASES[name].commands
            scale = round(units / (LIMIT * (1 + options.seconds / WINDOW)), 4)
            print(
                f"{name}: {LIMIT * scale:,.0f} units in {WINDOW} s, {scale} of the documented limit"
            )
            print(json.dumps(measure(name, folder, options.users, scale)), flush=True)
    finally:
        if options.data is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
