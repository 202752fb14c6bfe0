"""`/auditLogs/signIns`: what is in it, and what every kind of sign-in looks like."""

import http.client
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, urlencode, urlsplit

import pytest

from entra_emulator.token_service.managed_identity import IMDS_PATH
from tests.support.audit_log_scene import LogScene
from tests.support.emulator_probe import Probe, register
from tests.support.graph_writer import start_writer
from tests.support.user_flows import ordinary, web_client

SIGN_INS = "/auditLogs/signIns"
BETA = f"/beta{SIGN_INS}"


@pytest.fixture
def scene(launch: Callable[..., Probe]) -> LogScene:
    return LogScene(launch)


def events(*names: str) -> str:
    return " or ".join(f"signInEventTypes/any(t: t eq '{name}')" for name in names)


def test_a_sign_in_on_a_page_is_the_newest_entry_with_the_ids_of_its_answer(
    scene: LogScene,
) -> None:
    client, somebody = web_client(scene.probe), ordinary(scene.probe.emulator)
    arrival = client.visit(somebody)
    redeemed = client.redeem(code=arrival.values["code"])
    entry = scene.ask(SIGN_INS, more="$top=1").json()["value"][0]

    user = scene.probe.emulator.directory.users.find(scene.probe.emulator.tenant, somebody)
    assert user is not None
    known = {
        "id": redeemed.headers["x-ms-request-id"],
        "createdDateTime": "2027-01-15T08:00:00.0000000Z",
        "userDisplayName": user["displayName"],
        "userPrincipalName": somebody,
        "userId": user["id"],
        "appId": client.client_id,
        "appDisplayName": "Orders web",
        "ipAddress": "127.0.0.1",
        "isInteractive": True,
        "resourceDisplayName": "Microsoft Graph",
        "status": {"errorCode": 0, "failureReason": None, "additionalDetails": None},
    }
    assert {name: entry[name] for name in known} == known
    assert scene.ask(f"{SIGN_INS}/{entry['id']}").json().items() >= entry.items()


def test_without_a_filter_on_the_event_only_sign_ins_on_pages_are_listed(scene: LogScene) -> None:
    client, somebody = web_client(scene.probe), ordinary(scene.probe.emulator)
    tokens = client.tokens(somebody)
    refreshed = client.refresh(tokens["refresh_token"])

    assert all(entry["isInteractive"] for entry in scene.list(BETA))
    silent = scene.list(BETA, condition=events("nonInteractiveUser"))
    assert silent[0]["id"] == refreshed.headers["x-ms-request-id"]
    assert silent[0]["incomingTokenType"] == "refreshToken"
    assert not any(entry["isInteractive"] for entry in silent)
    both = scene.list(BETA, condition=events("interactiveUser", "nonInteractiveUser"))
    assert len(both) == len(silent) + len(scene.list(BETA))


def test_an_application_signs_in_with_each_token_and_with_each_one_it_is_refused(
    scene: LogScene,
) -> None:
    app = register(scene.probe, "User.Read.All", name="Nightly sync")
    app.token()
    refused = scene.probe.post(app.token_path, app.form(client_secret="wrong"))
    condition = f"{events('servicePrincipal')} and appId eq '{app.client_id}'"
    last, first = scene.list(BETA, condition=condition)

    assert (last["id"], last["status"]["errorCode"]) == (refused.json()["trace_id"], 7000215)
    assert (first["status"]["errorCode"], first["resourceDisplayName"]) == (0, "Microsoft Graph")
    for entry in (first, last):
        assert entry["servicePrincipalName"] == "Nightly sync"
        assert entry["clientCredentialType"] == "clientSecret"
        assert entry["userId"] == ""


def test_a_stranger_leaves_no_entry(scene: LogScene) -> None:
    form = scene.reader.form(client_id="99999999-9999-4999-8999-999999999999")
    assert scene.probe.post(scene.reader.token_path, form).status == 400

    entries = scene.list(BETA, condition=events("servicePrincipal"))
    assert {entry["appId"] for entry in entries} == {scene.reader.client_id}


def test_a_managed_identity_has_an_event_of_its_own(launch: Callable[..., Probe]) -> None:
    scene = LogScene(partial(launch, managed_identity=True))
    emulator = scene.probe.emulator
    machine = emulator.directory.managed_identities.add(emulator.tenant, "vm-1", None)
    query = urlencode({"api-version": "2018-02-01", "resource": "https://graph.microsoft.com"})
    parts = urlsplit(emulator.imds_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", f"{IMDS_PATH}?{query}", headers={"Metadata": "true"})
    assert connection.getresponse().status == 200
    connection.close()

    (entry,) = scene.list(BETA, condition=events("managedIdentity"))
    assert (entry["appId"], entry["servicePrincipalName"]) == (machine.app_id, "vm-1")
    assert entry["clientCredentialType"] == "managedIdentity"


def test_seeded_sign_ins_are_those_of_the_last_30_days_that_activities_tell_of(
    scene: LogScene,
) -> None:
    users = scene.reader.get("/v1.0/users?$select=signInActivity&$top=500", scene.token).json()
    expected = {
        activity["lastSignInRequestId"]: (user["id"], activity["lastSignInDateTime"][:19])
        for user in users["value"]
        if (activity := user.get("signInActivity"))
        and (activity["lastSignInDateTime"] or "") >= "2026-12-16T08:00:00Z"
    }
    entries = scene.list(SIGN_INS)

    assert len(expected) > 10
    assert {
        entry["id"]: (entry["userId"], entry["createdDateTime"][:19]) for entry in entries
    } == expected
    scene.clock.move(31 * 86_400)
    scene.token = scene.reader.token()
    assert scene.list(SIGN_INS) == []
    gone = scene.ask(f"{SIGN_INS}/{entries[0]['id']}")
    assert (gone.status, gone.code) == (404, "Request_ResourceNotFound")


def test_a_sign_in_of_a_deleted_user_keeps_its_name(scene: LogScene) -> None:
    client, somebody = web_client(scene.probe), ordinary(scene.probe.emulator)
    client.tokens(somebody)
    directory, tenant = scene.probe.emulator.directory, scene.probe.emulator.tenant
    directory.recycle_bin.delete(tenant, directory.users.need(tenant, somebody))

    assert scene.ask(SIGN_INS, more="$top=1").json()["value"][0]["userPrincipalName"] == somebody


def test_a_tenant_without_a_premium_licence_has_no_sign_ins_to_show(scene: LogScene) -> None:
    free = start_writer(scene.probe, "AuditLog.Read.All")

    refused = free.send("GET", SIGN_INS)
    assert refused.status == 403
    assert refused.message == "Tenant is not a B2C tenant and doesn't have premium license"


def test_another_tenants_sign_ins_are_not_shown(scene: LogScene) -> None:
    other = start_writer(scene.probe, "AuditLog.Read.All")
    other.app.token()

    entries = scene.list(BETA, condition=events("servicePrincipal"))
    assert {entry["appId"] for entry in entries} == {scene.reader.client_id}
    scene.probe.emulator.directory.licences.add_subscriptions(other.app.tenant, {})
    own = other.get(f"{BETA}?$filter={quote(events('servicePrincipal'))}")["value"]
    assert [entry["appId"] for entry in own] == [other.app.client_id] * 2
    assert other.send("GET", f"{SIGN_INS}/{entries[0]['id']}").status == 404


def test_no_entry_holds_what_is_secret(scene: LogScene) -> None:
    client, somebody = web_client(scene.probe), ordinary(scene.probe.emulator)
    arrival = client.visit(somebody)
    tokens = client.redeem(code=arrival.values["code"]).json()
    client.refresh(tokens["refresh_token"])
    scene.probe.post(
        scene.reader.token_path, scene.reader.form(client_secret="s3cret-that-is-wrong")
    )
    names = ("interactiveUser", "nonInteractiveUser", "servicePrincipal", "managedIdentity")
    text = str(scene.list(BETA, condition=events(*names)))

    assert client.secret
    secrets = (
        client.secret,
        scene.reader.secret,
        "s3cret-that-is-wrong",
        arrival.values["code"],
        tokens["refresh_token"],
        tokens["access_token"],
        tokens["id_token"],
    )
    assert [secret for secret in secrets if secret in text] == []
