"""Whatever happens to a directory and to the answers about it, the store ends in step with it."""

from __future__ import annotations

import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from graphdaemon.errors import Error
from graphdaemon.sync.guard import Allowance
from tests.support.emulator_probe import Probe
from tests.support.sync_life import MEMBERS, USERS, SyncLife
from tests.support.sync_scene import open_sync_scene

EVERYTHING = Allowance(percent=100)


class SyncMachine(RuleBasedStateMachine):
    """Edits, faults, other properties and jumps of the clock, with syncs between them."""

    probe: Probe

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._scene = self._stack.enter_context(open_sync_scene(self.probe, folder))
        # What fails fails at once: waiting for another attempt is not what is tried here.
        self._scene.attempts = 1

    @initialize(draws=strategies.randoms(use_true_random=False))
    def begin(self, draws: random.Random) -> None:
        self.life = SyncLife(self._scene, draws)
        self.life.begin()

    @rule(edits=strategies.integers(1, 8))
    def edit(self, edits: int) -> None:
        for _ in range(edits):
            self.life.edit()

    @rule()
    def disturb(self) -> None:
        self.life.disturb()

    @rule()
    def jump(self) -> None:
        self.life.jump()

    @rule()
    def choose_select(self) -> None:
        self.life.choose_select()

    @rule(reconcile=strategies.booleans())
    def sync(self, reconcile: bool) -> None:
        """With what was ordered: it may fail, and then nothing has changed."""
        scene = self._scene
        before = {name: scene.stored(name) for name in self.life.moments}
        for name in (USERS, MEMBERS):
            try:
                scene.sync_all(name, reconcile=reconcile, allowance=EVERYTHING)
            except Error:
                # A round that came before a reconciliation is committed by itself.
                if name in before and not reconcile:
                    assert scene.stored(name) == before[name]

    @rule()
    def recover(self) -> None:
        """Without faults the next sync succeeds, and both hold the same."""
        self.life.calm()
        lossy, self.life.lossy = self.life.lossy, False
        self._scene.sync_all(USERS, MEMBERS, reconcile=lossy, allowance=EVERYTHING)
        self.life.assert_in_step()
        self.life.note_moment()
        self.life.assert_history()

    def teardown(self) -> None:
        try:
            self.recover()
        finally:
            self._stack.close()


@pytest.mark.nightly
def test_the_store_ends_in_step_whatever_happens(small_pages: Probe) -> None:
    """A sync that fails changes nothing; one that succeeds leaves no difference, now or then."""
    machine = type("Machine", (SyncMachine,), {"probe": small_pages})
    # Each example is a tenant of its own, and some seconds of life.
    examples = 4 if settings().max_examples <= 100 else 150
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=25)
    )
