"""Fixtures of an emulator without the client; the root conftest loads them, each once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from entra_emulator.server.shared_parts import SharedParts
from entra_emulator.web.context import DeltaSettings
from tests.support.delta_scene import Scene, open_scene
from tests.support.emulator_probe import Probe, running, running_in_memory

# Snapshots and recordings are files beside the database.
_NEEDS_FOLDER = frozenset({"control", "recording", "record", "tenant_file"})


@pytest.fixture(scope="session")
def probe() -> Iterator[Probe]:
    """One emulator for all tests that leave its clock, its consents and its tenants alone."""
    with Emulator(users=250) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()
        assert emulator.directory.tenants.list_all() == [emulator.tenant], "some test added one"


@pytest.fixture(scope="session")
def keys(probe: Probe) -> Path:
    """The file of ready signing keys."""
    assert probe.post("/common/oauth2/v2.0/token", {}).status == 400
    assert probe.get(f"/{probe.emulator.tenant.id}/discovery/v2.0/keys").status == 200
    return probe.emulator.data / "signing-keys.pem"


@pytest.fixture(scope="session")
def small_pages(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """One emulator for all tests of sync; each has a tenant of its own in it."""
    delta = DeltaSettings(page=4, links=5)
    with running(keys, tmp_path_factory.mktemp("sync"), users=5, delta=delta) as probe:
        yield probe


@pytest.fixture(scope="session")
def shared_parts() -> Iterator[SharedParts]:
    """Keys, certificates, a loop and filled directories of the emulators that tests launch."""
    with SharedParts() as shared:
        yield shared


@pytest.fixture
def launch(keys: Path, shared_parts: SharedParts, tmp_path: Path) -> Iterator[Callable[..., Probe]]:
    """
    Starts an emulator of the test's own.

    It is in memory, unless the test names its folder, `data`, or needs one: then `tmp_path` is
    where it is.
    """
    with ExitStack() as stack:

        def run_emulator(data: Path | None = None, **settings: object) -> Probe:
            if data is None and _NEEDS_FOLDER.isdisjoint(settings):
                return stack.enter_context(running_in_memory(shared_parts, **settings))
            return stack.enter_context(running(keys, data or tmp_path / "data", **settings))

        yield run_emulator


@pytest.fixture
def stage(launch: Callable[..., Probe]) -> Callable[..., Scene]:
    """Opens a scene in an emulator with settings of its own."""
    return lambda **settings: open_scene(launch(users=0, **settings))
