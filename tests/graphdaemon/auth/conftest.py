"""A machine in a cloud, for the tests of every kind of credential."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cloud_machine import Place, serve_machine


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory, key_pair: tuple[str, bytes]
) -> Iterator[Place]:
    with serve_machine(tmp_path_factory.mktemp("foreign"), key_pair) as machine:
        yield machine


@pytest.fixture
def place(machine: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.emulator.imds_url)
    return machine
