"""A folder of settings files, each of a tenant of its own in one emulator."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import Probe, register


@dataclass
class TenantFolder:
    """The folder, and the tenants that were put into it, by name."""

    probe: Probe
    path: Path
    tenants: dict[str, Tenant] = field(default_factory=dict)

    def add(
        self,
        name: str,
        *,
        users: int = 0,
        roles: tuple[str, ...] = ("User.Read.All",),
        **changes: Any,
    ) -> Path:
        """Make a tenant with some users and an app, and its settings file, but for `changes`."""
        emulator = self.probe.emulator
        number = len(emulator.directory.tenants.list_all())
        tenant = emulator.directory.tenants.create(name, (f"{name}{number}.example",))
        self.tenants[name] = tenant
        for made in range(users):
            self.add_user(name, made)
        app = register(self.probe, *roles, tenant=tenant)
        return self.write(
            f"{name}.json",
            {
                "authority": f"{emulator.url}/{tenant.id}",
                "client_id": app.client_id,
                "secret": app.secret,
                "scope": ["https://graph.microsoft.com/.default"],
                "endpoint": f"{emulator.url}/v1.0/users",
                "ca_file": str(emulator.ca_file),
                **changes,
            },
        )

    def add_user(self, name: str, number: int) -> None:
        """Make a user whose display name says whose it is."""
        tenant = self.tenants[name]
        record = {
            "id": f"{tenant.number:08x}-0000-4000-8000-{number:012}",
            "displayName": f"{name} {number}",
            "userPrincipalName": f"user{number}@{name}.example",
        }
        self.probe.emulator.directory.objects.create(tenant, "user", record)

    def write(self, name: str, values: object) -> Path:
        """Write a file of the folder, as JSON unless it is text."""
        path = self.path / name
        path.write_text(values if isinstance(values, str) else json.dumps(values), "utf-8")
        path.chmod(0o600)
        return path


def open_tenant_folder(probe: Probe, path: Path) -> TenantFolder:
    """An empty folder."""
    path.mkdir()
    return TenantFolder(probe, path)
