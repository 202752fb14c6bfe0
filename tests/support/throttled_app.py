"""An application in a tenant with small limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Answer, App, register, running


@contextmanager
def throttled(keys: Path, data: Path) -> Iterator[App]:
    """The application; its emulator's clock stands still."""
    clock = Clock(at=1_800_000_000)
    with running(keys, data, users=3, clock=clock, throttle_scale=0.004, control=True) as probe:
        yield register(probe, "User.Read.All")


def exhaust(app: App, token: str) -> Answer:
    while (answer := app.get("/v1.0/users", token)).status == 200:
        pass
    return answer
