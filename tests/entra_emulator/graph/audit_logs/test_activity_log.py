"""`/auditLogs/directoryAudits`: what every change leaves there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.audit_log_scene import LogScene
from tests.support.emulator_probe import Probe
from tests.support.graph_writer import PERMISSIONS, Writer, start_writer
from tests.support.portal_visitor import Visitor, register_by_hand
from tests.support.user_flows import holder, web_client

AUDITS = "/auditLogs/directoryAudits"


@pytest.fixture(scope="module")
def logged(probe: Probe) -> Writer:
    return start_writer(probe, *PERMISSIONS, "AuditLog.Read.All")


def list_new(logged: Writer, work: Callable[[], Any]) -> list[dict[str, Any]]:
    """The entries that the work leaves, the first one first."""
    before = {entry["id"] for entry in logged.get(AUDITS)["value"]}
    work()
    entries: list[dict[str, Any]] = logged.get(AUDITS)["value"]
    return [entry for entry in entries[::-1] if entry["id"] not in before]


def properties(entry: dict[str, Any], place: int = 0) -> dict[str, tuple[str | None, str | None]]:
    modified = entry["targetResources"][place]["modifiedProperties"]
    return {one["displayName"]: (one["oldValue"], one["newValue"]) for one in modified}


def test_an_application_makes_changes_and_deletes_a_user(logged: Writer) -> None:
    def work() -> None:
        user = logged.make_user(displayName="Anna")
        assert logged.patch(f"/users/{user['id']}", {"city": "Ulm"}).status == 204
        assert logged.delete(f"/users/{user['id']}").status == 204

    added, updated, deleted = list_new(logged, work)

    names = [entry["activityDisplayName"] for entry in (added, updated, deleted)]
    assert names == ["Add user", "Update user", "Delete user"]
    assert [entry["operationType"] for entry in (added, updated, deleted)] == [
        "Add",
        "Update",
        "Delete",
    ]
    for entry in (added, updated, deleted):
        assert (entry["category"], entry["result"]) == ("UserManagement", "success")
        assert entry["initiatedBy"]["user"] is None
        assert entry["initiatedBy"]["app"]["appId"] == logged.app.client_id
        assert entry["initiatedBy"]["app"]["displayName"] == "Writer"
        (target,) = entry["targetResources"]
        assert target["type"] == "User"
        assert target["userPrincipalName"].endswith(logged.domain)
    assert properties(updated) == {
        "City": ("[]", '["Ulm"]'),
        "Included Updated Properties": (None, '"City"'),
    }
    assert properties(added)["DisplayName"] == ("[]", '["Anna"]')
    assert properties(deleted) == {}


def test_an_entry_is_found_by_the_ids_of_the_answer_that_it_tells_of(logged: Writer) -> None:
    answer = logged.post("/groups", logged.group())
    request_id = answer.headers["request-id"]
    found = logged.get(f"{AUDITS}?$filter=correlationId%20eq%20'{request_id}'")["value"]

    assert [entry["activityDisplayName"] for entry in found] == ["Add group"]
    shown = logged.get(f"{AUDITS}/{found[0]['id']}")
    assert shown.items() >= found[0].items()
    assert logged.send("GET", f"{AUDITS}/{found[0]['id']}x").status == 404


def test_a_member_stands_before_its_group(logged: Writer) -> None:
    group, user = logged.make_group(displayName="Staff"), logged.make_user()

    def work() -> None:
        assert logged.link(f"/groups/{group['id']}/members", user["id"]).status == 204
        target = f"/groups/{group['id']}/members/{user['id']}/$ref"
        assert logged.delete(target).status == 204

    added, removed = list_new(logged, work)
    assert added["activityDisplayName"] == "Add member to group"
    assert removed["activityDisplayName"] == "Remove member from group"
    for entry in (added, removed):
        assert [one["type"] for one in entry["targetResources"]] == ["User", "Group"]
        assert [one["id"] for one in entry["targetResources"]] == [user["id"], group["id"]]
    assert properties(added)["Group.DisplayName"] == (None, '"Staff"')
    assert properties(removed)["Group.DisplayName"] == ('"Staff"', None)


def test_a_secret_is_known_by_its_id_alone(logged: Writer) -> None:
    app = logged.make("/applications", {"displayName": "Payroll"})
    made: list[dict[str, Any]] = []

    def work() -> None:
        body = {"passwordCredential": {"displayName": "first"}}
        made.append(logged.post(f"/applications/{app['id']}/addPassword", body).json())

    (entry,) = list_new(logged, work)
    assert entry["activityDisplayName"].startswith("Update application – Certificates")  # noqa: RUF001 - as there
    old, new = properties(entry)["KeyDescription"]
    assert old == "[]"
    key_id = made[0]["keyId"]
    assert new == (
        f'["[KeyIdentifier={key_id},KeyType=Password,KeyUsage=Verify,DisplayName=first]"]'
    )
    assert made[0]["secretText"] not in str(entry)
    assert f"'{made[0]['hint']}" not in str(entry)


def test_a_password_is_in_no_entry(logged: Writer) -> None:
    password = "Very-secret-Pa55word!"

    def work() -> None:
        profile = {"password": password, "forceChangePasswordNextSignIn": False}
        user = logged.make_user(passwordProfile=profile)
        changed = logged.patch(f"/users/{user['id']}", {"passwordProfile": profile})
        assert changed.status == 204

    entries = list_new(logged, work)
    assert [entry["activityDisplayName"] for entry in entries] == [
        "Add user",
        "Reset user password",
    ]
    assert password not in str(entries)


def test_what_the_journal_does_not_have_is_named_by_the_request(
    logged: Writer, graph: dict[str, Any]
) -> None:
    principal = logged.get(f"/servicePrincipals(appId='{logged.app.client_id}')")
    role = next(one for one in graph["appRoles"] if one["value"] == "Mail.Send")
    own = logged.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")

    def work() -> None:
        body = {
            "principalId": principal["id"],
            "resourceId": own["id"],
            "appRoleId": role["id"],
        }
        path = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
        assert logged.post(path, body).status == 201

    (entry,) = list_new(logged, work)
    assert entry["activityDisplayName"] == "Add app role assignment to service principal"
    assert (entry["category"], entry["operationType"]) == ("ApplicationManagement", "Assign")
    assert [one["id"] for one in entry["targetResources"]] == [principal["id"]]


def test_a_change_that_is_refused_is_a_failure_with_its_reason(logged: Writer) -> None:
    user = logged.make_user()
    taken = logged.user(userPrincipalName=user["userPrincipalName"])

    (entry,) = list_new(logged, lambda: logged.post("/users", taken))
    assert (entry["activityDisplayName"], entry["result"]) == ("Add user", "failure")
    assert "userPrincipalName" in entry["resultReason"]


def test_what_is_refused_for_want_of_permission_leaves_no_entry(logged: Writer) -> None:
    colleague = logged.colleague("User.Read.All")

    assert list_new(logged, lambda: colleague.post("/users", logged.user())) == []


def test_reading_and_writing_the_same_again_leave_no_update(logged: Writer) -> None:
    user = logged.make_user(city="Ulm")

    def work() -> None:
        logged.get(f"/users/{user['id']}")
        assert logged.patch(f"/users/{user['id']}", {"city": "Ulm"}).status == 204

    assert [entry["activityDisplayName"] for entry in list_new(logged, work)] == ["Update user"]


def test_another_tenants_changes_are_not_shown(probe: Probe, logged: Writer) -> None:
    other = start_writer(probe)

    assert list_new(logged, other.make_user) == []


def test_a_filter_finds_entries_by_what_and_by_whom(logged: Writer) -> None:
    group = logged.make_group(displayName="Found by name")
    logged.make_user()

    def find(condition: str) -> list[str]:
        entries = logged.get(f"{AUDITS}?$filter={condition.replace(' ', '%20')}")["value"]
        return [entry["activityDisplayName"] for entry in entries]

    assert set(find("activityDisplayName eq 'Add group'")) == {"Add group"}
    assert set(find("startswith(activityDisplayName,'Add ')")) >= {"Add group", "Add user"}
    assert find(f"targetResources/any(t: t/id eq '{group['id']}')") == ["Add group"]
    named = "targetResources/any(t: startswith(t/displayName,'Found by'))"
    assert find(f"category eq 'GroupManagement' and {named}") == ["Add group"]
    own = f"initiatedBy/app/appId eq '{logged.app.client_id}'"
    assert len(find(own)) > 2
    assert find("initiatedBy/user/id eq '99999999-9999-4999-8999-999999999999'") == []
    assert find("activityDateTime le 2020-01-01T00:00:00Z") == []


def test_a_signed_in_user_is_the_one_who_did_it(launch: Callable[..., Probe]) -> None:
    scene = LogScene(launch)
    emulator, client = scene.probe.emulator, web_client(scene.probe)
    administrator = holder(emulator, "Global Administrator")
    user = emulator.directory.users.find(emulator.tenant, administrator)
    assert user is not None
    scopes = ["Group.ReadWrite.All"]
    emulator.directory.consents.grant_scopes(
        emulator.tenant, client.client_id, scopes, user=user["id"]
    )
    tokens = client.tokens(administrator, scope="Group.ReadWrite.All openid")
    writer = Writer(scene.reader, tokens["access_token"])
    writer.make("/groups", writer.group())

    (entry,) = scene.list(AUDITS, condition="activityDisplayName eq 'Add group'")
    assert entry["initiatedBy"]["app"] is None
    known = {"id": user["id"], "userPrincipalName": administrator, "ipAddress": "127.0.0.1"}
    assert entry["initiatedBy"]["user"].items() >= known.items()
    own = scene.list(AUDITS, condition=f"initiatedBy/user/id eq '{user['id']}'")
    assert entry in own
    assert all(one["initiatedBy"]["user"]["id"] == user["id"] for one in own)


def test_what_is_done_in_the_portal_is_logged_like_what_is_asked_of_graph(
    launch: Callable[..., Probe],
) -> None:
    scene = LogScene(launch)
    visitor = Visitor(scene.probe)
    visitor.sign_in()
    app_id = register_by_hand(visitor, "Made by hand")
    emulator = scene.probe.emulator
    application = emulator.directory.applications.find(emulator.tenant, app_id)
    assert application is not None
    condition = f"targetResources/any(t: t/id eq '{application.id}')"
    entries = scene.list(AUDITS, condition=condition)
    administrator = holder(emulator, "Global Administrator")

    assert entries[-1]["activityDisplayName"] == "Add application"
    for entry in entries:
        assert entry["initiatedBy"]["user"]["userPrincipalName"] == administrator
    signed_in = scene.list("/auditLogs/signIns", condition="appDisplayName eq 'Azure Portal'")
    assert [entry["userPrincipalName"] for entry in signed_in] == [administrator]


def test_members_by_rule_are_nobodys_doing(probe: Probe) -> None:
    logged = start_writer(probe, *PERMISSIONS, "AuditLog.Read.All")
    probe.emulator.directory.licences.add_subscriptions(logged.app.tenant, {})
    rule = {
        "groupTypes": ["DynamicMembership"],
        "membershipRule": 'user.department -eq "Sales"',
        "membershipRuleProcessingState": "On",
    }
    group = logged.make_group(**rule)

    entries = list_new(logged, lambda: logged.make_user(department="Sales"))
    assert len(logged.get(f"/groups/{group['id']}/members")["value"]) == 1
    assert [entry["activityDisplayName"] for entry in entries] == ["Add user"]
