"""Tenants that a daemon keeps in step, in stores of every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon_scene import DaemonScene, open_daemon_scene
from tests.support.emulator_probe import Probe


@pytest.fixture
def scene(small_pages: Probe, tmp_path: Path, store_url: str) -> Iterator[DaemonScene]:
    with open_daemon_scene(small_pages, tmp_path, store_url) as opened:
        yield opened
