import base64
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_principals import ask, make, role_id, roles
from tests.support.graph_writer import NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"


def test_assignment(writer: Writer, graph: dict[str, Any]) -> None:
    """An assigned role is in the next token, not in older ones, and goes with the assignment."""
    application, principal = make(writer)
    before = ask(writer, application).json()["access_token"]
    role = role_id(graph, "User.Read.All")
    path = f"/servicePrincipals/{graph['id']}/appRoleAssignedTo"
    body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}
    answer = writer.post(path, body)
    made = answer.json()

    assert answer.status == 201
    assert list(made) == [
        "@odata.context",
        "id",
        "deletedDateTime",
        "appRoleId",
        "createdDateTime",
        "principalDisplayName",
        "principalId",
        "principalType",
        "resourceDisplayName",
        "resourceId",
    ]
    assert made["@odata.context"].endswith(
        f"#servicePrincipals('{graph['id']}')/appRoleAssignedTo/$entity"
    )
    assert (made["principalType"], made["principalDisplayName"]) == ("ServicePrincipal", "Orders")
    encoded = base64.urlsafe_b64encode(UUID(principal["id"]).bytes_le).decode()
    assert (len(made["id"]), made["id"][:21]) == (43, encoded[:21])
    assert roles(writer, application) == ["User.Read.All"]
    old = Writer(writer.app, before)
    assert old.send("GET", "/users").status == 403

    other = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    listed = writer.get(other)
    assert listed["@odata.context"].endswith(
        f"#servicePrincipals('{principal['id']}')/appRoleAssignments"
    )
    shown = {name: value for name, value in made.items() if name != "@odata.context"}
    assert listed["value"] == [shown]
    assert shown in writer.get(path)["value"]
    assert writer.get(f"{path}/{made['id']}")["id"] == made["id"]
    assert writer.delete(f"{other}/{made['id']}").status == 204
    assert writer.delete(f"{other}/{made['id']}").status == 404
    assert roles(writer, application) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"appRoleId": NOBODY}, "Permission being assigned was not found on application"),
        ({"principalId": NOBODY}, "Not a valid reference update."),
        ({"resourceId": NOBODY}, "Not a valid reference update."),
        (
            {"appRoleId": None},
            "A value is required for property 'appRoleId' of resource 'AppRoleAssignment'.",
        ),
        ({"appRoleId": "x"}, "Cannot convert the literal 'x' to the expected type 'Edm.Guid'."),
    ],
)
def test_refused_assignment(
    writer: Writer, graph: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    """An assignment of or to what is not there is refused with the service's sentence."""
    _, principal = make(writer)
    role = role_id(graph, "User.Read.All")
    body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}
    answer = writer.post(f"/servicePrincipals/{graph['id']}/appRoleAssignedTo", body | changes)

    assert (answer.status, answer.message) == (400, message)


def test_repeated_assignment(writer: Writer, graph: dict[str, Any]) -> None:
    """A role is assigned once."""
    _, principal = make(writer)
    path = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    role = role_id(graph, "User.Read.All")
    body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}

    assert writer.post(path, body).status == 201
    again = writer.post(path, body)
    assert (again.status, again.code, again.message) == (
        400,
        "Request_BadRequest",
        "Permission being assigned already exists on the object",
    )
    assert writer.send("GET", f"{path}/nonsense").message == (
        "Invalid resource identifier for EntitlementGrant."
    )


def test_assigned_people(writer: Writer) -> None:
    """Users and groups are assigned roles that are for them, or none at all."""
    people = {
        "allowedMemberTypes": ["User"],
        "description": "d",
        "displayName": "Reader",
        "id": str(uuid4()),
        "value": "Reader",
    }
    machines = people | {
        "allowedMemberTypes": ["Application"],
        "id": str(uuid4()),
        "value": "Machine",
    }
    _, resource = make(writer, appRoles=[people, machines])
    user, group = writer.make_user(), writer.make_group()
    for collection, one in (("users", user), ("groups", group)):
        path = f"/{collection}/{one['id']}/appRoleAssignments"
        body = {"principalId": one["id"], "resourceId": resource["id"]}
        made = writer.make(path, body | {"appRoleId": people["id"]})
        assert made["principalType"] == collection[:-1].capitalize()
        assert made["@odata.context"].endswith(
            f"#{collection}('{one['id']}')/appRoleAssignments/$entity"
        )
        assert writer.make(path, body | {"appRoleId": DEFAULT_ACCESS})["resourceId"]
        refused = writer.post(path, body | {"appRoleId": machines["id"]})
        assert refused.message == "Permission being assigned was not found on application"
        assert len(writer.get(path)["value"]) == 2
    assert len(writer.get(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo")["value"]) == 4
    counted = writer.send(
        "GET",
        f"/servicePrincipals/{resource['id']}/appRoleAssignedTo/$count",
        ConsistencyLevel="eventual",
    )
    assert counted.body == b"4"
    writer.delete(f"/groups/{group['id']}")
    assert len(writer.get(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo")["value"]) == 2


def test_assignment_required(writer: Writer) -> None:
    """Where assignment is required only who is assigned gets tokens."""
    uri = f"api://{writer.app.tenant.id}/{uuid4()}"
    _, resource = make(writer, identifierUris=[uri])
    application, principal = make(writer)
    path = f"/servicePrincipals/{resource['id']}"
    assert writer.patch(path, {"appRoleAssignmentRequired": True}).status == 204
    assert ask(writer, application, scope=f"{uri}/.default").status == 400

    body = {
        "principalId": principal["id"],
        "resourceId": resource["id"],
        "appRoleId": DEFAULT_ACCESS,
    }
    assert writer.post(f"{path}/appRoleAssignedTo", body).status == 201
    assert ask(writer, application, scope=f"{uri}/.default").status == 200


def test_graph_roles(writer: Writer, graph: dict[str, Any]) -> None:
    """An Application Administrator assigns roles of other APIs, not Microsoft Graph's."""
    user = writer.make_user()
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    directory.role_members.assign(tenant, user["id"], "Application Administrator")
    client = Client(writer.app.probe, tenant, AZURE_CLI, NATIVE)
    person = Writer(
        writer.app, client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    )
    _, principal = make(writer)
    _, resource = make(writer)
    path = f"/servicePrincipals/{principal['id']}/appRoleAssignments"
    body = {"principalId": principal["id"], "resourceId": resource["id"]}

    assert person.post(path, body | {"appRoleId": DEFAULT_ACCESS}).status == 201
    role = role_id(graph, "User.Read.All")
    refused = person.post(path, body | {"resourceId": graph["id"], "appRoleId": role})
    assert refused.status == 403
