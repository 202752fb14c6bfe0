from typing import Any

import pytest

from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_links import members
from tests.support.graph_writer import NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client


@pytest.fixture(scope="module")
def administrator(writer: Writer) -> Writer:
    """A signed-in global administrator, who may also register devices."""
    user = writer.make_user()
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    directory.role_members.assign(tenant, user["id"], "Global Administrator")
    client = Client(writer.app.probe, tenant, AZURE_CLI, NATIVE)
    tokens = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)
    return Writer(writer.app, tokens["access_token"])


def device(**changes: Any) -> dict[str, Any]:
    return {
        "accountEnabled": True,
        "alternativeSecurityIds": [{"type": 2, "key": "Y3YxN2E1MWFlYw=="}],
        "deviceId": "4C299165-6e8f-4b45-a5ba-c5d250a707ff",
        "displayName": "Test device",
        "operatingSystem": "linux",
        "operatingSystemVersion": "1",
    } | changes


def test_devices(writer: Writer, administrator: Writer) -> None:
    """Devices are registered by people, have owners and users, and go for ever."""
    user = writer.make_user()["id"]
    answer = administrator.post("/devices", device())
    made = answer.json()
    path = f"/devices/{made['id']}"

    assert answer.status == 201
    assert answer.headers["location"].endswith("/Microsoft.DirectoryServices.Device")
    assert made["deviceId"] == device()["deviceId"].lower()
    assert writer.get(f"/devices(deviceId='{made['deviceId']}')")["id"] == made["id"]
    taken = administrator.post("/devices", device())
    assert taken.message.startswith("A conflicting object with one or more")
    assert taken.json()["error"]["details"][0]["code"] == "ConflictingObjects"
    assert administrator.post("/devices", device(deviceId="x", displayName=None)).status == 400
    for name in ("registeredOwners", "registeredUsers"):
        assert administrator.link(f"{path}/{name}", user).status == 204
        assert members(writer, f"{path}/{name}") == [user]
        assert administrator.delete(f"{path}/{name}/{user}/$ref").status == 204
    assert writer.patch(path, {"accountEnabled": False}).status == 204
    assert writer.patch(path, {"deviceId": NOBODY}).status == 400
    assert writer.delete(path).status == 204
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    assert directory.recycle_bin.find(tenant, made["id"]) is None
