from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.emulator_probe import Probe, running
from tests.support.portal_exposure import Exposure
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


@pytest.fixture(scope="session")
def staffed(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("staffed")
    with running(keys, data, users=120, groups=40) as probe:  # type: ignore[arg-type]  # the fixture
        yield probe


@pytest.fixture
def expose(probe: Probe) -> Callable[..., Exposure]:
    def start(who: str | None = "Application Administrator", **values: Any) -> Exposure:
        return Exposure(probe, who, **values)

    return start
