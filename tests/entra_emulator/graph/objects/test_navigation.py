"""What is linked to an object: lists, casts, references, counts, expansions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.object_collections import Span
from entra_emulator.directory.objects import StoredObject
from entra_emulator.graph.objects import replica
from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Answer, App, Probe, register

CHAIN = 30
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


@dataclass(frozen=True)
class Scene:
    """A group with everybody in it, a group around it, and a line of managers."""

    app: App
    token: str
    users: list[str]
    inner: str
    outer: str
    device: str

    def get(self, path: str, **headers: str) -> Answer:
        return self.app.get(f"/v1.0{path}", self.token, **headers)

    def ids(self, path: str, **headers: str) -> list[str]:
        answer = self.get(path, **headers)
        assert answer.status == 200, answer.body
        return [item["id"] for item in answer.json()["value"]]


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
            for seeded in directory.links.list_neighbours(tenant, LinkQuery("manager", user.seq)):
                above = StoredObject("user", seeded.seq, seeded.content)
                directory.links.remove(tenant, "manager", user, above)
        for user, manager in zip(users[1:], users, strict=False):
            directory.links.add(tenant, "manager", user, manager)
        directory.links.add(tenant, "members", outer, inner)
        directory.links.add(tenant, "members", outer, device)
        directory.links.add(tenant, "owners", outer, users[0])
        directory.links.add(tenant, "registeredOwners", device, users[0])
        probe = Probe(emulator)
        app = register(probe, "Directory.Read.All")
        ids = [msgspec.json.decode(found.doc)["id"] for found in (*users, inner, outer, device)]
        yield Scene(app, app.token(), ids[:-3], *ids[-3:])
        probe.close()


def walk(scene: Scene, path: str) -> list[str]:
    found, link = [], path
    while link:
        page = scene.get(link.partition("/v1.0")[2] or link).json()
        found += [item["id"] for item in page["value"]]
        link = page.get("@odata.nextLink", "")
    return found


def test_members(scene: Scene) -> None:
    """Members come in pages, each once, with their types, the ID in front."""
    assert walk(scene, f"/groups/{scene.inner}/members?$top=7") == scene.users
    first = scene.get(f"/groups/{scene.inner}/members?$top=1").json()
    assert first["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
    assert list(first["value"][0])[:2] == ["@odata.type", "id"]
    assert first["value"][0]["@odata.type"] == "#microsoft.graph.user"


def test_transitive(scene: Scene) -> None:
    """Transitive lists go through the groups in between."""
    assert set(scene.ids(f"/groups/{scene.outer}/members")) == {scene.inner, scene.device}
    everybody = {scene.inner, scene.device, *scene.users}
    assert set(walk(scene, f"/groups/{scene.outer}/transitiveMembers?$top=9")) == everybody
    assert scene.ids(f"/users/{scene.users[5]}/memberOf") == [scene.inner]
    above = scene.ids(f"/users/{scene.users[5]}/transitiveMemberOf")
    assert above == [scene.inner, scene.outer]


def test_casts(scene: Scene) -> None:
    """A cast leaves one type, says so in the context, and needs no types in the items."""
    answer = scene.get(f"/groups/{scene.outer}/members/microsoft.graph.device").json()

    assert answer["@odata.context"].endswith("#devices")
    assert [item["id"] for item in answer["value"]] == [scene.device]
    assert "@odata.type" not in answer["value"][0]
    assert scene.ids(f"/groups/{scene.outer}/members/microsoft.graph.user") == []


def test_counts(scene: Scene) -> None:
    """How many there are is told to who accepts the other index."""
    path = f"/groups/{scene.inner}/members/$count"

    assert scene.get(path).code == "Request_BadRequest"
    assert scene.get(path, ConsistencyLevel="eventual").body == str(CHAIN).encode()
    cast = f"/groups/{scene.outer}/transitiveMembers/microsoft.graph.user/$count"
    assert scene.get(cast, ConsistencyLevel="eventual").body == str(CHAIN).encode()


def test_references(scene: Scene) -> None:
    """References are the directory's own addresses."""
    answer = scene.get(f"/groups/{scene.outer}/owners/$ref").json()

    assert answer["@odata.context"].endswith("#Collection($ref)")
    (item,) = answer["value"]
    assert item["@odata.id"].endswith(f"{scene.users[0]}/Microsoft.DirectoryServices.User")


def test_manager(scene: Scene) -> None:
    """A manager is one object; nobody at the top is a 404 with the recorded words."""
    answer = scene.get(f"/users/{scene.users[3]}/manager?$select=id,displayName").json()
    top = scene.get(f"/users/{scene.users[0]}/manager")

    assert answer["id"] == scene.users[2]
    assert list(answer)[1:] == ["@odata.type", "id", "displayName"]
    assert (top.status, top.code) == (404, "Request_ResourceNotFound")
    assert top.message.startswith("Resource 'manager' does not exist")
    assert scene.ids(f"/users/{scene.users[2]}/directReports") == [scene.users[3]]


@pytest.mark.parametrize("accept", ["application/json;odata.metadata=none"])
def test_no_metadata(scene: Scene, accept: str) -> None:
    """Who wants no metadata gets neither context nor types, but the next link."""
    answer = scene.get(f"/groups/{scene.inner}/members?$top=2", accept=accept).json()

    assert list(answer) == ["@odata.nextLink", "value"]
    assert "@odata.type" not in answer["value"][0]


def test_expand_members(scene: Scene) -> None:
    """An expanded collection holds twenty at most, and no link to the others."""
    item = scene.get(f"/groups/{scene.inner}?$expand=members($select=id)").json()

    assert len(item["members"]) == 20
    assert list(item["members"][0]) == ["@odata.type", "id"]
    assert not any("nextLink" in name for name in item)


def test_expand_manager(scene: Scene) -> None:
    """Managers are expanded one level, or all the way up for one user."""
    key = scene.users[4]
    one = scene.get(f"/users/{key}?$expand=manager($select=id)").json()
    every = scene.get(f"/users/{key}?$expand=manager($levels=max;$select=id)").json()
    listed = scene.get("/users?$expand=manager($select=id)&$select=id&$top=3").json()["value"]

    assert one["manager"]["id"] == scene.users[3]
    assert "manager" not in one["manager"]
    height = 0
    while every := every.get("manager"):
        height += 1
    assert height == 4
    assert [(item.get("manager") or {}).get("id") for item in listed] == [None, *scene.users[:2]]


def test_filter_members(scene: Scene) -> None:
    """Members are filtered by the advanced index only."""
    path = f"/groups/{scene.inner}/members?$count=true&$filter="
    user = scene.get(f"/users/{scene.users[7]}").json()
    wanted = quote(f"startswith(displayName,'{user['displayName']}')")

    assert scene.get(path + wanted).status == 400
    found = scene.get(path + wanted, ConsistencyLevel="eventual").json()
    assert user["id"] in [item["id"] for item in found["value"]]
    assert found["@odata.count"] == len(found["value"])


@pytest.mark.parametrize("direction", ["", " desc"])
def test_order_members(scene: Scene, direction: str) -> None:
    """Members are sorted by the advanced index, over all pages."""
    found, link = [], f"/groups/{scene.inner}/members?$count=true&$top=7&$orderby=displayName"
    link += quote(direction)
    while link:
        page = scene.get(link.partition("/v1.0")[2] or link, ConsistencyLevel="eventual").json()
        found += [item["displayName"].casefold() for item in page["value"]]
        link = page.get("@odata.nextLink", "")

    assert found == sorted(found, reverse=bool(direction))
    assert len(found) == CHAIN


def test_any_object(scene: Scene) -> None:
    """An object of whatever type is found by its ID; the set itself cannot be listed."""
    answer = scene.get(f"/directoryObjects/{scene.device}").json()

    assert answer["@odata.type"] == "#microsoft.graph.device"
    assert scene.get("/directoryObjects").status >= 400


def test_alternate_keys(scene: Scene) -> None:
    """Applications, service principals and devices are found by their alternate keys."""
    client_id = scene.app.client_id
    for path, name, value in (
        (f"/applications(appId='{client_id}')", "appId", client_id),
        (f"/servicePrincipals(appId='{client_id}')", "appId", client_id),
        ("/devices(deviceId='d-1')", "id", scene.device),
        (
            f"/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')",
            "roleTemplateId",
            GLOBAL_ADMINISTRATOR,
        ),
    ):
        assert scene.get(path).json()[name] == value
    assert scene.get("/applications(appId='nobody')").status == 404
    assert scene.get("/applications(nothing='x')").status == 400


def test_company(scene: Scene) -> None:
    """The tenant shows itself, its domains, and nothing of another."""
    tenant = scene.app.tenant
    (organization,) = scene.get("/organization").json()["value"]
    domains = scene.get("/domains?$select=id,isInitial").json()["value"]

    assert organization["id"] == tenant.id
    assert [domain["name"] for domain in organization["verifiedDomains"]] == [*tenant.domains]
    assert domains == [{"id": name, "isInitial": n == 0} for n, name in enumerate(tenant.domains)]
    assert scene.get(f"/organization/{tenant.id}").json()["id"] == tenant.id
    assert scene.get(f"/domains/{tenant.domains[1]}").json()["isDefault"]
    assert scene.get("/domains/nobody.example").status == 404


def test_lagging_replica(scene: Scene) -> None:
    """A replica that lags shows what was there before: renamed, made and deleted objects too."""
    directory, tenant = scene.app.probe.emulator.directory, scene.app.tenant
    before = [doc for _, doc in directory.collections.scan(tenant, "user")]
    directory.clock.move(1000)
    record: dict[str, Any] = msgspec.json.decode(before[0])
    directory.objects.update(tenant, "user", record["id"], {"displayName": "Zz"})
    gone = directory.objects.find(tenant, scene.users[1])
    assert gone is not None
    directory.recycle_bin.delete(tenant, gone)
    new = {"id": "00000000-0000-4000-8000-00000000000a", "userPrincipalName": "n@x.example"}
    directory.objects.create(tenant, "user", new | {"displayName": "New"})
    try:
        stale = replica.scan_stale(directory, tenant, "user", Span(), 500)
        assert [doc for _, doc in stale] == before
        found = replica.find_stale(directory, tenant, "user", scene.users[1], 500)
        assert found == gone
        assert replica.find_stale(directory, tenant, "user", new["id"], 500) is None
    finally:
        deleted = directory.recycle_bin.find(tenant, scene.users[1])
        assert deleted is not None
        directory.recycle_bin.restore(tenant, deleted)
        directory.objects.update(
            tenant, "user", record["id"], {"displayName": record["displayName"]}
        )
