from typing import Any

import pytest

from tests.support.graph_principals import make, role_id
from tests.support.graph_writer import Writer
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


def test_records_are_expanded_as_their_own_lists_have_them(
    writer: Writer, graph: dict[str, Any]
) -> None:
    _, principal = make(writer)
    user, group = writer.make_user(), writer.make_group()
    role = role_id(graph, "User.Read.All")
    body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}
    writer.make(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo", body)
    for holder, path in ((user, "users"), (group, "groups")):
        body = {"principalId": holder["id"], "resourceId": principal["id"]}
        body["appRoleId"] = "00000000-0000-0000-0000-000000000000"
        writer.make(f"/{path}/{holder['id']}/appRoleAssignments", body)
    grant = {"clientId": principal["id"], "consentType": "Principal", "principalId": user["id"]}
    writer.make(
        "/oauth2PermissionGrants", grant | {"resourceId": graph["id"], "scope": "User.Read"}
    )

    for path, name in (
        (f"servicePrincipals/{principal['id']}", "appRoleAssignments"),
        (f"servicePrincipals/{principal['id']}", "appRoleAssignedTo"),
        (f"servicePrincipals/{principal['id']}", "oauth2PermissionGrants"),
        (f"users/{user['id']}", "appRoleAssignments"),
        (f"users/{user['id']}", "oauth2PermissionGrants"),
        (f"groups/{group['id']}", "appRoleAssignments"),
    ):
        listed = writer.get(f"/{path}/{name}")
        assert listed["value"], name
        one = writer.get(f"/{path}?$expand={name}&$select=id")
        assert one[name] == listed["value"]
        collection, _, key = path.partition("/")
        found = writer.get(
            f"/{collection}?$filter=id eq '{key}'&$expand={name}".replace(" ", "%20")
        )
        assert [item[name] for item in found["value"]] == [listed["value"]]
        if name != "oauth2PermissionGrants":
            assert one[f"{name}@odata.context"] == listed["@odata.context"]
        assert list(writer.get(f"/{path}?$expand={name}($select=id)")[name][0]) == ["id"]


def test_twenty_records_are_expanded_at_most(writer: Writer, graph: dict[str, Any]) -> None:
    _, principal = make(writer)
    for role in graph["appRoles"][:21]:
        body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role["id"]}
        writer.make(f"/servicePrincipals/{principal['id']}/appRoleAssignments", body)

    one = writer.get(f"/servicePrincipals/{principal['id']}?$expand=appRoleAssignments")

    assert len(one["appRoleAssignments"]) == 20


def test_licences_and_federated_credentials_are_expanded(writer: Writer) -> None:
    application = writer.make("/applications", {"displayName": "Federated"})
    path = f"/applications/{application['id']}"
    credential = {
        "name": "Deploy",
        "issuer": "https://i.example",
        "subject": "s",
        "audiences": ["a"],
    }
    made = writer.make(f"{path}/federatedIdentityCredentials", credential)
    user = writer.make_user()["id"]

    one = writer.get(f"{path}?$expand=federatedIdentityCredentials")
    assert [item["id"] for item in one["federatedIdentityCredentials"]] == [made["id"]]
    assert writer.get(f"/users/{user}?$expand=licenseDetails")["licenseDetails"] == []


def test_licences_are_expanded_in_a_list_too(scene: Scene) -> None:
    users = scene.get("/users?$expand=licenseDetails&$top=30").json()["value"]

    assert any(user["licenseDetails"] for user in users)
    for user in users[:5]:
        listed = scene.get(f"/users/{user['id']}/licenseDetails").json()["value"]
        assert user["licenseDetails"] == listed


def test_records_that_the_caller_may_not_list_are_not_expanded(writer: Writer) -> None:
    reader = writer.colleague("User.Read.All")
    user = writer.make_user()["id"]

    answer = reader.send("GET", f"/users/{user}?$expand=appRoleAssignments")

    assert reader.send("GET", f"/users/{user}/appRoleAssignments").status == 403
    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("name", ["photo", "drive", "calendar"])
def test_what_the_emulator_does_not_have_is_not_expanded(scene: Scene, name: str) -> None:
    assert scene.get(f"/users/{scene.users[0]}?$expand={name}").status == 501
