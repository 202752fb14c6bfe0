"""Role assignments: who has which directory role, and for what."""

from typing import Any
from urllib.parse import quote

import jwt
import pytest

from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.role_assignments import name_role_assignment
from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_links import members
from tests.support.graph_writer import NOBODY, Writer, start_writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

PATH = "/roleManagement/directory/roleAssignments"
READER = ROLES["Global Reader"]
UNIT = "administrativeUnits"


def describe(principal: str, role: str = READER, scope: str = "/") -> dict[str, str]:
    return {"roleDefinitionId": role, "principalId": principal, "directoryScopeId": scope}


def assign(writer: Writer, principal: str, role: str = READER, scope: str = "/") -> dict[str, Any]:
    return writer.make(PATH, describe(principal, role, scope))


def list_ids(writer: Writer, query: str = "") -> set[str]:
    return {one["id"] for one in writer.get(f"{PATH}{query}")["value"]}


def make_unit(writer: Writer) -> str:
    unit: str = writer.make(f"/directory/{UNIT}", {"displayName": "U"})["id"]
    return unit


def test_an_assignment_is_made_shown_and_taken_back(writer: Writer) -> None:
    """What is answered has the documented properties, and the documented kind of ID."""
    user = writer.make_user()["id"]
    answer = writer.post(
        PATH, {"@odata.type": "#microsoft.graph.unifiedRoleAssignment", **describe(user)}
    )
    made = answer.json()
    own = f"{PATH}/{made['id']}"

    assert answer.status == 201
    assert made.pop("@odata.context").endswith(f"#{PATH[1:]}/$entity")
    assert made == {"id": name_role_assignment(READER, user, "/"), **describe(user)}
    assert answer.headers["location"].endswith(f"/roleAssignments/{made['id']}")
    shown = writer.get(own)
    assert shown.pop("@odata.context").endswith(f"#{PATH[1:]}/$entity")
    assert shown == made
    assert writer.delete(own).status == 204
    assert writer.send("GET", own).code == "Request_ResourceNotFound"
    assert writer.delete(own).status == 404


@pytest.mark.parametrize(
    ("role", "principal", "scope", "documented"),
    [
        (
            "62e90394-69f5-4237-9190-012177145e10",
            "ace08ec9-aa11-4ada-9145-addf0398233e",
            "/",
            "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1",
        ),
        (
            "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            "6b937a9d-c731-465b-a844-2d5b5368c161",
            "/661e1310-bd76-4795-89a7-8f3c8f855bfc",
            "kl2Jm9Msx0SdAqasLV6lw516k2sxx1tGqEQtW1NowWEQEx5mdr2VR4mnjzyPhVv8-1",
        ),
    ],
)
def test_ids_are_those_of_the_documentation(
    role: str, principal: str, scope: str, documented: str
) -> None:
    """The ID is made of what it connects."""
    assert name_role_assignment(role, principal, scope) == documented


def test_assignments_and_members_of_directory_roles_are_one(writer: Writer) -> None:
    """Whoever is assigned a role is its member, whoever becomes its member is assigned it."""
    role, member, holder = ROLES["Groups Administrator"], writer.make_user(), writer.make_user()
    by_template = f"/directoryRoles(roleTemplateId='{role}')"
    made = assign(writer, holder["id"], role)
    assert members(writer, f"{by_template}/members") == [holder["id"]]
    assert role in read_roles(writer, holder)

    assert writer.link(f"{by_template}/members", member["id"]).status == 204
    added = name_role_assignment(role, member["id"], "/")
    assert list_ids(writer, f"?$filter=roleDefinitionId eq '{role}'".replace(" ", "%20")) == {
        made["id"],
        added,
    }
    assert writer.delete(f"{PATH}/{added}").status == 204
    assert members(writer, f"{by_template}/members") == [holder["id"]]
    assert role not in read_roles(writer, member)
    assert writer.delete(f"{by_template}/members/{holder['id']}/$ref").status == 204
    assert writer.send("GET", f"{PATH}/{made['id']}").status == 404


def read_roles(writer: Writer, user: dict[str, Any]) -> list[str]:
    """The roles in a new token of the user's."""

    client = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE)
    token = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    ids: list[str] = jwt.decode(token, options={"verify_signature": False})["wids"]
    return ids


def test_a_scope_limits_an_assignment(writer: Writer) -> None:
    """A role for an administrative unit or an application is no role for the whole tenant."""
    user, role = writer.make_user(), ROLES["User Administrator"]
    unit = make_unit(writer)
    application = writer.make("/applications", {"displayName": "A"})["id"]
    scopes = ["/", f"/{UNIT}/{unit}", f"/{application}"]
    made = [assign(writer, user["id"], role, scope) for scope in scopes[1:]]

    assert [one["directoryScopeId"] for one in made] == scopes[1:]
    assert role not in read_roles(writer, user)
    tenant_wide = assign(writer, user["id"], role)
    assert role in read_roles(writer, user)
    assert list_ids(writer, f"?$filter=principalId%20eq%20'{user['id']}'") == {
        *(one["id"] for one in made),
        tenant_wide["id"],
    }
    scoped = quote(f"directoryScopeId in ('{scopes[1]}','{scopes[2]}')")
    assert list_ids(writer, f"?$filter={scoped}") == {one["id"] for one in made}
    assert writer.delete(f"{PATH}/{made[0]['id']}").status == 204
    assert role in read_roles(writer, user)


def test_an_assignment_goes_with_its_principal_and_its_scope(writer: Writer) -> None:
    """Who or what is in the recycle bin shows no assignments until it is restored."""
    user, unit = writer.make_user()["id"], make_unit(writer)
    made = assign(writer, user, scope=f"/{UNIT}/{unit}")["id"]
    other = assign(writer, user)["id"]

    assert writer.delete(f"/users/{user}").status == 204
    assert list_ids(writer, f"?$filter=principalId%20eq%20'{user}'") == set()
    assert writer.post(f"/directory/deletedItems/{user}/restore").status == 200
    assert list_ids(writer, f"?$filter=principalId%20eq%20'{user}'") == {made, other}
    assert writer.delete(f"/directory/{UNIT}/{unit}").status == 204
    assert list_ids(writer, f"?$filter=principalId%20eq%20'{user}'") == {other}
    assert writer.delete(f"/directory/deletedItems/{unit}").status == 204
    kept = "SELECT count(*) FROM role_assignment WHERE id = ?"
    assert writer.app.probe.emulator.directory._store.read(kept, (made,)) == [(0,)]


def test_assignments_are_expanded(writer: Writer) -> None:
    """Principal, role and scope can be shown inside; the whole tenant is no object."""
    user, unit = writer.make_user(), make_unit(writer)
    scoped = assign(writer, user["id"], scope=f"/{UNIT}/{unit}")["id"]
    assign(writer, user["id"])
    (first, second) = writer.get(
        f"{PATH}?$filter=principalId%20eq%20'{user['id']}'&$expand=principal($select=id)"
    )["value"]

    assert [first["principal"], second["principal"]] == [
        {"@odata.type": "#microsoft.graph.user", "id": user["id"]}
    ] * 2
    shown = writer.get(f"{PATH}/{scoped}?$expand=directoryScope&$select=id")
    assert shown["directoryScope"]["displayName"] == "U"
    assert set(shown) == {"@odata.context", "id", "directoryScope"}
    assert writer.get(f"{PATH}/{first['id']}?$expand=directoryScope")["directoryScope"] is None
    role = writer.get(f"{PATH}/{scoped}?$expand=roleDefinition")["roleDefinition"]
    assert (role["displayName"], role["isBuiltIn"]) == ("Global Reader", True)
    context = writer.get(f"{PATH}?$expand=principal")["@odata.context"]
    assert context.endswith("#roleManagement/directory/roleAssignments(principal())")


def test_what_cannot_be_assigned_is_refused(writer: Writer) -> None:
    """The same again, nobody, no role, a group that may not have one, no such scope."""
    user, unit = writer.make_user()["id"], make_unit(writer)
    assign(writer, user)
    assign(writer, user, scope=f"/{UNIT}/{unit}")
    conflict = "A conflicting object with one or more of the specified property values is present"
    group, device = writer.make_group()["id"], writer.app.tenant.id
    keeper = writer.make_group(isAssignableToRole=True)["id"]

    for body, status, text in (
        (describe(user), 400, conflict),
        (describe(user, scope=f"/{UNIT}/{unit}"), 400, conflict),
        (describe(NOBODY), 404, f"Resource '{NOBODY}' does not exist"),
        (describe(device), 404, f"Resource '{device}' does not exist"),
        (describe(user, role=NOBODY), 404, f"Resource '{NOBODY}' does not exist"),
        (describe(group), 400, "Groups without IsAssignableToRole property set cannot be"),
        (describe(user, scope="tenant"), 400, "property 'directoryScopeId'"),
        (describe(user, scope=f"/{unit}"), 400, "property 'directoryScopeId'"),
        (describe(user, scope=f"/{NOBODY}"), 404, f"Resource '{NOBODY}' does not exist"),
        (describe("nobody"), 400, "property 'principalId'"),
        ({**describe(user), "appScopeId": "/"}, 400, "'appScopeId' is read-only"),
        ({"principalId": user, "roleDefinitionId": READER}, 400, "'directoryScopeId'"),
    ):
        answer = writer.post(PATH, body)
        assert (answer.status, text in answer.message) == (status, True), answer.body
    assert writer.post(PATH, describe(keeper)).status == 201


def test_directory_role_ids_name_roles_too(writer: Writer) -> None:
    """The ID of the directory role in use is as good as that of its template."""
    role = writer.make("/directoryRoles", {"roleTemplateId": ROLES["Directory Readers"]})
    made = assign(writer, writer.make_user()["id"], role["id"])

    assert made["roleDefinitionId"] == ROLES["Directory Readers"]


def test_roles_are_assigned_by_who_may(writer: Writer) -> None:
    """The permission to read does not write; a signed-in user needs an administrator's role."""
    reader = writer.colleague("RoleManagement.Read.Directory", "User.Read.All")
    stranger = writer.colleague("User.Read.All")
    user = writer.make_user()

    assert reader.get(PATH)["value"] is not None
    assert reader.post(PATH, describe(user["id"])).status == 403
    assert stranger.send("GET", PATH).status == 403
    tokens = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE).tokens(
        user["userPrincipalName"], GRAPH_SCOPE
    )
    person = Writer(writer.app, tokens["access_token"])
    assert person.post(PATH, describe(user["id"])).status == 403
    assign(writer, user["id"], ROLES["Privileged Role Administrator"])
    assert person.post(PATH, describe(user["id"])).status == 201


def test_a_tenant_knows_its_own_assignments_only(writer: Writer) -> None:
    """Somebody of another tenant is nobody, and what is listed is one's own."""
    other = start_writer(writer.app.probe)
    stranger = other.make_user()["id"]

    assert writer.post(PATH, describe(stranger)).status == 404
    assign(other, stranger)
    assert name_role_assignment(READER, stranger, "/") not in list_ids(writer)
