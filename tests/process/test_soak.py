"""
A daemon that follows a living directory while requests fail: nothing is lost, nothing grows.

`make soak` does it for an hour, `make soak-short` for two minutes; here it is a fixed number of
changes and faults.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator_probe import running
from tests.support.soak import Soak, open_soak, soak_for
from tests.support.sync_scene import open_sync_scene

SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
SEED = int(os.environ.get("LISTING_SEED", "0"))
ROUNDS = 8
CHANGES = 15
RATE = 3.0
# A directory of 40 people is rebuilt every few seconds; what the allocator keeps of that goes up
# and down by some megabytes.
GROWTH = 16_000_000

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM and no /proc")


@pytest.fixture
def soak(keys: Path, tmp_path: Path) -> Iterator[Soak]:
    with (
        running(keys, tmp_path / "data", users=40) as probe,
        open_sync_scene(probe, tmp_path, tenant=probe.emulator.tenant) as scene,
        open_soak(scene, SEED) as soak,
    ):
        yield soak


def test_nothing_is_lost_and_nothing_grows(soak: Soak) -> None:
    """The store ends as the directory; memory is flat; the log has what the faults explain."""
    if SECONDS:
        soak_for(soak, SECONDS, RATE)
    else:
        for number in range(ROUNDS):
            soak.scene.probe.emulator.life.step(CHANGES)
            soak.live_for_a_round(number)
    soak.end_in_step()
    soak.stop()

    unexpected = soak.unexpected()
    assert not unexpected, "\n".join(map(str, unexpected))
    assert soak.lines[-1]["event"] == "stopped"
    assert soak.growth() < GROWTH
