"""Who has a role for an administrative unit."""

from entra_emulator.model.directory_roles import ROLES
from tests.support.graph_writer import NOBODY, Writer

UNITS = "/directory/administrativeUnits"
ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
HELPDESK = ROLES["Helpdesk Administrator"]


def test_scoped_members_and_role_assignments_are_one(writer: Writer) -> None:
    """Whichever is written, the other shows it; the unit, the role and the user name it."""
    unit = writer.make(UNITS, {"displayName": "U"})["id"]
    user, other = writer.make_user(), writer.make_user()
    role = writer.make("/directoryRoles", {"roleTemplateId": HELPDESK})["id"]
    path = f"{UNITS}/{unit}/scopedRoleMembers"
    answer = writer.post(path, {"roleId": role, "roleMemberInfo": {"id": user["id"]}})
    made = answer.json()

    assert answer.status == 201
    assert made.pop("@odata.context").endswith("/$metadata#scopedRoleMemberships/$entity")
    assert made == {
        "id": made["id"],
        "administrativeUnitId": unit,
        "roleId": role,
        "roleMemberInfo": {
            "id": user["id"],
            "displayName": user["displayName"],
            "userPrincipalName": user["userPrincipalName"],
        },
    }
    assert writer.get(f"{path}/{made['id']}")["roleMemberInfo"] == made["roleMemberInfo"]
    shown = writer.get(f"{ASSIGNMENTS}/{made['id']}")
    assert shown["directoryScopeId"] == f"/administrativeUnits/{unit}"
    assigned = writer.make(
        ASSIGNMENTS,
        {
            "roleDefinitionId": HELPDESK,
            "principalId": other["id"],
            "directoryScopeId": f"/administrativeUnits/{unit}",
        },
    )["id"]
    for listing in (path, f"/administrativeUnits/{unit}/scopedRoleMembers"):
        assert {one["id"] for one in writer.get(listing)["value"]} == {made["id"], assigned}
    by_role = writer.get(f"/directoryRoles/{role}/scopedMembers")["value"]
    assert {one["id"] for one in by_role} == {made["id"], assigned}
    assert writer.get(f"/users/{user['id']}/scopedRoleMemberOf")["value"] == [made]
    assert writer.delete(f"{path}/{made['id']}").status == 204
    assert writer.send("GET", f"{ASSIGNMENTS}/{made['id']}").status == 404
    assert writer.delete(f"{ASSIGNMENTS}/{assigned}").status == 204
    assert writer.get(path)["value"] == []


def test_a_role_for_the_whole_tenant_is_none_for_a_unit(writer: Writer) -> None:
    """Nor is one for another unit."""
    unit, other = (writer.make(UNITS, {"displayName": "U"})["id"] for _ in range(2))
    user = writer.make_user()["id"]
    for scope in ("/", f"/administrativeUnits/{other}"):
        body = {"roleDefinitionId": HELPDESK, "principalId": user, "directoryScopeId": scope}
        made = writer.make(ASSIGNMENTS, body)["id"]

    assert writer.get(f"{UNITS}/{unit}/scopedRoleMembers")["value"] == []
    assert writer.send("GET", f"{UNITS}/{unit}/scopedRoleMembers/{made}").status == 404


def test_scoped_members_that_cannot_be_are_refused(writer: Writer) -> None:
    """The same again, nobody, no role, no unit, no ID."""
    unit, user = writer.make(UNITS, {"displayName": "U"})["id"], writer.make_user()["id"]
    path = f"{UNITS}/{unit}/scopedRoleMembers"
    body = {"roleId": HELPDESK, "roleMemberInfo": {"id": user}}
    writer.make(path, body)

    for where, sent, status in (
        (path, body, 400),
        (path, body | {"roleMemberInfo": {"id": NOBODY}}, 404),
        (path, body | {"roleId": NOBODY}, 404),
        (path, body | {"roleMemberInfo": {}}, 400),
        (path, body | {"roleMemberInfo": {"id": writer.make_group()["id"]}}, 400),
        (path, {"roleId": HELPDESK}, 400),
        (f"{UNITS}/{NOBODY}/scopedRoleMembers", body, 404),
    ):
        assert writer.post(where, sent).status == status, sent
