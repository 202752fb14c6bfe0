from collections.abc import Iterator

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant


@pytest.fixture
def directory() -> Iterator[Directory]:
    """A directory in memory, at a fixed time."""
    directory = Directory(clock=Clock(at=1_800_000_000))
    yield directory
    directory.close()


@pytest.fixture
def tenant(directory: Directory) -> Tenant:
    """A tenant with nothing in it but Microsoft's own service principals."""
    return directory.tenants.create("Contoso", ("contoso.example",))


@pytest.fixture
def seeded(directory: Directory) -> Tenant:
    """A tenant with forty users."""
    return seed_directory(directory, users=40)
