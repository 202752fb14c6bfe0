"""A machine in a cloud: a tenant that trusts a foreign issuer, an app, and a managed identity."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand, Token
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.client_app import App, register
from tests.support.foreign_issuer import SUBJECT, Foreign, serving


@dataclass(frozen=True)
class Place:
    """A machine in a cloud: a tenant that trusts a foreign issuer, an app, a managed identity."""

    emulator: Emulator
    issuer: Foreign
    app: App
    identity: str

    def settings(self, **credential: Any) -> Settings:
        known = {
            "authority": f"{self.emulator.url}/{self.emulator.tenant.id}",
            "client_id": self.app.client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            "endpoint": f"{self.emulator.url}/v1.0/users",
            "ca_file": str(self.emulator.ca_file),
        }
        given = {name: value for name, value in (known | credential).items() if value is not None}
        return read_settings(None, {}, given)


@contextmanager
def serve_machine(folder: Path, key_pair: tuple[str, bytes]) -> Iterator[Place]:
    with (
        serving(folder) as issuer,
        Emulator(users=5, managed_identity=True, federation_ca=issuer.ca_file) as emulator,
    ):
        app = register(emulator, key_pair)
        directory, tenant = emulator.directory, emulator.tenant
        directory.credentials.add_federated(tenant, app.client_id, "pipeline", issuer.url, SUBJECT)
        identity = directory.managed_identities.add(tenant, "vm-1")
        directory.consents.grant_app_role(tenant, identity.app_id, "User.Read.All")
        yield Place(emulator, issuer, app, identity.app_id)


def private(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return str(path)


def fetch(settings: Settings, demand: Demand | None = None) -> Token:
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return AppIdentity(settings, transport).fetch(demand or Demand())
    finally:
        transport.close()


def claims_of(token: Token) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token.value, options={"verify_signature": False})
    return claims
