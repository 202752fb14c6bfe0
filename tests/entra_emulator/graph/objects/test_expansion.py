import pytest

from tests.support.linked_objects import Scene


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


NO_METADATA = {"accept": "application/json;odata.metadata=none"}


@pytest.mark.parametrize(
    "path",
    [
        "/groups/{group}?$expand=members",
        "/groups?$expand=members($select=id)",
        "/users/{user}?$expand=manager($levels=max)",
        "/users/{user}?$expand=memberOf",
        "/directoryObjects/{user}",
        "/users/{user}/manager",
    ],
)
def test_who_wants_no_metadata_gets_no_types_of_linked_objects(scene: Scene, path: str) -> None:
    target = path.format(group=scene.inner, user=scene.users[4])

    assert b"@odata.type" in scene.get(target).body
    plain = scene.get(target, **NO_METADATA)
    assert plain.status == 200
    assert b"@odata." not in plain.body
