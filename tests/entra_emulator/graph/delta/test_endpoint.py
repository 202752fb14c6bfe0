from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.directory import changes
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.faults.fault import Fault
from entra_emulator.model import schema
from entra_emulator.model.records import Record, Tenant
from entra_emulator.web.context import DeltaSettings
from tests.support.delta_follower import Follower
from tests.support.emulator_probe import Answer, Probe, register
from tools.fidelity import list_reached

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

    def update(self, found: StoredObject, **changes: Any) -> None:
        self.directory.objects.update(self.tenant, found.kind, key_of(found), changes)

    def link(self, relation: str, source: StoredObject, target: StoredObject) -> None:
        assert self.directory.links.add(self.tenant, relation, source, target)

    def unlink(self, relation: str, source: StoredObject, target: StoredObject) -> None:
        assert self.directory.links.remove(self.tenant, relation, source, target)

    def fail(self, kind: str, **more: Any) -> None:
        self.probe.emulator.faults.fail_for(None, Fault(kind=kind, **more))

    def delete(self, found: StoredObject, *, forever: bool = False) -> None:
        self.directory.recycle_bin.delete(self.tenant, found, forever=forever)


def key_of(found: StoredObject) -> str:
    key: str = msgspec.json.decode(found.doc)["id"]
    return key


def reference(found: StoredObject, *, removed: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{found.kind}", "id": key_of(found)}
    return shown | ({"@removed": {"reason": "deleted"}} if removed else {})


def open_scene(probe: Probe) -> Scene:
    number = len(probe.emulator.directory.tenants.list_all())
    tenant = probe.emulator.directory.tenants.create("Contoso", (f"delta{number}.example",))
    return Scene(probe, tenant, register(probe, *ROLES, tenant=tenant).token())


@pytest.fixture
def stage(launch: Callable[..., Probe]) -> Callable[..., Scene]:
    """Opens a scene in an emulator with settings of its own."""
    return lambda **settings: open_scene(launch(users=0, **settings))


@pytest.fixture
def scene(probe: Probe) -> Scene:
    return open_scene(probe)


def test_initial(stage: Callable[..., Scene]) -> None:
    """The first round is every object once, in pages of the server's size, then a delta link."""
    scene = stage(delta=DeltaSettings(page=2))
    for _ in range(5):
        scene.add("user", jobTitle="Clerk")
    pages, target = [], "/v1.0/users/delta"
    while target:
        pages.append(scene.get(target).json())
        target = pages[-1].get("@odata.nextLink", "")

    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    url = scene.probe.emulator.url
    assert {page["@odata.context"] for page in pages} == {f"{url}/v1.0/$metadata#users"}
    assert [list(page)[1] for page in pages] == [*["@odata.nextLink"] * 2, "@odata.deltaLink"]
    assert pages[0]["@odata.nextLink"].startswith(f"{url}/v1.0/users/delta?$skiptoken=")
    assert pages[2]["@odata.deltaLink"].startswith(f"{url}/v1.0/users/delta?$deltatoken=")
    listed = scene.get("/v1.0/users").json()["value"]
    told = [user for page in pages for user in page["value"]]
    assert [user["id"] for user in told] == [user["id"] for user in listed]
    assert list(told[0]) == [name for name in listed[0] if listed[0][name] not in (None, [])]


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta", "DELTA"])
def test_spellings(scene: Scene, spelling: str) -> None:
    """Every spelling of the function is the same."""
    assert "@odata.deltaLink" in scene.get(f"/v1.0/users/{spelling}").json()


@pytest.mark.parametrize("size", [0, 1, 2, 4, 5])
def test_fitting_round(stage: Callable[..., Scene], size: int) -> None:
    """A round whose objects fit one page is one page, full or not."""
    scene = stage(delta=DeltaSettings(page=4))
    for _ in range(size):
        scene.add("user")
    pages = 2 if size == 5 else 1
    follower = Follower(scene.get, "/v1.0/users/delta")
    for _ in range(pages - 1):
        assert "@odata.nextLink" in follower.step()
    assert "@odata.deltaLink" in follower.step()


COLLECTIONS = (
    "users groups devices applications servicePrincipals administrativeUnits directoryRoles "
    "directoryObjects directory/administrativeUnits"
).split()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_collections(scene: Scene, collection: str) -> None:
    """Every collection of directory objects has a delta query."""
    kinds = ("user", "group", "device", "administrativeUnit", "directoryRole")
    for kind in kinds:
        scene.add(kind, deviceId=f"device {kind}", roleTemplateId=f"template {kind}")
    follower = scene.follow(f"/v1.0/{collection}/delta")

    assert follower.objects
    assert follower.finish() == []


def test_grants_missing(scene: Scene) -> None:
    """Changes of grants are not tracked, and the emulator says so."""
    assert scene.get("/v1.0/oauth2PermissionGrants/delta").status == 501


@pytest.mark.parametrize("spelling", ["$deltatoken=latest", "$deltaToken=latest"])
def test_latest(scene: Scene, spelling: str) -> None:
    """From now on: no objects, a link at once, and what changes later."""
    scene.add("user")
    page = scene.get(f"/v1.0/users/delta?{spelling}&$select=displayName").json()
    new = scene.add("user", displayName="New")

    assert page["value"] == []
    follower = Follower(scene.get, page["@odata.deltaLink"])
    assert follower.finish() == [{"displayName": "New", "id": key_of(new)}]


def test_quiet_round(scene: Scene) -> None:
    """A round without changes is empty and has a new link."""
    follower = scene.follow("/v1.0/users/delta")
    before = follower.link

    assert follower.finish() == []
    assert follower.link != before


def test_changed_object(scene: Scene) -> None:
    """A changed object is told with all that is set, what was cleared as null, no more."""
    user = scene.add("user", jobTitle="Clerk", mobilePhone="1", department="Sales")
    follower = scene.follow("/v1.0/users/delta")
    scene.update(user, jobTitle=None)
    scene.update(user, mobilePhone="2")

    (told,) = follower.finish()
    assert told == {
        "displayName": "user 1",
        "jobTitle": None,
        "mobilePhone": "2",
        "userPrincipalName": "user1@contoso.example",
        "id": key_of(user),
    }
    scene.update(user, mobilePhone="3")
    assert follower.finish()[0]["jobTitle"] is None


def test_minimal(scene: Scene) -> None:
    """`return=minimal` tells what changed only, and says that it was heeded."""
    user = scene.add("user", jobTitle="Clerk", mobilePhone="1")
    follower = scene.follow("/v1.0/users/delta?$select=jobTitle,mobilePhone,displayName")
    scene.update(user, mobilePhone=None)
    new = scene.add("user", jobTitle="Cook")

    answer = scene.get(follower.link, Prefer="return=minimal")
    assert answer.headers["preference-applied"] == "return=minimal"
    assert answer.json()["value"] == [
        {"mobilePhone": None, "id": key_of(user)},
        {"jobTitle": "Cook", "displayName": "user 2", "id": key_of(new)},
    ]
    whole = scene.get(follower.link)
    assert "preference-applied" not in whole.headers
    assert len(whole.json()["value"][0]) == 4


def test_select(scene: Scene) -> None:
    """`$select` limits what is told, and what is noticed; the ID is always there."""
    user = scene.add("user", jobTitle="Clerk", department="Sales")
    follower = scene.follow("/v1.0/users/delta?$select=jobTitle,DEPARTMENT")

    assert follower.objects == {
        key_of(user): {"jobTitle": "Clerk", "department": "Sales", "id": key_of(user)}
    }
    scene.update(user, displayName="Other")
    assert follower.finish() == []
    scene.update(user, department="Law")
    assert [list(one) for one in follower.finish()] == [["jobTitle", "department", "id"]]


def test_default_select(scene: Scene) -> None:
    """Without `$select` the default properties are tracked, and no others."""
    user = scene.add("user")
    follower = scene.follow("/v1.0/users/delta")

    scene.update(user, department="Law")
    assert follower.finish() == []


def test_deleted(scene: Scene) -> None:
    """Deleted is `changed` while it can be restored, `deleted` for good, and back it is whole."""
    user = scene.add("user", jobTitle="Clerk")
    key = key_of(user)
    follower = scene.follow("/v1.0/users/delta")

    scene.delete(user)
    assert follower.finish() == [{"id": key, "@removed": {"reason": "changed"}}]
    item = scene.directory.recycle_bin.find(scene.tenant, key)
    assert item is not None
    scene.directory.recycle_bin.restore(scene.tenant, item)
    (back,) = follower.finish(prefer="return=minimal")
    assert back["jobTitle"] == "Clerk"
    scene.delete(user, forever=True)
    assert follower.finish() == [{"id": key, "@removed": {"reason": "deleted"}}]


def test_deleted_initially(scene: Scene) -> None:
    """The first round tells who is in the recycle bin, behind who is not."""
    gone, here = scene.add("user"), scene.add("user")
    scene.delete(gone)

    page = scene.get("/v1.0/users/delta?$select=id").json()
    assert page["value"] == [
        {"id": key_of(here)},
        {"id": key_of(gone), "@removed": {"reason": "changed"}},
    ]


def test_expired_item(stage: Callable[..., Scene]) -> None:
    """Thirty days after its deletion an object is told to be gone for good."""
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8)
    user = scene.add("user")
    scene.delete(user)
    scene.directory.clock.move(27 * DAY)
    follower = scene.follow("/v1.0/users/delta")

    scene.directory.clock.move(4 * DAY)
    assert follower.finish() == [{"id": key_of(user), "@removed": {"reason": "deleted"}}]


def test_members(scene: Scene) -> None:
    """Groups tell their members without being asked, at first all, then those that changed."""
    group, empty = scene.add("group"), scene.add("group")
    first, second, third = (scene.add("user") for _ in range(3))
    scene.link("members", group, first)
    scene.link("members", group, second)
    follower = scene.follow("/v1.0/groups/delta")

    told = {one["id"]: one for one in scene.get("/v1.0/groups/delta").json()["value"]}
    assert told[key_of(group)]["members@delta"] == [reference(first), reference(second)]
    assert "members@delta" not in told[key_of(empty)]
    scene.unlink("members", group, first)
    scene.link("members", group, third)
    scene.unlink("members", group, third)
    scene.link("members", group, third)
    (changed,) = follower.finish(prefer="return=minimal")
    assert changed == {
        "id": key_of(group),
        "members@delta": [reference(first, removed=True), reference(third)],
    }


def test_links(scene: Scene) -> None:
    """Owners, managers and members are told when they are selected, members not otherwise."""
    user, boss, group = scene.add("user"), scene.add("user"), scene.add("group")
    scene.link("manager", user, boss)
    scene.link("owners", group, boss)
    scene.link("members", group, user)

    users = scene.follow("/v1.0/users/delta?$select=displayName,manager")
    assert users.links[key_of(user)] == {"manager": {key_of(boss)}}
    owners = scene.get("/v1.0/groups/delta?$select=owners").json()["value"]
    assert owners == [{"id": key_of(group), "owners@delta": [reference(boss)]}]
    (plain,) = scene.get("/v1.0/groups/delta?$select=displayName").json()["value"]
    assert set(plain) == {"displayName", "id"}
    scene.unlink("manager", user, boss)
    assert users.finish()[0]["manager@delta"] == [reference(boss, removed=True)]
    blind = scene.follow("/v1.0/users/delta?$select=displayName")
    scene.link("manager", user, boss)
    assert blind.finish() == []


def test_purged_member(scene: Scene) -> None:
    """A deleted user stays a member until gone for good, when the group tells it."""
    group, user = scene.add("group"), scene.add("user")
    scene.link("members", group, user)
    follower = scene.follow("/v1.0/groups/delta")

    scene.delete(user)
    assert follower.finish() == []
    item = scene.directory.recycle_bin.find(scene.tenant, key_of(user))
    assert item is not None
    scene.directory.recycle_bin.purge(scene.tenant, item)
    (told,) = follower.finish()
    assert told["members@delta"] == [reference(user, removed=True)]


def test_hidden_members(scene: Scene) -> None:
    """Who is in a group that hides its members is told to those who may know."""
    group, user = scene.add("group", visibility="HiddenMembership"), scene.add("user")
    scene.link("members", group, user)
    insider = register(scene.probe, *ROLES, "Member.Read.Hidden", tenant=scene.tenant)

    asked = "/v1.0/groups/delta?$select=members"
    assert scene.get(asked).json()["value"] == [{"id": key_of(group)}]
    told = insider.get(asked).json()["value"]
    assert told == [{"id": key_of(group), "members@delta": [reference(user)]}]


def test_large_group(stage: Callable[..., Scene]) -> None:
    """A group with many members stands on several pages, with others of them each time."""
    scene = stage(delta=DeltaSettings(links=3))
    small, large = scene.add("group"), scene.add("group")
    users = [scene.add("user") for _ in range(8)]
    scene.link("members", small, users[0])
    for user in users:
        scene.link("members", large, user)
    follower = Follower(scene.get, "/v1.0/groups/delta?$select=displayName,members")

    pages = [follower.step()["value"] for _ in range(3)]
    assert [[one["displayName"] for one in page] for page in pages] == [
        ["group 1", "group 2"],
        ["group 2"],
        ["group 2"],
    ]
    assert [len(page[-1]["members@delta"]) for page in pages] == [2, 3, 3]
    assert "deltatoken" in follower.link
    assert follower.links[key_of(large)]["members"] == {key_of(user) for user in users}
    for user in users[:7]:
        scene.unlink("members", large, user)
    assert [len(one["members@delta"]) for one in follower.finish()] == [3, 3, 1]


def test_restored_group(scene: Scene) -> None:
    """A group that is back tells all of its members again."""
    group, user, later = scene.add("group"), scene.add("user"), scene.add("user")
    scene.link("members", group, user)
    follower = scene.follow("/v1.0/groups/delta")
    scene.delete(group)
    item = scene.directory.recycle_bin.find(scene.tenant, key_of(group))
    assert item is not None
    scene.directory.recycle_bin.restore(scene.tenant, item)
    scene.link("members", group, later)
    scene.unlink("members", group, later)

    (told,) = follower.finish(prefer="return=minimal")
    assert told["members@delta"] == [reference(user), reference(later, removed=True)]
    assert told["displayName"] == "group 1"


def test_filter(scene: Scene) -> None:
    """A filter by ID follows these objects, deleted or not, and no others."""
    users = [scene.add("user") for _ in range(4)]
    scene.delete(users[3])
    chosen = " or ".join(f"id eq '{key_of(user).upper()}'" for user in users[1:])
    follower = scene.follow(f"/v1.0/users/delta?$select=displayName&$filter={quote(chosen)}")

    assert set(follower.objects) == {key_of(user) for user in users[1:3]}
    for user in users[:2]:
        scene.update(user, displayName="Other")
    assert [one["id"] for one in follower.finish()] == [key_of(users[1])]


def test_types(scene: Scene) -> None:
    """Directory objects are told apart by `isof`, and each is selected from in its own way."""
    user, group = scene.add("user", surname="Berg"), scene.add("group")
    scene.add("device", deviceId="d")
    both = quote("isof('microsoft.graph.user') or isof('microsoft.graph.group')")
    select = "microsoft.graph.user/surname,microsoft.graph.group/displayName"
    follower = scene.follow(f"/v1.0/directoryObjects/delta?$filter={both}&$select={select}")

    typed = "@odata.type"
    assert follower.objects == {
        key_of(user): {typed: "#microsoft.graph.user", "surname": "Berg", "id": key_of(user)},
        key_of(group): {
            typed: "#microsoft.graph.group",
            "displayName": "group 2",
            "id": key_of(group),
        },
    }
    scene.update(user, displayName="Other")
    scene.update(group, displayName="Other")
    scene.delete(user)
    assert [one["id"] for one in follower.finish()] == [key_of(user), key_of(group)]
    contacts = quote("isof('microsoft.graph.orgContact')")
    assert scene.get(f"/v1.0/directoryObjects/delta?$filter={contacts}").json()["value"] == []


def test_no_metadata(scene: Scene) -> None:
    """Who wants no metadata gets no context and no types, but links."""
    group, user = scene.add("group"), scene.add("user")
    scene.link("members", group, user)

    accept = "application/json;odata.metadata=none"
    page = scene.get("/v1.0/groups/delta?$select=members", accept=accept).json()
    assert list(page) == ["@odata.deltaLink", "value"]
    assert page["value"] == [{"id": key_of(group), "members@delta": [{"id": key_of(user)}]}]


GUID = "00000000-0000-4000-8000-000000000001"
REFUSED = {
    "$orderby=displayName": "delta_option",
    "$search=x": "delta_option",
    "$filter=displayName eq 'x'": "delta_filter",
    "$filter=isof('microsoft.graph.user')": "delta_filter",
    f"$filter=id eq '{GUID}' and id eq '{GUID}'": "delta_filter",
    "$filter=id eq 'x'": "id_malformed",
    "$filter=" + " or ".join(f"id eq '{GUID[:-2]}{n:02}'" for n in range(51)): "delta_many",
    "$deltatoken=x": "delta_token_invalid",
    "$skiptoken=AAAA": "delta_token_invalid",
    "$skiptoken=x&$deltatoken=y": "delta_tokens",
    "$select=shoeSize": "select_unknown",
    "$select=aboutMe": "not_on_collection",
    "$nothing=1": "option_unknown",
}


@pytest.mark.parametrize("options", REFUSED)
def test_refused(scene: Scene, options: str) -> None:
    """What delta queries cannot do is refused with a reason."""
    row = refusal(REFUSED[options])
    answer = scene.get(f"/v1.0/users/delta?{quote(options, safe='$=&')}")

    assert (answer.status, answer.code) == (row.status, row.code)


# Reached by tests below, and by those of batches and look-ups.
ELSEWHERE = {"delta_reset", "delta_token_expired", "dependency_failed", "ids_many"}
ELSEWHERE |= {"parameter_missing", *(word for word in GRAPH_REFUSALS if word.startswith("batch_"))}


def test_every_denial_is_tested() -> None:
    """No refusal of delta queries, batches and look-ups is without a test that reaches it."""
    reached = list_reached("delta/test_endpoint")
    assert ELSEWHERE | {*REFUSED.values()} - list_reached("graph/test_dispatch") == reached


@pytest.mark.parametrize("options", ["$top=1", "$expand=manager", "$count=true"])
def test_ignored(scene: Scene, options: str) -> None:
    """Page sizes, expansions and counts are ignored without a word."""
    scene.add("user")
    scene.add("user")

    page = scene.get(f"/v1.0/users/delta?{options}").json()
    assert len(page["value"]) == 2
    assert "@odata.count" not in page


def test_foreign_token(scene: Scene) -> None:
    """A token is of one collection, one tenant and one use, and cannot be altered."""
    link = scene.follow("/v1.0/users/delta").link
    token = link.partition("$deltatoken=")[2]
    altered = ("B" if token[0] == "A" else "A") + token[1:]

    for target in (
        f"/v1.0/groups/delta?$deltatoken={token}",
        f"/v1.0/users/delta?$skiptoken={token}",
        f"/v1.0/users/delta?$deltatoken={altered}",
    ):
        assert scene.get(target).code == "syncStateInvalid"
    tenant = scene.directory.tenants.create("Fabrikam", ("fabrikam.example",))
    other = register(scene.probe, *ROLES, tenant=tenant)
    assert other.get(f"/v1.0/users/delta?$deltatoken={token}").code == "syncStateInvalid"
    assert scene.get(f"/beta/users/delta?$deltatoken={token}").status == 200
    assert scene.get(f"/v1.0/users/delta?%24deltatoken={token}&$top=5").status == 200


def test_expired_token(stage: Callable[..., Scene]) -> None:
    """A link is good for seven days, which begin anew with every new link."""
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8)
    follower = scene.follow("/v1.0/users/delta")
    old = follower.link

    scene.directory.clock.move(6 * DAY)
    follower.finish()
    scene.directory.clock.move(6 * DAY)
    follower.finish()
    answer = scene.get(old)
    assert (answer.status, answer.code) == (400, "syncStateNotFound")
    assert answer.message == (
        "The sync state generation is not found. The delta token is expired and data must be "
        "synchronized again."
    )


def test_gone_token(stage: Callable[..., Scene]) -> None:
    """By a setting an expired link is 410, with the way to a new beginning of the same query."""
    settings = DeltaSettings(age=60, gone=True)
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8, delta=settings)
    user = scene.add("user", jobTitle="Clerk")
    chosen = f"$select=jobTitle,manager&$filter=id eq '{key_of(user)}'"
    follower = scene.follow(f"/v1.0/users/delta?{quote(chosen, safe='$=&')}")

    scene.directory.clock.move(61)
    answer = scene.get(follower.link)
    assert (answer.status, answer.code) == (410, "resyncRequired")
    location = answer.headers["location"]
    expected = f"{scene.probe.emulator.url}/v1.0/users/delta?{chosen}&$deltatoken="
    assert unquote(location) == expected
    again = scene.follow(location)
    assert again.objects == {key_of(user): {"jobTitle": "Clerk", "id": key_of(user)}}


def test_pruned_journal(stage: Callable[..., Scene]) -> None:
    """A link older than the oldest change that is known is dead, whatever its age."""
    clock = Clock(at=1_800_000_000)
    scene = stage(clock=clock, token_lifetime=10**8, delta=DeltaSettings(age=90 * DAY))
    link = scene.follow("/v1.0/users/delta").link
    scene.add("user")
    clock.move(31 * DAY)
    fresh = scene.follow("/v1.0/users/delta").link
    for number in range(changes.SWEEP):
        scene.add("group", displayName=f"Group {number}")

    assert scene.get(link).code == "syncStateNotFound"
    assert scene.get(fresh).status == 200


def test_older_snapshot(stage: Callable[..., Scene], tmp_path: Path) -> None:
    """After a snapshot was restored, links of what came after it are dead."""
    scene = stage()
    scene.directory.backup(tmp_path / "snapshot")
    scene.add("user")
    link = scene.follow("/v1.0/users/delta").link
    scene.directory.restore(tmp_path / "snapshot")

    assert scene.get(link).code == "syncStateNotFound"


@pytest.fixture
def frozen(stage: Callable[..., Scene]) -> Scene:
    """A scene whose clock stands still, with three objects on a page."""
    return stage(clock=Clock(at=1_800_000_000), delta=DeltaSettings(page=3))


def test_repeats(frozen: Scene) -> None:
    """On demand every object is told twice, in another order, and nothing else changes."""
    for _ in range(5):
        frozen.add("user")
    for kind in ("delta_repeat", "delta_shuffle"):
        frozen.fail(kind)
    follower = Follower(frozen.get, "/v1.0/users/delta")

    told = [one["id"] for one in follower.finish()]
    assert len(told) == 10
    assert len(set(told)) == 5
    assert told != sorted(told)


def test_lost_event(frozen: Scene) -> None:
    """On demand one object of a page is not told, and never will be."""
    for _ in range(3):
        frozen.add("user")
    frozen.fail("delta_drop")
    follower = Follower(frozen.get, "/v1.0/users/delta")

    assert len(follower.finish()) == 2
    frozen.probe.emulator.faults.clear()
    assert follower.finish() == []


def test_empty_pages(frozen: Scene) -> None:
    """On demand a page is empty and leads on, for as long as it is demanded."""
    frozen.add("user")
    frozen.fail("empty_page")
    follower = Follower(frozen.get, "/v1.0/users/delta")

    for _ in range(3):
        page = follower.step()
        assert page["value"] == []
        assert "@odata.nextLink" in page
    frozen.probe.emulator.faults.clear()
    assert len(follower.finish()) == 1


def test_reset(frozen: Scene) -> None:
    """On demand a link is 410 with a new beginning, which is not."""
    follower = Follower(frozen.get, "/v1.0/users/delta")
    follower.finish()
    frozen.fail("delta_reset")

    answer = frozen.get(follower.link)
    assert answer.status == 410
    restart = f"{frozen.probe.emulator.url}/v1.0/users/delta?$deltatoken="
    assert answer.headers["location"] == restart
    frozen.probe.emulator.faults.clear()
    assert frozen.get(restart).status == 200


def test_expired_page(frozen: Scene) -> None:
    """On demand the link to a round's next page has expired."""
    for _ in range(4):
        frozen.add("user")
    link = frozen.get("/v1.0/users/delta").json()["@odata.nextLink"]
    frozen.fail("page_token")

    assert frozen.get(link).code == "Directory_ExpiredPageToken"


def test_lag(frozen: Scene) -> None:
    """A replica that lags behind tells what it does not know yet in a later round only."""
    clock = frozen.directory.clock
    old = frozen.add("user", jobTitle="Clerk")
    clock.move(100)
    frozen.fail("stale", lag=60.0)
    frozen.add("user")
    frozen.update(old, jobTitle="Cook")
    follower = Follower(frozen.get, "/v1.0/users/delta?$select=jobTitle")

    assert follower.finish() == [{"jobTitle": "Clerk", "id": key_of(old)}]
    assert follower.finish() == []
    clock.move(61)
    assert len(follower.finish()) == 2
    assert follower.objects[key_of(old)]["jobTitle"] == "Cook"


def test_stale_bin(frozen: Scene) -> None:
    """A replica that lags behind does not bring back who was in the recycle bin all along."""
    clock, user = frozen.directory.clock, frozen.add("user")
    follower = frozen.follow("/v1.0/users/delta")
    frozen.delete(user)
    clock.move(100)
    frozen.fail("stale", lag=60.0)
    item = frozen.directory.recycle_bin.find(frozen.tenant, key_of(user))
    assert item is not None
    frozen.directory.recycle_bin.purge(frozen.tenant, item)

    assert follower.finish() == [{"id": key_of(user), "@removed": {"reason": "changed"}}]
    assert frozen.get("/v1.0/users").json()["value"] == []
    clock.move(61)
    assert follower.finish() == [{"id": key_of(user), "@removed": {"reason": "deleted"}}]


def test_changes_meanwhile(stage: Callable[..., Scene]) -> None:
    """What changes while the first round is walked is told by the next one."""
    scene = stage(delta=DeltaSettings(page=1))
    first, second, third = (scene.add("user", jobTitle="Clerk") for _ in range(3))
    follower = Follower(scene.get, "/v1.0/users/delta?$select=jobTitle")
    follower.step()
    scene.update(first, jobTitle="Cook")
    scene.delete(second)
    new = scene.add("user", jobTitle="New")
    follower.finish()

    follower.finish()
    assert {key: one["jobTitle"] for key, one in follower.objects.items()} == {
        key_of(first): "Cook",
        key_of(third): "Clerk",
        key_of(new): "New",
    }
    assert follower.finish() == []


def test_applications(scene: Scene) -> None:
    """Applications tell what is set of all they show by default."""
    app = scene.directory.applications.register(scene.tenant, "Payroll")
    follower = scene.follow("/v1.0/applications/delta")

    told = follower.objects[app.id]
    assert set(told) <= set(schema.default("application"))
    assert told["displayName"] == "Payroll"
    scene.directory.applications.make_public(scene.tenant, app.app_id)
    assert [one["isFallbackPublicClient"] for one in follower.finish()] == [True]


def test_permissions(scene: Scene) -> None:
    """Who may not list a type may not follow it."""
    reader = register(scene.probe, "User.Read.All", tenant=scene.tenant)
    token = reader.token()

    assert reader.get("/v1.0/users/delta", token).status == 200
    assert reader.get("/v1.0/groups/delta", token).code == "Authorization_RequestDenied"


def refusal(word: str) -> Any:
    return GRAPH_REFUSALS[word]
