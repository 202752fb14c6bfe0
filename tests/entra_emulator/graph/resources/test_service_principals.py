"""Service principals, app role assignments and consent that are written, and tokens with them."""

import base64
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from entra_emulator.model import schema
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, Probe
from tests.support.graph_writer import NOBODY, Writer, start_writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


@pytest.fixture(scope="module")
def graph(writer: Writer) -> dict[str, Any]:
    """Microsoft Graph's service principal."""
    found: dict[str, Any] = writer.get(f"/servicePrincipals(appId='{GRAPH_APP_ID}')")
    return found


def role_id(graph: dict[str, Any], value: str) -> str:
    found: str = next(one["id"] for one in graph["appRoles"] if one["value"] == value)
    return found


def make(writer: Writer, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An application with a secret, and its service principal."""
    body = {"displayName": "Orders", "passwordCredentials": [{}]} | values
    application = writer.make("/applications", body)
    principal = writer.make("/servicePrincipals", {"appId": application["appId"]})
    return application, principal


def ask(writer: Writer, application: dict[str, Any], **form: str) -> Answer:
    body = {
        "grant_type": "client_credentials",
        "client_id": application["appId"],
        "client_secret": application["passwordCredentials"][0]["secretText"],
        "scope": GRAPH_SCOPE,
    } | form
    return writer.app.probe.post(f"/{writer.app.tenant.id}/oauth2/v2.0/token", body)


def roles(writer: Writer, application: dict[str, Any], **form: str) -> list[str]:
    token = ask(writer, application, **form).json()["access_token"]
    found: list[str] = jwt.decode(token, options={"verify_signature": False}).get("roles", [])
    return found


def test_create(writer: Writer) -> None:
    """A new service principal has the recorded body, and what its application has."""
    application = writer.make(
        "/applications", {"displayName": "Orders", "identifierUris": [f"api://{uuid4()}"]}
    )
    answer = writer.post(
        "/servicePrincipals", {"appId": application["appId"], "accountEnabled": True, "tags": ["t"]}
    )
    made = answer.json()

    assert answer.status == 201
    assert answer.headers["location"].endswith(
        f"/{made['id']}/Microsoft.DirectoryServices.ServicePrincipal"
    )
    assert set(made) == {"@odata.context", *schema.default("servicePrincipal")}
    assert list(made)[-6:] == [
        "info",
        "keyCredentials",
        "oauth2PermissionScopes",
        "passwordCredentials",
        "resourceSpecificApplicationPermissions",
        "verifiedPublisher",
    ]
    assert (
        made
        | {
            "accountEnabled": True,
            "appDisplayName": "Orders",
            "appOwnerOrganizationId": writer.app.tenant.id,
            "appRoleAssignmentRequired": False,
            "displayName": "Orders",
            "servicePrincipalNames": [application["appId"], *application["identifierUris"]],
            "servicePrincipalType": "Application",
            "signInAudience": "AzureADMyOrg",
            "tags": ["t"],
        }
        == made
    )
    assert "." not in made["createdDateTime"]
    assert writer.get(f"/servicePrincipals/{made['id']}") == made


def test_conflict(writer: Writer) -> None:
    """An application has one service principal in a tenant."""
    application, _ = make(writer)
    app_id = application["appId"]
    answer = writer.post("/servicePrincipals", {"appId": app_id})

    assert (answer.status, answer.code) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert answer.message == (
        "The service principal cannot be created, updated, or restored because the service "
        f"principal name {app_id} is already in use."
    )
    detail = answer.json()["error"]["details"][0]
    assert (detail["code"], detail["target"]) == ("ObjectConflict", "servicePrincipalNames")


def test_baseless(writer: Writer, probe: Probe) -> None:
    """Without an application that the tenant may use there is no service principal."""
    foreign = start_writer(probe)
    private = foreign.make("/applications", {"displayName": "x"})
    for app_id in (NOBODY, private["appId"]):
        answer = writer.post("/servicePrincipals", {"appId": app_id})
        message = (
            f"The appId '{app_id}' of the service principal does not reference a valid "
            "application object."
        )
        assert (answer.status, answer.code, answer.message) == (400, "Request_BadRequest", message)
        assert answer.json()["error"]["details"] == [
            {"code": "NoBackingApplicationObject", "message": message, "target": "appId"}
        ]
    assert writer.post("/servicePrincipals", {}).status == 400
    assert writer.post("/servicePrincipals", {"appId": "x"}).status == 400


def test_foreign(writer: Writer, probe: Probe) -> None:
    """An application of another tenant comes in if it is for several; not for OwnedBy alone."""
    foreign = start_writer(probe)
    shared = foreign.make(
        "/applications",
        {
            "displayName": "Shared",
            "signInAudience": "AzureADMultipleOrgs",
            "passwordCredentials": [{}],
        },
    )
    narrow = writer.colleague("Application.ReadWrite.OwnedBy")
    refused = narrow.post("/servicePrincipals", {"appId": shared["appId"]})
    assert (refused.status, refused.code) == (403, "Authorization_RequestDenied")
    assert refused.message == (
        "When using this permission, the backing application of the service principal being "
        "created must in the local tenant"
    )

    made = writer.make("/servicePrincipals", {"appId": shared["appId"]})
    assert made["appOwnerOrganizationId"] == foreign.app.tenant.id
    assert ask(writer, shared).status == 200
    changed = foreign.patch(f"/applications/{shared['id']}", {"displayName": "Renamed"})
    assert changed.status == 204
    assert writer.get(f"/servicePrincipals/{made['id']}")["appDisplayName"] == "Renamed"


def test_first_party(writer: Writer) -> None:
    """Microsoft's own clients come in without a registration anywhere."""
    made = writer.make("/servicePrincipals", {"appId": AZURE_CLI})

    assert made["displayName"] == "Microsoft Azure CLI"
    assert made["appOwnerOrganizationId"] == "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def test_upsert(writer: Writer) -> None:
    """With Prefer: create-if-missing a service principal is made once, then changed."""
    application = writer.make("/applications", {"displayName": "x"})
    path = f"/servicePrincipals(appId='{application['appId']}')"

    assert writer.patch(path, {"notes": "a"}).status == 404
    made = writer.patch(path, {"notes": "a"}, Prefer="create-if-missing")
    assert (made.status, made.json()["notes"]) == (201, "a")
    assert writer.patch(path, {"notes": "b"}, Prefer="create-if-missing").status == 204
    assert writer.get(path)["notes"] == "b"


def test_change(writer: Writer) -> None:
    """A disabled service principal gets no tokens; what the application sets is refused."""
    application, principal = make(writer)
    path = f"/servicePrincipals/{principal['id']}"

    assert writer.patch(path, {"tags": ["a"], "notes": "n", "displayName": "Own"}).status == 204
    shown = writer.get(path)
    assert (shown["tags"], shown["notes"], shown["displayName"]) == (["a"], "n", "Own")
    assert writer.patch(path, {"appDisplayName": "x"}).status == 400
    assert writer.patch(path, {"appId": NOBODY}).status == 400
    assert writer.patch(path, {"accountEnabled": None}).status == 400
    assert writer.patch(path, {"accountEnabled": False}).status == 204
    assert ask(writer, application).json()["error_codes"] == [7000112]
    assert writer.patch(path, {"accountEnabled": True}).status == 204
    assert ask(writer, application).status == 200


def test_own_name(writer: Writer) -> None:
    """A service principal that was renamed keeps its name when its application gets another."""
    application, principal = make(writer)
    path = f"/servicePrincipals/{principal['id']}"
    writer.patch(path, {"displayName": "Own"})
    writer.patch(f"/applications/{application['id']}", {"displayName": "New"})

    shown = writer.get(path)
    assert (shown["displayName"], shown["appDisplayName"]) == ("Own", "New")


def test_delete(writer: Writer) -> None:
    """A deleted service principal gets no tokens, and its application stays."""
    application, principal = make(writer)
    path = f"/servicePrincipals/{principal['id']}"

    assert writer.delete(path).status == 204
    assert writer.send("GET", path).status == 404
    assert writer.get(f"/applications/{application['id']}")["id"] == application["id"]
    assert ask(writer, application).json()["error_codes"] == [700016]


def test_secrets(writer: Writer, probe: Probe) -> None:
    """A service principal's own secret proves its application's identity in its tenant only."""
    foreign = start_writer(probe)
    application, principal = make(foreign, signInAudience="AzureADMultipleOrgs")
    here = writer.make("/servicePrincipals", {"appId": application["appId"]})
    added = writer.post(f"/servicePrincipals/{here['id']}/addPassword").json()
    asked = {"client_secret": added["secretText"]}

    assert ask(writer, application, **asked).status == 200
    assert ask(foreign, application, **asked).json()["error_codes"] == [7000215]
    assert principal["passwordCredentials"] == []
    shown = writer.get(f"/servicePrincipals/{here['id']}")["passwordCredentials"]
    assert [one["hint"] for one in shown] == [added["secretText"][:3]]
    body = {"keyId": added["keyId"]}
    path = f"/servicePrincipals/{here['id']}/removePassword"
    assert writer.post(path, body).status == 204
    assert writer.post(path, body).status == 400
    assert ask(writer, application, **asked).json()["error_codes"] == [7000215]


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
    uri = f"api://{uuid4()}"
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


def test_grant(writer: Writer, graph: dict[str, Any]) -> None:
    """Consent for everybody is made, found, changed and taken back; new tokens follow."""
    application, principal = make(
        writer,
        isFallbackPublicClient=True,
        passwordCredentials=[],
        publicClient={"redirectUris": [NATIVE]},
    )
    user = writer.make_user()
    body = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": graph["id"],
        "scope": "User.Read  openid User.Read",
    }
    answer = writer.post("/oauth2PermissionGrants", body)
    made = answer.json()
    path = f"/oauth2PermissionGrants/{made['id']}"

    assert answer.status == 201
    assert answer.headers["location"].endswith(path)
    assert list(made)[1:] == [
        "clientId",
        "consentType",
        "id",
        "principalId",
        "resourceId",
        "scope",
    ]
    raw = UUID(principal["id"]).bytes_le + UUID(graph["id"]).bytes_le
    assert made["id"] == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert made["scope"] == "User.Read openid"
    assert held(writer, application, user) >= {"User.Read"}
    assert writer.patch(path, {"scope": "User.Read User.ReadBasic.All"}).status == 204
    assert held(writer, application, user) >= {"User.Read", "User.ReadBasic.All"}
    filtered = writer.get(f"/oauth2PermissionGrants?$filter=clientId%20eq%20'{principal['id']}'")
    assert [one["id"] for one in filtered["value"]] == [made["id"]]
    listed = writer.get(f"/servicePrincipals/{principal['id']}/oauth2PermissionGrants")
    assert [one["id"] for one in listed["value"]] == [made["id"]]
    again = writer.post("/oauth2PermissionGrants", body)
    assert (again.status, again.code, again.message) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "Permission entry already exists.",
    )
    assert writer.delete(path.replace("oauth2", "oAuth2")).status == 204
    assert writer.send("GET", path).status == 404
    assert writer.delete(path).status == 404


def held(writer: Writer, application: dict[str, Any], user: dict[str, Any]) -> set[str]:
    """The scopes in a token for what the client may have already."""
    client = Client(writer.app.probe, writer.app.tenant, application["appId"], NATIVE)
    token = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    return set(jwt.decode(token, options={"verify_signature": False})["scp"].split())


def test_grant_for_one(writer: Writer, graph: dict[str, Any]) -> None:
    """Consent of one user is theirs, and its ID holds theirs."""
    _, principal = make(writer)
    user = writer.make_user()["id"]
    body = {
        "clientId": principal["id"],
        "consentType": "Principal",
        "principalId": user,
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    made = writer.make("/oauth2PermissionGrants", body)

    assert len(made["id"]) == 64
    listed = writer.get(f"/users/{user}/oauth2PermissionGrants")["value"]
    assert [one["principalId"] for one in listed] == [user]


@pytest.mark.parametrize(
    ("changes", "status", "pattern"),
    [
        ({"clientId": NOBODY}, 404, NOBODY),
        ({"resourceId": NOBODY}, 400, "Specified resourceId was not found."),
        ({"consentType": "Everybody"}, 400, "'consentType'"),
        ({"consentType": "Principal"}, 400, "'principalId'"),
        ({"principalId": NOBODY}, 400, "'principalId'"),
        ({"consentType": "Principal", "principalId": NOBODY}, 404, NOBODY),
        ({"clientId": None}, 400, "'clientId'"),
        ({"clientId": "x"}, 400, "'clientId'"),
        ({"id": "x"}, 400, "'id' is read-only"),
        ({"scope": ["User.Read"]}, 400, "StartArray"),
    ],
)
def test_refused_grant(
    writer: Writer, graph: dict[str, Any], changes: dict[str, Any], status: int, pattern: str
) -> None:
    """Consent that cannot be is refused."""
    _, principal = make(writer)
    body = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    answer = writer.post("/oauth2PermissionGrants", body | changes)

    assert answer.status == status
    assert pattern in answer.message


def test_grant_stays(writer: Writer, graph: dict[str, Any]) -> None:
    """Of a consent only the scopes change."""
    _, principal = make(writer)
    body = {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": graph["id"],
        "scope": "User.Read",
    }
    path = f"/oauth2PermissionGrants/{writer.make('/oauth2PermissionGrants', body)['id']}"

    assert "read-only" in writer.patch(path, {"clientId": NOBODY}).message
    assert writer.patch(path, {"scope": None}).status == 400
    assert writer.patch(path, {}).status == 204


def test_deleted_client(writer: Writer, graph: dict[str, Any]) -> None:
    """Permissions of a deleted service principal are not listed, and come back with it."""
    application, principal = make(writer)
    role = role_id(graph, "User.Read.All")
    body = {"principalId": principal["id"], "resourceId": graph["id"], "appRoleId": role}
    path = f"/servicePrincipals/{graph['id']}/appRoleAssignedTo"
    made = writer.make(path, body)
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    writer.delete(f"/servicePrincipals/{principal['id']}")

    assert made["id"] not in {one["id"] for one in writer.get(path)["value"]}
    deleted = directory.recycle_bin.find(tenant, principal["id"])
    assert deleted is not None
    directory.recycle_bin.restore(tenant, deleted)
    assert roles(writer, application) == ["User.Read.All"]
    writer.delete(f"/servicePrincipals/{principal['id']}")
    deleted = directory.recycle_bin.find(tenant, principal["id"])
    assert deleted is not None
    directory.recycle_bin.purge(tenant, deleted)
    assert directory.consents.find_assignment(tenant, made["id"]) is None
