"""A daemon as a child process, a directory that lives, and requests that fail, for a long time."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entra_emulator.faults.fault import Fault
from graphdaemon.daemon.events import EVENTS
from graphdaemon.errors import CODES
from tests.support.run_command import clean_environment
from tests.support.sync_life import FAULTS
from tests.support.sync_scene import SyncScene, plain

COLLECTIONS = ("users", "groups", "groups/members")

# Of the token service, and of a service that is away for a while.
OUTAGES: tuple[dict[str, Any], ...] = (
    {"kind": "outage", "code": 90033},
    {"kind": "outage", "code": 90055, "retry_after": 1},
)
# What happens under these faults; the codes are those of failures that an attempt may end with.
EXPECTED_EVENTS = frozenset(
    "started ready synced unchanged failed recovered reloaded stopping stopped note".split()
)
EXPECTED_CODES = frozenset(
    "graph_unavailable throttled connection_lost page_malformed identity_unavailable "
    "listing_unproved".split()
)
# A request that is sent again: /v1.0/users/delta: throttled; attempt 2 of 5 in 0.9 s.
EXPECTED_NOTE = re.compile(r"; attempt \d of \d in [\d.]+ s$")

# No test waits so long unless something is wrong.
PATIENCE_S = 240.0
# Somebody whose failures are all told has nothing new to say: then the next fault is ordered.
_PACE_S = 5.0


@dataclass
class Soak:
    """
    The run, its log and its memory.

    Attributes:
        lines: What the daemon has written, each line read as JSON.
        resident: Its resident memory in bytes, sampled once a round.
    """

    scene: SyncScene
    process: subprocess.Popen[bytes]
    draws: random.Random
    lines: list[dict[str, Any]] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)
    is_over: bool = False

    def listen(self) -> None:
        """Read the log to its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(json.loads(line))
                self.heard.notify_all()
        with self.heard:
            self.is_over = True
            self.heard.notify_all()

    def live_for_a_round(self, number: int) -> None:
        """Order a fault, now and then read the settings again, and wait for some news."""
        fields = self.draws.choice(FAULTS + OUTAGES)
        route = None if fields["kind"] == "outage" else "*"
        self.scene.probe.emulator.faults.fail_next(
            self.draws.randint(1, 3), Fault(**fields), route=route, chance=0.5, seed=number
        )
        if number % 10 == 9:
            self.process.send_signal(signal.SIGHUP)
        self.wait_for_news(_PACE_S)
        self.resident.append(read_resident(self.process.pid))

    def wait_for_news(self, seconds: float, how: str | None = None) -> bool:
        """Wait until every collection was looked at once more; `how` says in which way."""
        with self.heard:
            begin = len(self.lines)

            def is_told() -> bool:
                new = self.lines[begin:]
                told = {one.get("collection") for one in new if how in (None, one.get("how"))}
                return told >= set(COLLECTIONS)

            self.heard.wait_for(lambda: self.is_over or is_told(), seconds)
            assert not self.is_over, f"the daemon ended: {self.lines[-5:]}"
            return is_told()

    def end_in_step(self) -> None:
        """Let nothing fail and nothing change; then the store holds what Graph lists."""
        self.scene.probe.emulator.life.stop()
        self.scene.probe.emulator.faults.clear()
        # What an event that was lost for ever had told is known by a comparison alone.
        assert self.wait_for_news(PATIENCE_S, "comparison"), self.lines[-20:]
        for name in COLLECTIONS:
            stored, listed = plain(self.scene.stored(name)), plain(self.scene.directory_now(name))
            shown = {
                key: value
                for key, value in stored.items()
                # Of members the delta tells those that are in the recycle bin, and a list does not.
                if "child" not in value or self._is_alive(value["child"])
            }
            differing = {key for key in shown.keys() | listed if shown.get(key) != listed.get(key)}
            assert not differing, {key: (shown.get(key), listed.get(key)) for key in differing}

    def _is_alive(self, key: str) -> bool:
        kinds = ("user", "group")
        objects, tenant = self.scene.directory.objects, self.scene.tenant
        return any(objects.find(tenant, key, kind=kind) is not None for kind in kinds)

    def stop(self) -> None:
        """Tell the daemon to end, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0

    def unexpected(self) -> list[dict[str, Any]]:
        """Lines that nothing here explains."""
        return [line for line in self.lines if not _is_expected(line)]

    def growth(self) -> int:
        """By how much the last quarter's memory is above the second's: the first warms up."""
        quarter = max(1, len(self.resident) // 4)
        return max(self.resident[-quarter:]) - max(self.resident[quarter : 2 * quarter])


def _is_expected(line: dict[str, Any]) -> bool:
    event = line["event"]
    assert event in EVENTS, line
    assert CODES.keys() >= EXPECTED_CODES, "each is a code"
    if event == "failed":
        return line["code"] in EXPECTED_CODES
    if event == "note" and line["level"] not in ("debug", "info"):
        return EXPECTED_NOTE.search(line["message"]) is not None
    return event in EXPECTED_EVENTS


def read_resident(pid: int) -> int:
    """The resident memory of a process, in bytes; 0 on a system that does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    import resource

    return int(pages) * resource.getpagesize()


@contextmanager
def open_soak(scene: SyncScene, seed: int) -> Iterator[Soak]:
    """A daemon that follows the scene's tenant, with a comparison every few seconds."""
    path = scene.write_parameters()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"reconcile_every": "10s"}))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "graphdaemon", "run", "parameters.json", *COLLECTIONS),
            *("--store", scene.url, "--every", "1s", "--log", "json", "--verbose"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=scene.folder,
        env=clean_environment(),
    )
    soak = Soak(scene, process, random.Random(seed))
    listener = threading.Thread(target=soak.listen)
    listener.start()
    try:
        assert soak.wait_for_news(PATIENCE_S), "the first sync"
        yield soak
    finally:
        process.kill()
        process.wait()
        listener.join()
        assert process.stderr is not None
        process.stderr.close()


def soak_for(soak: Soak, seconds: float, rate: float) -> None:
    """Let the directory live and fail for so long, at so many changes a second."""
    soak.scene.probe.emulator.life.start(rate)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        soak.live_for_a_round(number)
        number += 1
