from typing import Any

import msgspec
import pytest

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import Answer, App, Probe, register

NOBODY = "00000000-0000-4000-8000-000000000000"
ACTIONS = ("checkMemberGroups", "checkMemberObjects", "getMemberGroups", "getMemberObjects")


class Scene:
    """
    A tenant in which Ana is in a group, in a group, in a group.

    The outer two are security groups; the outermost is a member of the innermost. Ana is in a
    unit and in a role, the outermost group in another unit.
    """

    def __init__(self, probe: Probe, *roles: str) -> None:
        self.probe = probe
        self.directory: Directory = probe.emulator.directory
        number = len(self.directory.tenants.list_all())
        self.tenant: Tenant = self.directory.tenants.create("Contoso", (f"in{number}.example",))
        self.app: App = register(probe, *(roles or ("Directory.Read.All",)), tenant=self.tenant)
        self.token = self.app.token()
        self.made = 0
        self.outer = self.add("group", securityEnabled=True)
        self.ana = self.add("user", userPrincipalName="ana@contoso.example")
        self.inner = self.add("group", securityEnabled=False)
        self.middle = self.add("group", securityEnabled=True)
        self.unit, self.far = self.add("administrativeUnit"), self.add("administrativeUnit")
        self.role = self.add("directoryRole", roleTemplateId=ROLES["Global Reader"])
        for source, target in (
            (self.inner, self.ana),
            (self.middle, self.inner),
            (self.outer, self.middle),
            (self.unit, self.ana),
            (self.far, self.outer),
            (self.role, self.ana),
        ):
            self.directory.links.add(self.tenant, "members", source, target)

    def add(self, kind: str, **changes: Any) -> StoredObject:
        self.made += 1
        key = f"{self.tenant.number:08x}-0000-4000-8000-{self.made:012}"
        record = {"id": key, "displayName": f"{kind} {self.made}"}
        return self.directory.objects.create(self.tenant, kind, record | changes)

    def post(self, target: str, body: Any = None, token: str | None = None) -> Answer:
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": "application/json",
        }
        data = None if body is None else msgspec.json.encode(body)
        return self.probe.send("POST", f"/v1.0{target}", headers=headers, body=data)

    def find(self, ids: list[str], **more: Any) -> list[dict[str, Any]]:
        value: list[dict[str, Any]] = self.post(
            "/directoryObjects/getByIds", {"ids": ids, **more}
        ).json()["value"]
        return value


def key_of(found: StoredObject) -> str:
    key: str = msgspec.json.decode(found.doc)["id"]
    return key


@pytest.fixture(scope="module")
def scene(probe: Probe) -> Scene:
    return Scene(probe)


def test_get_by_ids(scene: Scene) -> None:
    """Objects of any type are found by ID, typed, ID first; unknown IDs are left out silently."""
    keys = [key_of(scene.inner), NOBODY, key_of(scene.ana).upper(), key_of(scene.ana)]
    answer = scene.post("/directoryObjects/getByIds", {"ids": keys})

    assert answer.status == 200
    assert answer.headers["location"] == "https://graph.microsoft.com"
    assert answer.json()["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
    found = answer.json()["value"]
    assert [list(one)[:2] for one in found] == [["@odata.type", "id"]] * 2
    assert [one["id"] for one in found] == [key_of(scene.ana), key_of(scene.inner)]
    user = found[0]
    assert (
        list(user)
        == (
            "@odata.type id businessPhones displayName givenName jobTitle mail mobilePhone "
            "officeLocation preferredLanguage surname userPrincipalName"
        ).split()
    )


def test_types(scene: Scene) -> None:
    """Only the types asked for are searched, in any case of letters; foreign ones find nothing."""
    keys = [key_of(scene.ana), key_of(scene.inner), key_of(scene.unit)]

    def kinds(*types: str) -> list[str]:
        return [one["@odata.type"].rpartition(".")[2] for one in scene.find(keys, types=types)]

    assert kinds("USER", "servicePrincipal", "directoryObjectPartnerReference") == ["user"]
    assert kinds("group", "administrativeUnit") == ["group", "administrativeUnit"]
    assert len(kinds("directoryObject")) == len(kinds()) == 3
    assert kinds("device") == []


def test_select(scene: Scene) -> None:
    """`$select` shows what is asked for."""
    answer = scene.post(
        "/directoryObjects/getByIds?$select=userPrincipalName", {"ids": [key_of(scene.ana)]}
    )

    assert answer.json()["value"] == [
        {"@odata.type": "#microsoft.graph.user", "userPrincipalName": "ana@contoso.example"}
    ]


def test_foreign_ids(scene: Scene, probe: Probe) -> None:
    """Another tenant's objects are as unknown as none."""
    user = msgspec.json.decode(
        next(
            doc
            for _, doc in probe.emulator.directory.collections.scan(probe.emulator.tenant, "user")
        )
    )

    assert scene.find([user["id"]]) == []


def test_many_ids(scene: Scene) -> None:
    """A thousand IDs are allowed, one more is not."""
    keys = [f"00000000-0000-4000-8000-{number:012}" for number in range(1001)]

    assert scene.find([*keys[:999], key_of(scene.ana)])[0]["id"] == key_of(scene.ana)
    answer = scene.post("/directoryObjects/getByIds", {"ids": keys})
    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert "1001" in answer.message


@pytest.mark.parametrize(
    "body",
    [None, {}, {"ids": "x"}, {"ids": [1]}, {"ids": ["x"]}, {"ids": [], "types": "user"}, [], 1],
)
def test_bad_ids(scene: Scene, body: Any) -> None:
    """Without IDs, or with something else, nothing is looked for."""
    assert scene.post("/directoryObjects/getByIds", body).status == 400


def test_limited_information(probe: Probe) -> None:
    """Of types that the caller may not read only type and ID show."""
    scene = Scene(probe, "Directory.Read.All")
    reader = register(probe, "User.Read.All", tenant=scene.tenant)
    answer = scene.post(
        "/directoryObjects/getByIds",
        {"ids": [key_of(scene.ana), key_of(scene.inner)]},
        reader.token(),
    )

    if answer.status == 403:  # the published table asks for Directory.Read.All
        return
    assert list(answer.json()["value"][1]) == ["@odata.type", "id"]


PLACES = {"user": "users", "group": "groups"}


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
    found = scene.post(
        f"/groups/{key_of(scene.inner)}/getMemberGroups", {"securityEnabledOnly": False}
    ).json()["value"]

    assert sorted(found) == sorted(map(key_of, (scene.inner, scene.middle, scene.outer)))


def test_member_objects(scene: Scene) -> None:
    """Roles and units are told too; who is in a group of a unit is not in the unit."""
    path = f"/directoryObjects/{key_of(scene.ana)}/getMemberObjects"
    found = scene.post(path, {"securityEnabledOnly": False}).json()["value"]
    groups = [key_of(one) for one in (scene.inner, scene.unit, scene.role)]

    assert found[:3] == groups
    assert set(found[3:]) == {key_of(scene.middle), key_of(scene.outer)}
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
    found = scene.add(kind, deviceId=f"{action} device", appId=f"{action} app")
    parameters = {
        "checkMemberGroups": {"groupIds": [NOBODY]},
        "checkMemberObjects": {"ids": [NOBODY]},
    }.get(action, {"securityEnabledOnly": False})

    answer = scene.post(f"/{place}/{key_of(found)}/{action}", parameters)
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
