"""A tenant for each test, of an emulator whose pages are small."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator_probe import Probe
from tests.support.sync_scene import SyncScene, open_sync_scene


@pytest.fixture
def scene(small_pages: Probe, tmp_path: Path) -> Iterator[SyncScene]:
    """An empty tenant, and a store that does not exist yet."""
    with open_sync_scene(small_pages, tmp_path) as opened:
        yield opened
