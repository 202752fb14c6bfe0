from collections.abc import Iterator
from typing import Any

import pytest

from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import App, Probe
from tests.support.graph_users import Ask
from tests.support.graph_writer import Writer, start_writer


@pytest.fixture(scope="session")
def probe() -> Iterator[Probe]:
    """An emulator of Graph's tests: they add tenants, whose people the sign-in page would list."""
    with Emulator(users=250) as emulator:
        probe = Probe(emulator)
        yield probe
        probe.close()


@pytest.fixture(scope="module")
def get(app: App, token: str) -> Ask:
    return lambda target, **headers: app.get(f"/v1.0{target}", token, **headers)


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


@pytest.fixture(scope="module")
def graph(writer: Writer) -> dict[str, Any]:
    """Microsoft Graph's service principal."""
    principal: dict[str, Any] = writer.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    return principal
