"""A tenant for each test, of an emulator whose pages are small."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator_probe import Probe
from tests.support.postgres_server import PostgresServer
from tests.support.sync_scene import SyncScene, open_sync_scene


@pytest.fixture
def database() -> str:
    """The kind of the store; a module whose tests hold for each kind has a fixture of its own."""
    return "sqlite"


@pytest.fixture
def scene(
    small_pages: Probe, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> Iterator[SyncScene]:
    """An empty tenant, and a store that does not exist yet."""
    with open_sync_scene(small_pages, tmp_path) as opened:
        if database == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            opened.store_url = server.make_schema()
        yield opened
