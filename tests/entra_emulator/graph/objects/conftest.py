from collections.abc import Iterator

import msgspec
import pytest

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Probe, register
from tests.support.linked_objects import CHAIN, Scene


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Emulator(users=CHAIN, groups=0, devices=0) as emulator:
        directory, tenant = emulator.directory, emulator.tenant
        users = [
            StoredObject("user", position.seq, doc)
            for position, doc in directory.collections.scan(tenant, "user")
        ]
        inner, outer, device = (
            directory.objects.create(
                tenant, kind, {"id": f"00000000-0000-4000-8000-{n:012}"} | record
            )
            for n, (kind, record) in enumerate(
                [
                    ("group", {"displayName": "Inner", "mailNickname": "inner"}),
                    ("group", {"displayName": "Outer", "mailNickname": "outer"}),
                    ("device", {"displayName": "Laptop", "deviceId": "d-1"}),
                ]
            )
        )
        for user in users:
            directory.links.add(tenant, "members", inner, user)
        for user in users:
            for above in directory.links.list_neighbours(tenant, LinkQuery("manager", user.seq)):
                directory.links.remove(tenant, "manager", user, above)
        for user, manager in zip(users[1:], users, strict=False):
            directory.links.add(tenant, "manager", user, manager)
        directory.links.add(tenant, "members", outer, inner)
        directory.links.add(tenant, "members", outer, device)
        directory.links.add(tenant, "owners", outer, users[0])
        directory.links.add(tenant, "registeredOwners", device, users[0])
        probe = Probe(emulator)
        app = register(probe, "Directory.Read.All")
        ids = [msgspec.json.decode(row.doc)["id"] for row in (*users, inner, outer, device)]
        yield Scene(app, app.token(), ids[:-3], *ids[-3:])
        probe.close()
