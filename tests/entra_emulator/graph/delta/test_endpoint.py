from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from entra_emulator.clock import Clock
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.web.context import DeltaSettings
from tests.support.delta_follower import Follower
from tests.support.delta_scene import DAY, ROLES, Scene, key_of, reference
from tests.support.emulator_probe import register
from tools.fidelity import list_reached


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


def test_expired_item(stage: Callable[..., Scene]) -> None:
    """Thirty days after its deletion an object is told to be gone for good."""
    scene = stage(clock=Clock(at=1_800_000_000), token_lifetime=10**8)
    user = scene.add("user")
    scene.delete(user)
    scene.directory.clock.move(27 * DAY)
    follower = scene.follow("/v1.0/users/delta")

    scene.directory.clock.move(4 * DAY)
    assert follower.finish() == [{"id": key_of(user), "@removed": {"reason": "deleted"}}]


def test_hidden_members(scene: Scene) -> None:
    """Who is in a group that hides its members is told to those who may know."""
    group, user = scene.add("group", visibility="HiddenMembership"), scene.add("user")
    scene.link("members", group, user)
    insider = register(scene.probe, *ROLES, "Member.Read.Hidden", tenant=scene.tenant)

    target = "/v1.0/groups/delta?$select=members"
    assert scene.get(target).json()["value"] == [{"id": key_of(group)}]
    told = insider.get(target).json()["value"]
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


def test_permissions(scene: Scene) -> None:
    """Who may not list a type may not follow it."""
    reader = register(scene.probe, "User.Read.All", tenant=scene.tenant)
    token = reader.token()

    assert reader.get("/v1.0/users/delta", token).status == 200
    assert reader.get("/v1.0/groups/delta", token).code == "Authorization_RequestDenied"


def refusal(word: str) -> Any:
    return GRAPH_REFUSALS[word]
