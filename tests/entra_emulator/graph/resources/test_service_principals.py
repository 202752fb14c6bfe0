"""Service principals, app role assignments and consent that are written, and tokens with them."""

from typing import Any
from uuid import uuid4

from entra_emulator.model import schema
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import Probe
from tests.support.graph_principals import ask, make
from tests.support.graph_writer import NOBODY, Writer, start_writer
from tests.support.user_flows import AZURE_CLI


def test_create(writer: Writer) -> None:
    """A new service principal has the recorded body, and what its application has."""
    uri = f"api://{writer.app.tenant.id}/{uuid4()}"
    application = writer.make("/applications", {"displayName": "Orders", "identifierUris": [uri]})
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
    assert ask(writer, application).json()["error_codes"] == [7000229]


def test_secrets(writer: Writer, probe: Probe) -> None:
    """A service principal's own secret proves its application's identity in its tenant only."""
    foreign = start_writer(probe)
    application, principal = make(foreign, signInAudience="AzureADMultipleOrgs")
    here = writer.make("/servicePrincipals", {"appId": application["appId"]})
    added = writer.post(f"/servicePrincipals/{here['id']}/addPassword").json()
    form = {"client_secret": added["secretText"]}

    assert ask(writer, application, **form).status == 200
    assert ask(foreign, application, **form).json()["error_codes"] == [7000215]
    assert principal["passwordCredentials"] == []
    shown = writer.get(f"/servicePrincipals/{here['id']}")["passwordCredentials"]
    assert [one["hint"] for one in shown] == [added["secretText"][:3]]
    body = {"keyId": added["keyId"]}
    path = f"/servicePrincipals/{here['id']}/removePassword"
    assert writer.post(path, body).status == 204
    assert writer.post(path, body).status == 400
    assert ask(writer, application, **form).json()["error_codes"] == [7000215]


def test_nobody_deletes_or_cripples_the_service_principal_of_microsoft_graph(
    writer: Writer, graph: dict[str, Any]
) -> None:
    """Else no token could be had any more, not even to bring it back."""
    application, _ = make(writer)
    text = "Specified App Principal ID is Microsoft Internal."
    crippled: dict[str, Any] = {
        "accountEnabled": False,
        "appRoleAssignmentRequired": True,
        "appRoles": [],
        "oauth2PermissionScopes": [],
        "servicePrincipalNames": [GRAPH_APP_ID],
    }

    for path in (
        f"/servicePrincipals/{graph['id']}",
        f"/servicePrincipals(appId='{GRAPH_APP_ID}')",
    ):
        answers = [writer.delete(path)]
        answers += [writer.patch(path, {name: value}) for name, value in crippled.items()]
        assert {(one.status, one.code, one.message) for one in answers} == {
            (400, "Request_BadRequest", text)
        }
    assert writer.delete(f"/directory/deletedItems/{graph['id']}").status == 404
    assert ask(writer, application).status == 200
    assert writer.patch(f"/servicePrincipals/{graph['id']}", {"notes": "ours"}).status == 204


def test_an_application_may_delete_itself(probe: Probe) -> None:
    """As seen: https://github.com/microsoftgraph/microsoft-graph-docs/issues/11740."""
    own = start_writer(probe)
    path = f"/applications(appId='{own.app.client_id}')"

    assert own.delete(path).status == 204
    assert own.app.probe.post(own.app.token_path, own.app.form()).status == 400


def test_what_a_tenant_is_made_of_has_no_route_that_deletes_it(writer: Writer) -> None:
    (organization,) = writer.get("/organization")["value"]
    (template, *_) = writer.get("/directoryRoleTemplates")["value"]
    role = writer.make("/directoryRoles", {"roleTemplateId": template["id"]})

    for path in (
        f"/organization/{organization['id']}",
        f"/directoryRoles/{role['id']}",
        f"/directoryRoleTemplates/{template['id']}",
    ):
        assert writer.delete(path).status == 405


def test_nobody_owns_a_new_service_principal_but_who_may_only_make_its_own(
    writer: Writer,
) -> None:
    narrow = writer.colleague("Application.ReadWrite.OwnedBy")
    for maker, count in ((writer, 0), (narrow, 1)):
        made = maker.make("/applications", {"displayName": "x"})
        principal = maker.make("/servicePrincipals", {"appId": made["appId"]})

        owners = writer.get(f"/servicePrincipals/{principal['id']}/owners")["value"]
        assert [owner["appId"] for owner in owners] == [maker.app.client_id] * count
        assert maker.patch(f"/servicePrincipals/{principal['id']}", {"tags": ["x"]}).status == 204


def test_a_creator_may_name_itself_as_an_owner_of_a_new_service_principal(writer: Writer) -> None:
    for maker in (writer, writer.colleague("Application.ReadWrite.OwnedBy")):
        client_id = maker.app.client_id
        own_id = writer.get(f"/servicePrincipals(appId='{client_id}')")["id"]
        other = maker.make("/applications", {"displayName": "x"})
        owner = {"owners@odata.bind": [writer.refer(own_id)["@odata.id"]]}
        for path, body in (
            ("/applications", owner | {"displayName": "y"}),
            ("/servicePrincipals", owner | {"appId": other["appId"]}),
        ):
            made = maker.make(path, body)
            owners = writer.get(f"{path}/{made['id']}/owners")["value"]
            assert [owner["id"] for owner in owners] == [own_id]


def test_what_only_beta_declares_can_be_selected_and_is_empty(writer: Writer) -> None:
    _, principal = make(writer)
    path = f"/beta/servicePrincipals/{principal['id']}"

    assert writer.get(f"{path}?$select=samlMetadataUrl")["samlMetadataUrl"] is None
    listed = writer.get("/beta/servicePrincipals?$select=id,publishedPermissionScopes&$top=1")
    assert list(listed["value"][0]) == ["id", "publishedPermissionScopes"]
    assert listed["value"][0]["publishedPermissionScopes"] == []
    refused = writer.patch(path, {"samlMetadataUrl": "https://x.example"})
    assert (refused.status, writer.patch(path, {"samlMetadataUrl": None}).status) == (501, 204)
    assert writer.send("GET", f"{path}?$select=samlMetadateUrl").status == 400
