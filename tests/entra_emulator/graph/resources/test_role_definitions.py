"""Role definitions: those of Microsoft's, and the tenant's own."""

from typing import Any
from urllib.parse import quote

import pytest

from entra_emulator.model.directory_roles import ROLES
from tests.support.graph_writer import NOBODY, Writer, start_writer

PATH = "/roleManagement/directory/roleDefinitions"
ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
ACTION = "microsoft.directory/applications/basic/update"
BODY = {
    "description": "Update basic properties of application registrations",
    "displayName": "Application Registration Support Administrator",
    "rolePermissions": [{"allowedResourceActions": [ACTION]}],
    "isEnabled": True,
}


@pytest.fixture
def licensed(writer: Writer) -> Writer:
    """Roles of one's own need a licence."""
    writer.app.probe.emulator.directory.licences.add_subscriptions(writer.app.tenant, {})
    return writer


def test_built_in_roles_are_listed_and_shown(writer: Writer) -> None:
    """Each has the ID of its template; they are found by ID, name and kind."""
    listed = writer.get(PATH)
    reader = writer.get(f"{PATH}/{ROLES['Global Reader'].upper()}")
    by_name = quote("displayName eq 'Global Reader'")

    assert listed["@odata.context"].endswith("#roleManagement/directory/roleDefinitions")
    listed["value"] += writer.get(listed["@odata.nextLink"].partition("/v1.0")[2])["value"]
    assert {one["id"] for one in listed["value"]} == set(ROLES.values())
    assert all(one["description"] and one["displayName"] for one in listed["value"])
    assert all(one["isBuiltIn"] and one["id"] == one["templateId"] for one in listed["value"])
    assert reader["inheritsPermissionsFrom"] == [{"id": ROLES["Directory Readers"]}]
    (found,) = writer.get(f"{PATH}?$filter={by_name}")["value"]
    assert found == {name: value for name, value in reader.items() if "@" not in name}
    assert writer.get(f"{PATH}?$filter=isBuiltIn%20eq%20false")["value"] == []
    assert writer.send("GET", f"{PATH}/{NOBODY}").status == 404
    shown = writer.get(f"{PATH}/{reader['id']}?$select=id&$expand=inheritsPermissionsFrom")
    assert shown["inheritsPermissionsFrom"][0]["displayName"] == "Directory Readers"


def test_a_role_of_ones_own_is_made_changed_and_removed(licensed: Writer) -> None:
    """It can be assigned while it is enabled, and goes with its assignments."""
    answer = licensed.post(PATH, BODY)
    made = answer.json()
    own, user = f"{PATH}/{made['id']}", licensed.make_user()["id"]
    body = {"roleDefinitionId": made["id"], "principalId": user, "directoryScopeId": "/"}

    assert answer.status == 201
    assert made.pop("@odata.context").endswith(f"#{PATH[1:]}/$entity")
    assert made == {
        "id": made["id"],
        **BODY,
        "isBuiltIn": False,
        "resourceScopes": ["/"],
        "templateId": made["id"],
        "version": None,
        "rolePermissions": [{"allowedResourceActions": [ACTION], "condition": None}],
        "inheritsPermissionsFrom": [],
    }
    assignment = licensed.make(ASSIGNMENTS, body)["id"]
    assert licensed.post(ASSIGNMENTS, body).status == 400
    assert licensed.patch(own, {"isEnabled": False, "version": "2"}).status == 204
    assert (licensed.get(own)["version"], licensed.get(own)["isEnabled"]) == ("2", False)
    assert "not enabled" in licensed.post(ASSIGNMENTS, body).message
    assert licensed.delete(own).status == 204
    assert licensed.send("GET", own).status == 404
    assert licensed.send("GET", f"{ASSIGNMENTS}/{assignment}").status == 404


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"displayName": None}, "property 'displayName'"),
        ({"rolePermissions": None}, "A 'StartArray' node was expected"),
        ({"isBuiltIn": True}, "'isBuiltIn' is read-only"),
        ({"resourceScopes": ["/x"]}, "property 'resourceScopes'"),
        (
            {"rolePermissions": [{"allowedResourceActions": ["microsoft.office365.network/x/y"]}]},
            "Action 'microsoft.office365.network/x/y' is not supported for Custom Role creation",
        ),
        ({"rolePermissions": [{"resourceActions": []}]}, "'resourceActions' does not exist"),
    ],
)
def test_roles_that_cannot_be_are_refused(
    licensed: Writer, changes: dict[str, Any], text: str
) -> None:
    """A new role is refused, saying why."""
    answer = licensed.post(PATH, BODY | changes)

    assert (answer.status, text in answer.message) == (400, True), answer.body


def test_what_a_role_inherits_from_is_sent_back_and_not_changed(licensed: Writer) -> None:
    """As GET shows it, in any case; another value is refused, of a new role too."""
    own = f"{PATH}/{licensed.make(PATH, BODY)['id']}"
    inherited = [{"id": ROLES["Directory Readers"]}]

    assert licensed.patch(own, {"inheritspermissionsfrom": [], "description": "x"}).status == 204
    assert licensed.get(own)["description"] == "x"
    for answer in (
        licensed.patch(own, {"inheritsPermissionsFrom": inherited, "description": "y"}),
        licensed.post(PATH, BODY | {"inheritsPermissionsFrom": inherited}),
    ):
        assert answer.status == 400
        assert "'inheritsPermissionsFrom' is read-only" in answer.message
    assert licensed.get(own)["description"] == "x"


def test_built_in_roles_stay_as_they_are(licensed: Writer) -> None:
    """Nobody changes or deletes them."""
    own = f"{PATH}/{ROLES['Global Reader']}"

    for answer in (licensed.patch(own, {"description": "x"}), licensed.delete(own)):
        assert (answer.status, "built-in role 'Global Reader'" in answer.message) == (400, True)


def test_roles_of_ones_own_need_a_licence(writer: Writer) -> None:
    """A tenant that has bought neither P1 nor P2 has the built-in roles only."""
    other = start_writer(writer.app.probe)
    answer = other.post(PATH, BODY)

    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    assert "P1 or P2" in answer.message
