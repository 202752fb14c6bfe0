from entra_emulator.model import schema
from tests.support.delta_scene import Scene, key_of, reference


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


def test_applications(scene: Scene) -> None:
    """Applications tell what is set of all they show by default."""
    app = scene.directory.applications.register(scene.tenant, "Payroll")
    follower = scene.follow("/v1.0/applications/delta")

    told = follower.objects[app.id]
    assert set(told) <= set(schema.default("application"))
    assert told["displayName"] == "Payroll"
    scene.directory.applications.make_public(scene.tenant, app.app_id)
    assert [one["isFallbackPublicClient"] for one in follower.finish()] == [True]
