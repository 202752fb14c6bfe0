"""
The command, killed at any instant and run again: its file is exact, or is not there yet.

LISTING_KILLS=1000 kills as often; LISTING_SEED draws other instants.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.pretend_graph import PretendGraph, Record, Weather
from tests.support.pretend_graph_server import serving
from tests.support.run_command import clean_environment
from tests.support.scripted_server import ScriptedServer

KILLS = int(os.environ.get("LISTING_KILLS", "14"))
SEED = int(os.environ.get("LISTING_SEED", "0"))
PEOPLE = 800

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]


def make_world(change: float) -> PretendGraph:
    draws = random.Random(SEED)
    people = [
        {"userPrincipalName": f"{draws.choice('abcxyz')}{at}", "displayName": f"N{at}"}
        for at in range(PEOPLE)
    ]
    weather = Weather(change=change, expired=0.02, short=0.05, throttled=0.01)
    world = PretendGraph(people, seed=SEED, weather=weather, delta_page=20)
    world.page_size = 20
    world.make = lambda draws, _: {"userPrincipalName": f"m{draws.random()}", "displayName": "M"}
    return world


@dataclass
class Run:
    """
    One listing, by as many processes as it takes.

    Attributes:
        killed: How often it ended how.
        resumed: Listings that went on with records of an earlier process.
        left: Files beside the output that were found at an end.
    """

    world: PretendGraph
    server: ScriptedServer
    folder: Path
    draws: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    left: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Path:
        return self.folder / "users.journal"

    @property
    def proof(self) -> Path:
        return self.folder / "proof.json"

    def start(self, output: Path) -> subprocess.Popen[bytes]:
        arguments = ["list", "users", "parameters.json", "-o", output.name, "--chains", "4"]
        arguments += ["--resume", self.journal.name, "--proof", self.proof.name]
        return subprocess.Popen(
            [sys.executable, "-m", "graphdaemon", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=clean_environment(),
        )

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """For any instant of its life, or one of its last moments."""
        if self.draws.random() < 0.5:
            _wait(process, self.draws.uniform(0, 2))
            return
        before = len(self.server.requests)
        pages = self.draws.choice((1, 10, 30, 50, None, None))
        while process.poll() is None:
            news = [one.target for one in self.server.requests[before:]]
            ends = sum("deltatoken" in one for one in news) > 1
            if ends if pages is None else len(news) >= pages:
                break
            time.sleep(0.001)
        _wait(process, self.draws.uniform(0, 0.1))

    def stop(self, process: subprocess.Popen[bytes]) -> str:
        """Kill it, or interrupt it, and return the stage that was met."""
        kind = signal.SIGINT if self.draws.random() < 0.1 else signal.SIGKILL
        process.send_signal(kind)
        _, errors = process.communicate(timeout=300)
        if process.returncode == 0:
            return "ended"
        # 1: Python itself was interrupted before the program had begun.
        assert process.returncode in (-signal.SIGKILL, -signal.SIGINT, 130, 1), errors.decode()
        return "interrupted" if kind == signal.SIGINT else "killed"

    def list_until_it_ends(self, output: Path, kills: int) -> int:
        """Run it again until it ends by itself, or its file is there; return kills left."""
        while True:
            process = self.start(output)
            if kills:
                self.wait(process)
                kills -= 1
                how = self.stop(process)
            else:
                _, errors = process.communicate(timeout=300)
                assert process.returncode == 0, errors.decode()
                how = "ended"
            in_place = output.exists()
            self.killed[f"{how}, {'file there' if in_place else 'no file'}"] += 1
            if in_place:
                return kills
            assert how != "ended"


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def read_file(output: Path) -> dict[str, Record]:
    text = output.read_bytes()
    records = json.loads(text) if output.suffix == ".json" else map(json.loads, text.splitlines())
    listed = [*(records["value"] if isinstance(records, dict) else records)]
    by_id = {record["id"]: record for record in listed}
    assert len(by_id) == len(listed), "no record twice"
    return by_id


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Run]:
    sys.stdout.write(f"LISTING_SEED={SEED}\n")
    world = make_world(request.param)
    with serving(world, latency=0.06) as server:
        server.write_parameters(tmp_path)
        yield Run(world, server, tmp_path, random.Random(f"{SEED} {request.param}"))


@pytest.mark.parametrize("run", [0.0, 0.1], indirect=True, ids=["quiet", "changing"])
def test_a_command_killed_again_and_again_leaves_an_exact_file(run: Run) -> None:
    """Every record once, as the directory was at the end, however often it was killed."""
    kills, listings = KILLS // 2, 0
    while kills:
        output = run.folder / run.draws.choice(("users.ndjson", "users.ndjson", "users.json"))
        kills = run.list_until_it_ends(output, kills)

        listings += 1
        assert read_file(output) == run.world.shown(directory=run.world.at_last_delta)
        output.unlink()
        if run.proof.exists():
            run.resumed += "were kept from an earlier run" in run.proof.read_text()
            run.proof.unlink()
        # Killed between the two, it was not forgotten: the next run would go on from it.
        run.journal.unlink(missing_ok=True)
        run.left += [path.name for path in run.folder.iterdir() if path.name != "parameters.json"]

    summary = f"{listings} listings, {run.resumed} of them gone on with"
    sys.stdout.write(f"{summary}; {dict(run.killed)}; left: {run.left}\n")
    # Between the name it is made under and its own, a file can be left; it is a moment.
    assert len(run.left) <= 1 + KILLS // 50
