"""`signInActivity` of users, over the wire."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from entra_emulator.clock import Clock
from tests.support.emulator_probe import App, Probe, register
from tests.support.graph_users import USERS, ids, walk
from tests.support.graph_writer import start_writer
from tests.support.user_flows import ordinary, web_client

NAMES = [
    "lastSignInDateTime",
    "lastSignInRequestId",
    "lastNonInteractiveSignInDateTime",
    "lastNonInteractiveSignInRequestId",
    "lastSuccessfulSignInDateTime",
    "lastSuccessfulSignInRequestId",
]


@pytest.fixture(scope="module")
def reader(probe: Probe) -> App:
    return register(probe, "User.Read.All", "AuditLog.Read.All")


@pytest.fixture(scope="module")
def reading(reader: App) -> str:
    return reader.token()


def test_users_who_never_signed_in_have_no_activity_and_everybody_an_id(
    reader: App, reading: str
) -> None:
    pages = walk(reader, reading, "/v1.0/users?$select=displayName,signInActivity&$top=120")
    users = [user for page in pages for user in page["value"]]
    active = [user for user in users if "signInActivity" in user]

    assert ids(pages) == [user["id"] for user in USERS]
    assert 150 < len(active) < len(users)
    assert all(list(user["signInActivity"]) == NAMES for user in active)
    assert all(list(user) == ["displayName", "id", "signInActivity"] for user in active)
    assert all(list(user) == ["displayName", "id"] for user in users if user not in active)


def test_a_filter_finds_those_whom_a_whole_list_shows(reader: App, reading: str) -> None:
    everybody = walk(reader, reading, "/v1.0/users?$select=signInActivity&$top=250")[0]["value"]
    moments = {
        user["id"]: user["signInActivity"]["lastSuccessfulSignInDateTime"]
        for user in everybody
        if "signInActivity" in user
    }
    middle = sorted(moments.values())[len(moments) // 2]
    condition = quote(f"signInActivity/lastSuccessfulSignInDateTime le {middle}")
    target = f"/v1.0/users?$filter={condition}&$top=37"
    pages = walk(reader, reading, target)

    assert ids(pages) == [user_id for user_id, moment in moments.items() if moment <= middle]
    assert len(pages) > 2
    assert "signInActivity" not in pages[0]["value"][0], "it shows only if it is selected"
    counted = reader.get(f"{target}&$count=true", reading, ConsistencyLevel="eventual").json()
    assert counted["@odata.count"] == len(ids(pages))
    number = reader.get(
        f"/v1.0/users/$count?$filter={condition}", reading, ConsistencyLevel="eventual"
    )
    assert int(number.body) == len(ids(pages))


def test_one_user_is_shown_with_activity_by_id_and_not_by_name(reader: App, reading: str) -> None:
    user = USERS[0]
    shown = reader.get(f"/v1.0/users/{user['id']}?$select=id,signInActivity", reading).json()
    assert list(shown["signInActivity"]) == NAMES

    target = f"/v1.0/users/{quote(user['userPrincipalName'])}?$select=signInActivity"
    refused = reader.get(target, reading)
    assert (refused.status, refused.code) == (400, "400")
    assert refused.message.startswith("Get By Key only supports UserId")


@pytest.mark.parametrize(
    "target",
    [
        "/users?$select=signInActivity",
        f"/users/{USERS[0]['id']}?$select=signInActivity",
        "/users?$filter=signInActivity/lastSignInDateTime%20le%202026-01-01",
    ],
)
def test_permission_and_licence_are_asked_for_wherever_the_activity_is(
    probe: Probe, app: App, token: str, target: str
) -> None:
    refused = app.get(f"/v1.0{target}", token)
    assert (refused.status, refused.code) == (403, "Authentication_MSGraphPermissionMissing")

    writer = start_writer(probe, "User.Read.All", "AuditLog.Read.All")
    free = writer.send("GET", target.replace(USERS[0]["id"], probe_user(probe, writer.app)))
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert (free.status, free.code) == (403, code)


def probe_user(probe: Probe, app: App) -> str:
    """A user of the application's tenant."""
    directory, tenant = probe.emulator.directory, app.tenant
    record = {
        "id": directory.new_id(),
        "displayName": "Somebody",
        "userPrincipalName": f"somebody@{tenant.domains[0]}",
    }
    directory.objects.create(tenant, "user", record)
    return record["id"]


def test_whoever_sees_only_the_basics_of_users_sees_no_activity(probe: Probe) -> None:
    basic = register(probe, "User.ReadBasic.All", "AuditLog.Read.All")

    page = basic.get("/v1.0/users?$select=id,signInActivity&$top=5").json()["value"]
    assert [list(user) for user in page] == [["id"]] * 5


def test_signing_in_is_what_the_activity_tells_of(launch: Callable[..., Probe]) -> None:
    clock = Clock(at=1_800_000_000)
    probe = launch(users=40, clock=clock)
    client, reader = web_client(probe), register(probe, "User.Read.All", "AuditLog.Read.All")
    somebody = ordinary(probe.emulator)
    user = probe.emulator.directory.users.find(probe.emulator.tenant, somebody)
    assert user is not None
    target = f"/v1.0/users/{user['id']}?$select=signInActivity"

    def show() -> dict[str, str]:
        activity: dict[str, str] = reader.get(target).json()["signInActivity"]
        return activity

    arrival = client.visit(somebody)
    redeemed = client.redeem(code=arrival.values["code"])
    first = show()
    assert first["lastSignInDateTime"] == "2027-01-15T08:00:00Z"
    assert first["lastSignInRequestId"] == redeemed.headers["x-ms-request-id"]
    assert first["lastSuccessfulSignInRequestId"] == redeemed.headers["x-ms-request-id"]

    clock.move(60)
    refreshed = client.refresh(redeemed.json()["refresh_token"])
    second = show()
    assert second["lastSignInDateTime"] == first["lastSignInDateTime"]
    assert second["lastNonInteractiveSignInDateTime"] == "2027-01-15T08:01:00Z"
    assert second["lastNonInteractiveSignInRequestId"] == refreshed.headers["x-ms-request-id"]

    clock.move(60)
    probe.emulator.directory.objects.update(
        probe.emulator.tenant, "user", user["id"], {"accountEnabled": False}
    )
    assert client.refresh(redeemed.json()["refresh_token"]).status == 400
    third = show()
    assert third["lastNonInteractiveSignInDateTime"] == "2027-01-15T08:02:00Z"
    assert third["lastSuccessfulSignInDateTime"] == "2027-01-15T08:01:00Z"
