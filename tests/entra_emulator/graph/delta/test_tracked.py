from urllib.parse import quote

import pytest

from tests.support.delta_scene import Scene, key_of


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


@pytest.mark.parametrize("options", ["$top=1", "$expand=manager", "$count=true"])
def test_ignored(scene: Scene, options: str) -> None:
    """Page sizes, expansions and counts are ignored without a word."""
    scene.add("user")
    scene.add("user")

    page = scene.get(f"/v1.0/users/delta?{options}").json()
    assert len(page["value"]) == 2
    assert "@odata.count" not in page
