"""An emulator whose pages are small, and a tenant of it for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.web.context import DeltaSettings
from tests.support.emulator_probe import Probe, running
from tests.support.sync_scene import SyncScene, open_sync_scene


@pytest.fixture(scope="session")
def small_pages(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """One emulator for all tests of sync; each has a tenant of its own in it."""
    delta = DeltaSettings(page=4, links=5)
    with running(keys, tmp_path_factory.mktemp("sync"), users=5, delta=delta) as probe:
        yield probe


@pytest.fixture
def scene(small_pages: Probe, tmp_path: Path) -> Iterator[SyncScene]:
    """An empty tenant, and a store that does not exist yet."""
    with open_sync_scene(small_pages, tmp_path) as opened:
        yield opened
