"""Signals to the real daemon, at every stage."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.daemon_process import run_daemon_process
from tests.support.emulator_probe import Probe
from tests.support.sync_scene import open_sync_scene

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_while_it_waits_a_signal_ends_it(
    small_pages: Probe, tmp_path: Path, number: int, code: int
) -> None:
    with open_sync_scene(small_pages, tmp_path) as scene:
        scene.add("user")
        scene.write_parameters()
        with run_daemon_process("users", "--every", "1h", folder=tmp_path) as daemon:
            daemon.wait_for("(baseline,")
            assert daemon.end(number) == code
        scene.assert_in_step()
    assert "INFO ended" in daemon.said()
