from __future__ import annotations

import pytest

from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import Visitor


@pytest.fixture
def visitor(probe: Probe) -> Visitor:
    """Nobody yet, at the portal."""
    return Visitor(probe)


@pytest.fixture
def admin(probe: Probe) -> Visitor:
    """A Global Administrator at the portal."""
    visitor = Visitor(probe)
    visitor.sign_in()
    return visitor


@pytest.fixture
def user(probe: Probe) -> Visitor:
    """An ordinary user at the portal."""
    visitor = Visitor(probe)
    visitor.sign_in(None)
    return visitor
