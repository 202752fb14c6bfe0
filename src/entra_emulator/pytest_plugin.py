"""
Fixtures for pytest: a pretend tenant for each test.

pytest loads this module wherever the package is installed, so that it imports the emulator only
when a test asks for a tenant.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from entra_emulator.server.emulator import Emulator
    from entra_emulator.server.shared_parts import SharedParts

MARKER = (
    "entra(**settings): what the tenant of `entra` or `entra_server` is like, as "
    "EmulatorSettings has it, e.g. users=50, permissions=['Group.Read.All']"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def entra(request: pytest.FixtureRequest) -> "Iterator[Emulator]":
    """A pretend tenant of the test's own, in this process: no socket, no file, nothing shared."""
    yield from _run(request, in_process=True)


@pytest.fixture
def entra_server(request: pytest.FixtureRequest) -> "Iterator[Emulator]":
    """A pretend tenant of the test's own behind TLS on 127.0.0.1, for programs of any kind."""
    yield from _run(request, in_process=False)


@pytest.fixture(scope="session")
def _entra_shared() -> "Iterator[SharedParts]":
    """Keys, certificate authority and event loop of all tenants of a test run."""
    try:
        from entra_emulator.server.shared_parts import SharedParts
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"the pretend tenant needs {error.name}: pip install 'graphdaemon[emulator]'"
        ) from error

    with SharedParts() as shared:
        yield shared


def _run(request: pytest.FixtureRequest, *, in_process: bool) -> "Iterator[Emulator]":
    shared = request.getfixturevalue("_entra_shared")
    from entra_emulator.server.emulator import Emulator

    with Emulator(shared=shared, in_process=in_process, **_read_marker(request)) as emulator:
        if emulator.settings.tenant_file is None:
            # Before the test moves the clock, by which the secret then may have expired.
            _ = emulator.application
        yield emulator


def _read_marker(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of the test's tenant; of two that differ, the one nearest to the test counts."""
    options: dict[str, Any] = {"users": 0}
    for mark in reversed(list(request.node.iter_markers("entra"))):
        if mark.args:
            raise pytest.UsageError(
                f"@pytest.mark.entra takes names and values, as in users=50, not {mark.args!r}"
            )
        options |= mark.kwargs
    from entra_emulator.server.settings import EmulatorSettings

    known = [field.name for field in fields(EmulatorSettings)]
    if unknown := next((name for name in options if name not in known), None):
        raise pytest.UsageError(
            f"@pytest.mark.entra has no setting {unknown!r}; it has {', '.join(known)}"
        )
    return options
