from __future__ import annotations

import pytest

from tests.support.emulator_probe import Probe
from tests.support.user_flows import ordinary


@pytest.fixture(scope="module")
def anna(probe: Probe) -> str:
    """Somebody without a role."""
    return ordinary(probe.emulator)
