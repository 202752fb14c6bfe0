"""A tenant that is changed while delta queries follow it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.faults.fault import Fault
from entra_emulator.model.records import Record, Tenant
from tests.support.delta_follower import Follower
from tests.support.emulator_probe import Answer, Probe, register

DAY = 86_400.0


ROLES = ("Directory.Read.All",)


@dataclass
class Scene:
    """A tenant of its own, an application that reads everything, and hands to change things."""

    probe: Probe
    tenant: Tenant
    token: str
    made: int = 0

    @property
    def directory(self) -> Directory:
        return self.probe.emulator.directory

    def get(self, target: str, **headers: str) -> Answer:
        target = target.removeprefix(self.probe.emulator.url)
        return self.probe.get(target, Authorization=f"Bearer {self.token}", **headers)

    def follow(self, target: str) -> Follower:
        """A follower that knows everything so far."""
        follower = Follower(self.get, target)
        follower.finish()
        return follower

    def add(self, kind: str, **changes: Any) -> StoredObject:
        self.made += 1
        key = f"{self.tenant.number:08x}-0000-4000-8000-{self.made:012}"
        record: Record = {"id": key, "displayName": f"{kind} {self.made}"}
        if kind == "user":
            record |= {"userPrincipalName": f"user{self.made}@contoso.example"}
        return self.directory.objects.create(self.tenant, kind, record | changes)

    def update(self, row: StoredObject, **changes: Any) -> None:
        self.directory.objects.update(self.tenant, row.kind, key_of(row), changes)

    def link(self, relation: str, source: StoredObject, target: StoredObject) -> None:
        assert self.directory.links.add(self.tenant, relation, source, target)

    def unlink(self, relation: str, source: StoredObject, target: StoredObject) -> None:
        assert self.directory.links.remove(self.tenant, relation, source, target)

    def fail(self, kind: str, **more: Any) -> None:
        self.probe.emulator.faults.fail_for(None, Fault(kind=kind, **more))

    def delete(self, row: StoredObject, *, forever: bool = False) -> None:
        self.directory.recycle_bin.delete(self.tenant, row, forever=forever)


def key_of(row: StoredObject) -> str:
    key: str = msgspec.json.decode(row.doc)["id"]
    return key


def reference(row: StoredObject, *, removed: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{row.kind}", "id": key_of(row)}
    return shown | ({"@removed": {"reason": "deleted"}} if removed else {})


def open_scene(probe: Probe) -> Scene:
    number = len(probe.emulator.directory.tenants.list_all())
    tenant = probe.emulator.directory.tenants.create("Contoso", (f"delta{number}.example",))
    return Scene(probe, tenant, register(probe, *ROLES, tenant=tenant).token())
