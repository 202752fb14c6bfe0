"""A tenant in which somebody is in groups, in a role and in a unit."""

from typing import Any

import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import Answer, App, Probe, register

NOBODY = "00000000-0000-4000-8000-000000000000"


class Scene:
    """
    A tenant in which Ana is in a group, in a group, in a group.

    The outer two are security groups; the outermost is a member of the innermost. Ana is in a
    unit and in a role, the outermost group in another unit.
    """

    def __init__(self, probe: Probe, *roles: str) -> None:
        self.probe = probe
        self.directory: Directory = probe.emulator.directory
        number = len(self.directory.tenants.list_all())
        self.tenant: Tenant = self.directory.tenants.create("Contoso", (f"in{number}.example",))
        self.app: App = register(probe, *(roles or ("Directory.Read.All",)), tenant=self.tenant)
        self.token = self.app.token()
        self.made = 0
        self.outer = self.add("group", securityEnabled=True)
        self.ana = self.add("user", userPrincipalName="ana@contoso.example")
        self.inner = self.add("group", securityEnabled=False)
        self.middle = self.add("group", securityEnabled=True)
        self.unit, self.far = self.add("administrativeUnit"), self.add("administrativeUnit")
        self.role = self.add("directoryRole", roleTemplateId=ROLES["Global Reader"])
        for source, target in (
            (self.inner, self.ana),
            (self.middle, self.inner),
            (self.outer, self.middle),
            (self.unit, self.ana),
            (self.far, self.outer),
            (self.role, self.ana),
        ):
            self.directory.links.add(self.tenant, "members", source, target)

    def add(self, kind: str, **changes: Any) -> StoredObject:
        self.made += 1
        key = f"{self.tenant.number:08x}-0000-4000-8000-{self.made:012}"
        record = {"id": key, "displayName": f"{kind} {self.made}"}
        return self.directory.objects.create(self.tenant, kind, record | changes)

    def post(self, target: str, body: Any = None, token: str | None = None) -> Answer:
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": "application/json",
        }
        data = None if body is None else msgspec.json.encode(body)
        return self.probe.send("POST", f"/v1.0{target}", headers=headers, body=data)

    def find(self, ids: list[str], **more: Any) -> list[dict[str, Any]]:
        value: list[dict[str, Any]] = self.post(
            "/directoryObjects/getByIds", {"ids": ids, **more}
        ).json()["value"]
        return value


def key_of(row: StoredObject) -> str:
    key: str = msgspec.json.decode(row.doc)["id"]
    return key
