"""
Recorded interactions with the real Graph, beside the emulator's answers in the same situation.

What cannot agree is listed in ``tools/fidelity.toml`` with its reason; one that explains nothing
any more fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe
from tests.support.recording_replay import Recording, Stage, load
from tools.fidelity import GRAPH_RECORDED as GRAPH
from tools.fidelity import graph_deviations

SCENARIOS = {
    source.rpartition("/")[2].removesuffix(".yaml"): list(steps)
    for source, steps in groupby(
        load("azure-cli-role-sequences.jsonl"), key=lambda one: str(one.entry["source"])
    )
}
SINGLES = load("azure-cli.jsonl")
TENANT = "54826b22-38d6-4fb2-bad9-b7b93a3e9c5a"

DEVIATIONS = graph_deviations()


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    with Emulator(users=5, rules=2024) as emulator:
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
        stage.sent.clear()
        return stage

    return restore


def surprises(recording: Recording, differences: list[str]) -> list[str]:
    """The differences that no listed reason explains."""
    told = [f"{recording.situation}: {difference}" for difference in differences]
    return [one for one in told if not any(re.search(row.situation, one) for row in DEVIATIONS)]


@pytest.mark.skipif(not SCENARIOS, reason="the recordings are not beside this checkout")
@pytest.mark.parametrize("name", SCENARIOS)
def test_recorded_scenario(raise_curtain: Callable[[], Stage], name: str) -> None:
    """A recorded scenario goes the same way from its first request to its last."""
    stage = raise_curtain()
    found = [(step.name, surprises(step, stage.play(step.entry))) for step in SCENARIOS[name]]

    assert [row for row in found if row[1]] == []


@pytest.mark.skipif(not SINGLES, reason="the recordings are not beside this checkout")
@pytest.mark.parametrize("recording", SINGLES, ids=lambda one: f"{one.name} {one.situation}")
def test_recorded_interaction(raise_curtain: Callable[[], Stage], recording: Recording) -> None:
    """The emulator answers as recorded, or differs for a reason that is written down."""
    assert surprises(recording, raise_curtain().play(recording.entry)) == []


@pytest.mark.skipif(not SINGLES, reason="the recordings are not beside this checkout")
def test_share_that_agrees(raise_curtain: Callable[[], Stage]) -> None:
    """As many recordings agree wholly as is said, and every reason explains a difference."""
    told: list[list[str]] = []
    for steps in (*SCENARIOS.values(), *([one] for one in SINGLES)):
        stage = raise_curtain()
        told += [[f"{o.situation}: {d}" for d in stage.play(o.entry)] for o in steps]
    everything = [line for lines in told for line in lines]

    assert (len(told), sum(bool(lines) for lines in told)) == (GRAPH["answers"], GRAPH["differ"])
    needless = [r for r in DEVIATIONS if not any(re.search(r.situation, o) for o in everything)]
    assert needless == []
