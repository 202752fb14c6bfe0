from pathlib import Path

import pytest

from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant
from tests.support.directory_objects import join_users


def test_interrupted_seed(tmp_path: Path) -> None:
    """A seeding that fails half-way leaves no tenant behind."""
    path = tmp_path / "directory.sqlite"
    directory = Directory(path)

    def fail() -> None:
        with directory.transaction():
            seed_directory(directory, users=10)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    directory.close()

    again = Directory(path)
    assert again.tenants.list_all() == []
    again.close()


def test_seed_is_deterministic(directory: Directory, seeded: Tenant, tmp_path: Path) -> None:
    """The same seed makes the same directory, byte for byte, in a file as in memory."""
    other = Directory(tmp_path / "other.sqlite")
    twin = seed_directory(other, users=40)

    assert (twin.id, twin.domains) == (seeded.id, seeded.domains)
    assert join_users(other, twin) == join_users(directory, seeded)
    principals = [
        d.service_principals.find(t, GRAPH_APP_ID) for d, t in ((directory, seeded), (other, twin))
    ]
    assert principals[0] == principals[1]
    other.close()
