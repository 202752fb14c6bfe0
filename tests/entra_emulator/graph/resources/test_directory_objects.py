from typing import Any

import msgspec
import pytest

from tests.support.emulator_probe import Probe, register
from tests.support.graph_memberships import NOBODY, Scene, key_of


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
    objects = answer.json()["value"]
    assert [list(one)[:2] for one in objects] == [["@odata.type", "id"]] * 2
    assert [one["id"] for one in objects] == [key_of(scene.ana), key_of(scene.inner)]
    user = objects[0]
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
