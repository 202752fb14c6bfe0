"""When credentials end, against a tenant."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from entra_emulator.server.emulator import Emulator
from graphdaemon.daemon.credential_check import examine_credentials
from graphdaemon.graph.open import open_graph
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from graphdaemon.store.credential_ends import CredentialEnd
from tests.support.client_app import register
from tests.support.run_command import WriteParameters

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def examine(path: Path) -> list[CredentialEnd]:
    settings = read_settings(path)
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)

    async def main() -> list[CredentialEnd]:
        graph = open_graph(settings, transport, attempts=1)
        return await examine_credentials("contoso", settings, graph, NOW)

    try:
        return asyncio.run(main())
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("roles", "is_known"), [(("User.Read.All",), False), (("Application.Read.All",), True)]
)
def test_the_end_of_a_secret_is_known_where_the_app_may_read_itself(
    parameters: WriteParameters,
    emulator: Emulator,
    key_pair: tuple[str, bytes],
    roles: tuple[str, ...],
    is_known: bool,
) -> None:
    app = register(emulator, key_pair, roles=roles)

    (end,) = examine(parameters(client_id=app.client_id, secret=app.secret))

    assert (end.name, end.kind, end.checked) == ("contoso", "secret", "2026-11-01T00:00:00.000000Z")
    assert bool(end.ends) == is_known
    assert app.secret not in repr(end)
    if is_known:
        assert dt.datetime.fromisoformat(end.ends) > dt.datetime.now(dt.UTC)


def test_the_end_of_a_certificate_is_that_of_its_file(
    parameters: WriteParameters, emulator: Emulator, key_pair: tuple[str, bytes], tmp_path: Path
) -> None:
    pem, der = key_pair
    app = register(emulator, key_pair)
    certificate = x509.load_der_x509_certificate(der)
    key = tmp_path / "app.pem"
    key.write_text(pem + certificate.public_bytes(Encoding.PEM).decode())
    key.chmod(0o600)
    values: dict[str, Any] = {
        "client_id": app.client_id,
        "secret": None,
        "private_key_file": "app.pem",
    }

    (end,) = examine(parameters(**values))

    assert end.kind == "certificate"
    assert dt.datetime.fromisoformat(end.ends) == certificate.not_valid_after_utc


def test_a_tenant_that_does_not_answer_has_unknown_ends(parameters: WriteParameters) -> None:
    (end,) = examine(
        parameters(authority="https://127.0.0.1:1/x", endpoint="https://127.0.0.1:1/v1.0")
    )

    assert end.ends == ""
