"""A tenant to register apps in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.register_tenant import Site, make_site


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(users=20, token_lifetime=10**8) as emulator:
        yield emulator


@pytest.fixture
def site(running: Emulator, tmp_path: Path) -> Iterator[Site]:
    made = make_site(running, tmp_path / "site")
    yield made
    running.faults.clear()
    made.close()


@pytest.fixture
def own(site: Site) -> Site:
    """In the tenant that has people."""
    return site.among_people()
