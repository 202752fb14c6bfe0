from typing import Any

import pytest

from entra_emulator.model.directory_roles import ROLES
from tests.support.emulator_probe import Probe
from tests.support.graph_memberships import NOBODY, Scene, key_of

ACTIONS = ("checkMemberGroups", "checkMemberObjects", "getMemberGroups", "getMemberObjects")


@pytest.fixture(scope="module")
def scene(probe: Probe) -> Scene:
    return Scene(probe)


def test_member_groups(scene: Scene) -> None:
    """Groups are told transitively, direct ones first; groups that contain each other end."""
    inner, middle, outer = map(key_of, (scene.inner, scene.middle, scene.outer))
    answer = scene.post(
        f"/users/{key_of(scene.ana)}/getMemberGroups", {"securityEnabledOnly": False}
    )

    assert answer.status == 200
    assert answer.headers["location"] == "https://graph.microsoft.com"
    assert answer.json()["@odata.context"].endswith("/v1.0/$metadata#Collection(Edm.String)")
    assert answer.json()["value"] == [inner, outer, middle]
    only = {"securityEnabledOnly": True}
    secure = scene.post("/users/ana@contoso.example/getMemberGroups", only).json()["value"]
    assert secure == [outer, middle]


def test_cycle(probe: Probe) -> None:
    """Groups that contain each other are told once."""
    scene = Scene(probe)
    scene.directory.links.add(scene.tenant, "members", scene.inner, scene.outer)
    ids = scene.post(
        f"/groups/{key_of(scene.inner)}/getMemberGroups", {"securityEnabledOnly": False}
    ).json()["value"]

    assert sorted(ids) == sorted(map(key_of, (scene.inner, scene.middle, scene.outer)))


def test_member_objects(scene: Scene) -> None:
    """Roles and units are told too; who is in a group of a unit is not in the unit."""
    path = f"/directoryObjects/{key_of(scene.ana)}/getMemberObjects"
    ids = scene.post(path, {"securityEnabledOnly": False}).json()["value"]
    groups = [key_of(one) for one in (scene.inner, scene.unit, scene.role)]

    assert ids[:3] == groups
    assert set(ids[3:]) == {key_of(scene.middle), key_of(scene.outer)}
    secure = scene.post(path, {"securityEnabledOnly": True}).json()["value"]
    assert set(secure) == {key_of(scene.middle), key_of(scene.outer)}


def test_check(scene: Scene) -> None:
    """Of the groups or objects asked for those are told that somebody is in, in that order."""
    inner, outer, unit = map(key_of, (scene.inner, scene.outer, scene.unit))
    template = ROLES["Global Reader"]
    path = f"/users/{key_of(scene.ana)}"

    groups = scene.post(
        f"{path}/checkMemberGroups", {"groupIds": [outer.upper(), NOBODY, inner, unit, outer]}
    )
    assert groups.json()["value"] == [outer, inner]
    assert groups.headers["location"] == "https://graph.microsoft.com"
    objects = scene.post(
        f"{path}/checkMemberObjects", {"ids": [unit, key_of(scene.far), template, outer]}
    )
    assert objects.json()["value"] == [unit, template, outer]


def test_cost(scene: Scene) -> None:
    """Looking up costs what was recorded."""
    path, key = f"/users/{key_of(scene.ana)}", key_of(scene.ana)
    answers = [
        scene.post("/directoryObjects/getByIds", {"ids": [key]}),
        scene.post(f"{path}/checkMemberGroups", {"groupIds": [key]}),
        scene.post(f"{path}/getMemberGroups", {"securityEnabledOnly": False}),
    ]

    assert [answer.headers["x-ms-resource-unit"] for answer in answers] == ["3", "4", "2"]


@pytest.mark.parametrize("action", ACTIONS[:2])
def test_check_many(scene: Scene, action: str) -> None:
    """Twenty can be checked at once, one more cannot."""
    name = "groupIds" if action == "checkMemberGroups" else "ids"
    keys = [f"00000000-0000-4000-8000-{number:012}" for number in range(21)]
    path = f"/directoryObjects/{key_of(scene.ana)}/{action}"

    assert scene.post(path, {name: keys[:20]}).json()["value"] == []
    assert scene.post(path, {name: keys}).status == 400
    assert scene.post(path, {}).status == 400


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", ["users", "groups", "devices", "servicePrincipals"])
def test_places(scene: Scene, place: str, action: str) -> None:
    """Users, groups, devices and service principals can be asked about."""
    kind = place.removesuffix("s")
    row = scene.add(kind, deviceId=f"{action} device", appId=f"{action} app")
    parameters = {
        "checkMemberGroups": {"groupIds": [NOBODY]},
        "checkMemberObjects": {"ids": [NOBODY]},
    }.get(action, {"securityEnabledOnly": False})

    answer = scene.post(f"/{place}/{key_of(row)}/{action}", parameters)
    assert (answer.status, answer.json()["value"]) == (200, [])
    assert scene.post(f"/{place}/{NOBODY}/{action}", parameters).status == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_me(scene: Scene, action: str) -> None:
    """An application has no memberships of its own to ask for."""
    assert scene.post(f"/me/{action}", {}).status == 400


@pytest.mark.parametrize("body", [None, {}, {"securityEnabledOnly": "x"}, {"other": True}])
def test_bad_parameters(scene: Scene, body: Any) -> None:
    """Whether only security groups are wanted must be said."""
    path = f"/users/{key_of(scene.ana)}/getMemberGroups"

    assert scene.post(path, body).status == 400
