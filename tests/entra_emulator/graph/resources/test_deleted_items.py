from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from entra_emulator.clock import Clock, format_iso
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.kinds import DELETABLE
from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import Answer, App, Probe, register, running

START = 1_800_000_000
DAY = 86_400
BIN = "/v1.0/directory/deletedItems"
ROLES = ("Directory.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All")


class Scene:
    """A tenant of its own whose recycle bin fills."""

    def __init__(self, probe: Probe) -> None:
        self.directory: Directory = probe.emulator.directory
        number = len(self.directory.tenants.list_all())
        self.tenant: Tenant = self.directory.tenants.create("Contoso", (f"bin{number}.example",))
        self.app: App = register(
            probe,
            *ROLES,
            "Application.ReadWrite.All",
            "AdministrativeUnit.ReadWrite.All",
            "Device.ReadWrite.All",
            tenant=self.tenant,
        )
        self.token = self.app.token()
        self.made = 0

    def send(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        sent = {name.replace("_", "-"): value for name, value in sent.items()}
        data = None if body is None else msgspec.json.encode(body)
        target = target.removeprefix(self.app.probe.emulator.url)
        return self.app.probe.send(method, target, headers=sent, body=data)

    def get(self, target: str, **headers: str) -> Answer:
        return self.send("GET", BIN + target, **headers)

    def add(self, kind: str = "user", **changes: Any) -> StoredObject:
        self.made += 1
        record = {
            "id": f"{self.tenant.number:08x}-0000-4000-8000-{self.made:012}",
            "displayName": f"{kind} {self.made}",
            "userPrincipalName": f"u{self.made}@contoso.example",
        }
        return self.directory.objects.create(self.tenant, kind, record | changes)

    def throw(self, kind: str = "user", **changes: Any) -> str:
        """The ID of an object that is made and deleted."""
        ids = self.add(kind, **changes)
        self.directory.recycle_bin.delete(self.tenant, ids)
        return key_of(ids)

    def list_ids(self, target: str, **headers: str) -> list[str]:
        """Every page's."""
        ids, link = [], BIN + target
        while link:
            answer = self.send("GET", link, **headers)
            assert answer.status == 200, answer.body
            ids += [one["id"] for one in answer.json()["value"]]
            link = answer.json().get("@odata.nextLink", "")
        return ids


def key_of(row: StoredObject) -> str:
    key: str = msgspec.json.decode(row.doc)["id"]
    return key


@pytest.fixture(scope="module")
def home(keys: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """An emulator whose clock stands still."""
    folder = tmp_path_factory.mktemp("bin")
    settings = {"clock": Clock(at=START), "token_lifetime": 10**8}
    with running(keys, folder, users=0, **settings) as probe:
        yield probe


@pytest.fixture
def scene(home: Probe) -> Scene:
    return Scene(home)


@pytest.mark.parametrize("kind", DELETABLE)
def test_list(scene: Scene, kind: str) -> None:
    """Each type's deleted objects are listed by themselves, and counted."""
    key = scene.throw(kind, appId=f"a{scene.tenant.number}", deviceId="d")
    scene.throw("group" if kind == "user" else "user")

    page = scene.get(f"/microsoft.graph.{kind}?$select=id,deletedDateTime").json()
    assert page["@odata.context"].endswith("s(id,deletedDateTime)")
    assert page["value"] == [{"id": key, "deletedDateTime": format_iso(START)}]
    count = scene.get(f"/microsoft.graph.{kind}/$count", consistencylevel="eventual")
    assert count.body == b"1"


def test_uncast(scene: Scene) -> None:
    """All types at once are not listed."""
    assert scene.get("").status == 400


def test_pages(scene: Scene) -> None:
    """Deleted objects are paged, filtered, ordered and counted as others are."""
    keys = [scene.throw(displayName=f"User {n % 3}", jobTitle=f"Job {n % 2}") for n in range(7)]
    users = "/microsoft.graph.user"

    assert scene.list_ids(f"{users}?$top=2") == keys
    even = quote("jobTitle eq 'Job 0'")
    assert scene.list_ids(f"{users}?$top=3&$filter={even}") == keys[::2]
    name = quote("startswith(displayName,'USER 1')")
    assert scene.list_ids(f"{users}?$filter={name}") == [keys[1], keys[4]]
    chosen = quote(f"id in ('{keys[5]}','{keys[2]}')")
    assert set(scene.list_ids(f"{users}?$filter={chosen}")) == {keys[5], keys[2]}
    by_name = scene.list_ids(f"{users}?$orderby=displayName%20desc&$top=2")
    assert by_name == [keys[n] for n in (5, 2, 4, 1, 6, 3, 0)]
    page = scene.get(f"{users}?$count=true&$top=2", consistencylevel="eventual").json()
    assert page["@odata.count"] == 7


def test_order_by_time(scene: Scene) -> None:
    """Who was deleted last comes first when that is asked for, with the advanced header."""
    clock, keys = scene.directory.clock, []
    for seconds in (30, 10, 20):
        clock.move(seconds)
        keys.append(scene.throw())
        clock.move(-seconds)
    target = "/microsoft.graph.user?$count=true&$top=1&$orderby=deletedDateTime%20desc"

    ids = scene.list_ids(target, consistencylevel="eventual")
    assert ids == [keys[0], keys[2], keys[1]]
    assert scene.get("/microsoft.graph.user?$orderby=deletedDateTime").status == 400


def test_show(scene: Scene) -> None:
    """One deleted object says its type, its ID and when it was deleted."""
    key = scene.throw("group", groupTypes=["Unified"])

    group = scene.get(f"/{key.upper()}").json()
    assert list(group)[:3] == ["@odata.context", "@odata.type", "id"]
    assert group["@odata.context"].endswith("/$metadata#directoryObjects/$entity")
    assert group["@odata.type"] == "#microsoft.graph.group"
    assert group["deletedDateTime"] == format_iso(START)
    assert scene.send("GET", f"/v1.0/groups/{key}").status == 404
    assert scene.get("/x").code == "Request_BadRequest"
    assert scene.get("/00000000-0000-4000-8000-000000000000").code == "Request_ResourceNotFound"


def test_restore(scene: Scene) -> None:
    """What is restored is there again with its links, and no more in the recycle bin."""
    group, user = scene.add("group"), scene.add()
    scene.directory.links.add(scene.tenant, "members", group, user)
    key = key_of(user)
    scene.directory.recycle_bin.delete(scene.tenant, user)

    answer = scene.send("POST", f"{BIN}/{key}/restore")
    assert answer.status == 200
    assert answer.headers["location"] == "https://graph.microsoft.com"
    assert answer.json()["@odata.type"] == "#microsoft.graph.user"
    assert answer.json()["id"] == key
    assert scene.send("GET", f"/v1.0/users/{key}").status == 200
    assert scene.get(f"/{key}").status == 404
    members = scene.directory.links.list_neighbours(scene.tenant, LinkQuery("members", group.seq))
    assert [one.seq for one in members] == [user.seq]


def test_restore_conflict(scene: Scene) -> None:
    """Who has lost the name meanwhile needs another one to come back."""
    key = scene.throw(userPrincipalName="ana@contoso.example")
    scene.add(userPrincipalName="ANA@contoso.example")

    answer = scene.send("POST", f"{BIN}/{key}/restore")
    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert answer.message == (
        "Another object with the same value for property userPrincipalName already exists."
    )
    assert scene.get(f"/{key}").status == 200
    body = {"newUserPrincipalName": "ana2@contoso.example", "autoReconcileProxyConflict": True}
    answer = scene.send("POST", f"{BIN}/{key}/restore", body, content_type="application/json")
    assert answer.json()["userPrincipalName"] == "ana2@contoso.example"
    assert scene.send("GET", "/v1.0/users/ana2@contoso.example").status == 200


def test_purge(scene: Scene) -> None:
    """Deleted once more an object is gone, with the recorded 204."""
    key = scene.throw()

    answer = scene.send("DELETE", f"{BIN}/{key}")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers
    assert scene.send("DELETE", f"{BIN}/{key}").code == "Request_ResourceNotFound"
    assert scene.send("POST", f"{BIN}/{key}/restore").status == 404


@pytest.mark.parametrize("path", ["graph.{kind}/{key}", "{key}/microsoft.graph.{kind}"])
def test_a_deleted_item_is_cast_before_and_behind_its_key(scene: Scene, path: str) -> None:
    restored, purged = scene.throw(), scene.throw()

    def write_path(kind: str, key: str) -> str:
        return f"{BIN}/{path.format(kind=kind, key=key)}"

    one = scene.send("GET", write_path("user", restored)).json()
    assert (one["id"], one["@odata.context"].rpartition("#")[2]) == (restored, "users/$entity")
    for method in ("GET", "DELETE"):
        assert scene.send(method, write_path("group", restored)).status == 404
    assert scene.send("POST", f"{write_path('group', restored)}/restore", {}).status == 404
    assert scene.send("POST", f"{write_path('user', restored)}/restore", {}).status == 200
    assert scene.send("DELETE", write_path("user", purged)).status == 204
    assert scene.get(f"/{purged}").status == 404


def test_expiry(scene: Scene) -> None:
    """After thirty days what was deleted is gone by itself."""
    key = scene.throw()
    clock = scene.directory.clock

    clock.move(30 * DAY - 1)
    assert scene.list_ids("/microsoft.graph.user") == [key]
    clock.move(1)
    assert scene.list_ids("/microsoft.graph.user") == []
    assert scene.get(f"/{key}").status == 404
    clock.move(-30 * DAY)


def test_foreign_bin(scene: Scene, home: Probe) -> None:
    """Nobody sees another tenant's recycle bin."""
    key = scene.throw()
    other = Scene(home)

    assert other.get(f"/{key}").status == 404
    assert other.send("DELETE", f"{BIN}/{key}").status == 404
    assert other.list_ids("/microsoft.graph.user") == []


def test_permissions(scene: Scene) -> None:
    """Who may read users sees deleted users, but no other type, and restores none."""
    user, group = scene.throw(), scene.throw("group")
    reader = register(scene.app.probe, "User.Read.All", tenant=scene.tenant)
    token = reader.token()

    assert reader.get(f"{BIN}/microsoft.graph.user", token).status == 200
    assert reader.get(f"{BIN}/microsoft.graph.group", token).status == 403
    bearer = {"Authorization": f"Bearer {token}"}
    for key in (user, group):
        answer = reader.probe.send("POST", f"{BIN}/{key}/restore", headers=bearer)
        assert answer.status == 403
