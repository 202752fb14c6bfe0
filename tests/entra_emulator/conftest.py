import pytest

from tests.support.emulator_probe import App, Probe, register


@pytest.fixture(scope="module")
def app(probe: Probe) -> App:
    return register(probe, "User.Read.All")


@pytest.fixture(scope="module")
def token(app: App) -> str:
    return app.token()
