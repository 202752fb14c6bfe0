from typing import Any

import jwt

from entra_emulator.model.directory_roles import ROLES
from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_writer import NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client


def test_directory_roles(writer: Writer) -> None:
    """A role is put in use once; who is added to it has it in the next token."""
    template = ROLES["Groups Administrator"]
    user = writer.make_user()
    answer = writer.post("/directoryRoles", {"roleTemplateId": template})
    made = answer.json()
    path = f"/directoryRoles/{made['id']}/members"

    assert answer.status == 201
    assert list(made)[1:] == [
        "id",
        "deletedDateTime",
        "description",
        "displayName",
        "roleTemplateId",
    ]
    again = writer.post("/directoryRoles", {"roleTemplateId": template})
    assert again.message.startswith("A conflicting object")
    assert writer.post("/directoryRoles", {"roleTemplateId": NOBODY}).status == 404
    assert template not in wids(writer, user)
    assert writer.link(path, user["id"]).status == 204
    assert template in wids(writer, user)
    assert writer.link(path, writer.make_group()["id"]).status == 400
    keeper = writer.make_group(isAssignableToRole=True)["id"]
    by_template = f"/directoryRoles(roleTemplateId='{template}')/members"
    assert writer.link(by_template, keeper).status == 204
    assert writer.delete(f"{by_template}/{user['id']}/$ref").status == 204
    assert template not in wids(writer, user)


def wids(writer: Writer, user: dict[str, Any]) -> list[str]:
    client = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE)
    token = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    ids: list[str] = jwt.decode(token, options={"verify_signature": False})["wids"]
    return ids


def test_roles_and_their_members_are_answered_in_one_page(writer: Writer) -> None:
    """Graph refuses every size of a page there, and shows more than a page holds elsewhere."""
    template = ROLES["Cloud Application Administrator"]
    role = writer.make("/directoryRoles", {"roleTemplateId": template})["id"]
    path = f"/directoryRoles/{role}/members"
    for _ in range(101):
        assert writer.link(path, writer.make_user()["id"]).status == 204

    page = writer.get(path)
    assert len(page["value"]) == 101
    assert "@odata.nextLink" not in page
    whole = ("/directoryRoles", "/directoryRoleTemplates", "/subscribedSkus")
    for sized in (path, f"{path}/$ref", f"{path}/microsoft.graph.user", *whole):
        answer = writer.send("GET", f"{sized}?$top=5")
        assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")
        assert answer.message.startswith("This resource does not support custom page sizes.")


def test_role_templates(writer: Writer) -> None:
    """The templates of directory roles can be listed and read."""
    listed = writer.get("/directoryRoleTemplates")
    template = ROLES["Global Reader"]

    assert listed["@odata.context"].endswith("#directoryRoleTemplates")
    assert "@odata.nextLink" not in listed
    assert {one["id"] for one in listed["value"]} == set(ROLES.values())
    assert list(listed["value"][0]) == ["id", "deletedDateTime", "description", "displayName"]
    shown = writer.get(f"/directoryRoleTemplates/{template}")
    assert shown["displayName"] == "Global Reader"
    assert writer.send("GET", f"/directoryRoleTemplates/{NOBODY}").status == 404
