"""
Every recorded interaction with the real Graph, beside the emulator's answer in the same situation.

What cannot agree is listed in ``tools/fidelity.toml`` with its reason, and shown to differ: an entry
that is no longer needed fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from graphdaemon.emulator.server import Emulator
from tests.emulator.probe import Probe
from tests.emulator.replay import Recording, Stage, load
from tools.fidelity import graph_deviations

SCENARIOS = {
    source.rpartition("/")[2].removesuffix(".yaml"): list(steps)
    for source, steps in groupby(
        load("azure-cli-role-sequences.jsonl"), key=lambda one: str(one.entry["source"])
    )
}
SINGLES = load("azure-cli.jsonl")
TENANT = "54826b22-38d6-4fb2-bad9-b7b93a3e9c5a"

DEVIATIONS = {row.situation: row.reason for row in graph_deviations()}


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    with Emulator(users=5) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()


@pytest.fixture(scope="module")
def raise_curtain(probe: Probe, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Stage]:
    """A stage that nothing has happened on yet."""
    stage = Stage(probe, TENANT)
    path = tmp_path_factory.mktemp("stage") / "empty.sqlite"
    probe.emulator.directory.backup(path)

    def restore() -> Stage:
        probe.emulator.directory.restore(path)
        stage.known.clear()
        return stage

    return restore


@pytest.mark.skipif(not SCENARIOS, reason="the recordings are not beside this checkout")
@pytest.mark.parametrize("name", SCENARIOS)
def test_recorded_scenario(raise_curtain: Callable[[], Stage], name: str) -> None:
    """A recorded scenario goes the same way from its first request to its last."""
    stage = raise_curtain()
    found = [(step.name, step.situation, stage.play(step.entry)) for step in SCENARIOS[name]]

    surprising = [row for row in found if row[2] and row[1] not in DEVIATIONS]
    assert surprising == []


@pytest.mark.skipif(not SINGLES, reason="the recordings are not beside this checkout")
@pytest.mark.parametrize("recording", SINGLES, ids=lambda one: f"{one.name} {one.situation}")
def test_recorded_interaction(raise_curtain: Callable[[], Stage], recording: Recording) -> None:
    """The emulator answers as recorded, or differs for a reason that is written down."""
    found = raise_curtain().play(recording.entry)

    if recording.situation not in DEVIATIONS:
        assert found == []
