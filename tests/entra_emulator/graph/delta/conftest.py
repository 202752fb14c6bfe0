from collections.abc import Callable

import pytest

from entra_emulator.clock import Clock
from entra_emulator.web.context import DeltaSettings
from tests.support.delta_scene import Scene, open_scene
from tests.support.emulator_probe import Probe


@pytest.fixture
def scene(probe: Probe) -> Scene:
    return open_scene(probe)


@pytest.fixture
def frozen(stage: Callable[..., Scene]) -> Scene:
    """A scene whose clock stands still, with three objects on a page."""
    return stage(clock=Clock(at=1_800_000_000), delta=DeltaSettings(page=3))
