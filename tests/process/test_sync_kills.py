"""
`graphdaemon sync`, killed at any instant and run again: the store is the directory.

SYNC_KILLS=500 kills as often; LISTING_SEED draws other instants and another life.
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

from graphdaemon.sync.feed_file import FileFeed
from graphdaemon.sync.guard import Allowance
from tests.support.emulator_probe import Probe
from tests.support.run_command import clean_environment
from tests.support.sync_life import MEMBERS, USERS, SyncLife
from tests.support.sync_scene import SyncScene, open_sync_scene

KILLS = int(os.environ.get("SYNC_KILLS", "30"))
SEED = int(os.environ.get("LISTING_SEED", "0"))

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]


@dataclass
class Kills:
    """
    Syncs of one directory by processes that are killed.

    Attributes:
        ended: How often a process ended how.
    """

    scene: SyncScene
    life: SyncLife
    draws: random.Random
    ended: Counter[str] = field(default_factory=Counter)

    def kill_one(self) -> None:
        """Start a sync, and kill it at some instant, which may be that of its commit."""
        self.scene.probe.emulator.audit.clear()
        process = self._start()
        self._wait(process)
        process.kill()
        _, errors = process.communicate(timeout=120)
        how = {-signal.SIGKILL: "killed", 0: "done"}.get(process.returncode, "failed")
        assert how != "failed" or b"Traceback" not in errors, errors.decode()
        self.ended[how] += 1

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = ["sync", "parameters.json", USERS, MEMBERS, "--allow-deletes", "100%"]
        arguments += ["--select", f"users={','.join(self.scene.selected[USERS])}"]
        arguments += ["--feed", "changes.ndjson", "--store", self.scene.url]
        arguments += ["--reconcile"] if self.draws.random() < 0.2 else []
        return subprocess.Popen(
            [sys.executable, "-m", "graphdaemon", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.scene.folder,
            env=clean_environment(),
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """For some requests, and then for a moment: most of what it does lies between those."""
        audit = self.scene.probe.emulator.audit
        most = self.draws.choice((1, 2, 3, 3, 4, 4, 5, 6, 9))
        while process.poll() is None and len(audit.entries()) < most:
            time.sleep(0.0005)
        time.sleep(self.draws.choice((0, 0, self.draws.uniform(0, 0.03))))


@pytest.fixture
def kills(small_pages: Probe, tmp_path: Path) -> Iterator[Kills]:
    sys.stdout.write(f"LISTING_SEED={SEED}\n")
    draws = random.Random(SEED)
    with open_sync_scene(small_pages, tmp_path) as scene:
        scene.write_parameters()
        life = SyncLife(scene, draws)
        life.begin()
        yield Kills(scene, life, draws)


def read_feed(path: Path) -> dict[str, list[int]]:
    """The sequence numbers that were told, by collection; every line is whole."""
    told: dict[str, list[int]] = {}
    for line in path.read_bytes().splitlines():
        event = json.loads(line)
        told.setdefault(event["collection"], []).append(event["sequence"])
    return told


def test_a_sync_killed_again_and_again_leaves_the_store_in_step(kills: Kills) -> None:
    """After each recovery both hold the same, the history too, and the feed has told all of it."""
    scene, life, left = kills.scene, kills.life, KILLS
    while left:
        for _ in range(min(left, kills.draws.randint(1, 4))):
            for _ in range(kills.draws.randint(0, 6)):
                life.edit()
            if kills.draws.random() < 0.3:
                life.choose_select()
            if kills.draws.random() < 0.3:
                life.disturb(2)
            if kills.draws.random() < 0.1:
                life.jump()
            kills.kill_one()
            left -= 1
        life.calm()
        lossy, life.lossy = life.lossy, False
        feed = FileFeed(scene.folder / "changes.ndjson")
        everything = Allowance(percent=100)
        scene.sync_all(USERS, MEMBERS, feed=feed, reconcile=lossy, allowance=everything)
        life.assert_in_step()
        life.note_moment()
        life.assert_history()

    for name in (USERS, MEMBERS):
        sequences = [
            sequence
            for (sequence,) in scene.query(
                "SELECT sequence FROM changes WHERE collection = :name ORDER BY sequence", name=name
            )
        ]
        assert sequences == list(range(1, len(sequences) + 1)), "without gaps"
        told = read_feed(scene.folder / "changes.ndjson").get(name, [])
        assert list(dict.fromkeys(told)) == sequences, "at least once, in order"
    sys.stdout.write(f"{dict(kills.ended)}\n")
    assert kills.ended["killed"] >= KILLS // 5
