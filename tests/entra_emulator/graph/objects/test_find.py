from urllib.parse import quote

import pytest

from tests.support.linked_objects import GLOBAL_ADMINISTRATOR, Scene


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


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "\u00c4rger", "it's"])
def test_a_unique_name_finds_its_group_whatever_its_letters(scene: Scene, name: str) -> None:
    directory, tenant = scene.app.probe.emulator.directory, scene.app.tenant
    record = {"id": directory.new_id(), "displayName": "x", "uniqueName": name}
    directory.objects.create(tenant, "group", record)
    key = quote(name.replace("'", "''"), safe="")

    assert scene.get(f"/groups(uniqueName='{key}')").json()["id"] == record["id"]
