"""Other people's clients: nothing here may be written for them on our side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.client_app import App

T = TypeVar("T")

GRAPH = "https://graph.microsoft.com/.default"
NOBODY = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(autouse=True)
def trust(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the emulator's CA, the way each library's users would."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_file))
    monkeypatch.setenv("SSL_CERT_FILE", str(emulator.ca_file))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(emulator.ca_file))


@pytest.fixture
def certificate_file(tmp_path: Path, app: App) -> Path:
    """Key and certificate in one PEM file."""
    path = tmp_path / "app.pem"
    path.write_text(app.pem)
    return path


@dataclass(frozen=True)
class Refused:
    """A request that must be refused, and the number it must be refused with."""

    name: str
    code: int
    tenant: str | None = None
    client_id: str | None = None
    secret: str | None = None
    scope: str = GRAPH


@pytest.fixture(scope="session")
def refused(emulator: Emulator) -> dict[str, Refused]:
    """Five refusals, each with its own state of the directory."""
    directory, tenant, now = emulator.directory, emulator.tenant, emulator.clock.now()
    forgotten = directory.applications.register(tenant, "Forgotten")
    old = directory.credentials.add_password(
        tenant, forgotten.app_id, start=now - 7200, end=now - 3600
    )
    cases = [
        Refused("wrong secret", 7000215, secret="wrong"),
        Refused("expired secret", 7000222, client_id=forgotten.app_id, secret=old.secret_text),
        Refused("unknown client", 700016, client_id=NOBODY),
        Refused("unknown tenant", 90002, tenant=NOBODY),
        Refused("unknown resource", 500011, scope="api://nobody/.default"),
    ]
    return {case.name: case for case in cases}


REFUSALS = [
    "wrong secret",
    "expired secret",
    "unknown client",
    "unknown tenant",
    "unknown resource",
]


def run(work: Awaitable[T]) -> T:
    """Run one coroutine to its end."""

    async def finish() -> T:
        return await work

    return asyncio.run(finish())
