"""Applications and their credentials that are written through Graph, and what tokens make of it."""

import re
from typing import Any
from uuid import uuid4

import jwt
import pytest

from entra_emulator.model import schema
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.foreign_issuer import EXCHANGE
from tests.support.graph_applications import ask, code, install, make, role, scope
from tests.support.graph_writer import GUID, NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

ISSUER = "https://token.actions.githubusercontent.com/"


def test_create(writer: Writer) -> None:
    """A new application has the recorded body; only this answer's time has a fraction."""
    answer = writer.post("/applications", {"displayName": "Orders", "keyCredentials": []})
    made = answer.json()
    shown = writer.get(f"/applications/{made['id']}")

    assert answer.status == 201
    assert answer.headers["location"].endswith(
        f"/directoryObjects/{made['id']}/Microsoft.DirectoryServices.Application"
    )
    assert tuple(made)[1:] == schema.default("application")
    assert re.fullmatch(r"[\d-]+T[\d:]+\.\d{7}Z", made["createdDateTime"])
    assert re.fullmatch(r"[\d-]+T[\d:]+Z", shown["createdDateTime"])
    assert shown | {"createdDateTime": made["createdDateTime"]} == made
    assert made["signInAudience"] == "AzureADMyOrg"
    assert made["publisherDomain"] == writer.domain
    assert re.fullmatch(GUID, made["appId"])


def test_create_rich(writer: Writer) -> None:
    """Complex values are filled and ordered as recorded, set ones behind plain ones."""
    made = make(
        writer,
        web={"homePageUrl": "https://a.example/", "redirectUris": ["http://localhost/one"]},
        appRoles=[role("Orders.Read.All")],
        api={"oauth2PermissionScopes": [scope("Orders.Read")]},
        optionalClaims={"idToken": [{"name": "auth_time"}]},
        requiredResourceAccess=[
            {"resourceAppId": GRAPH_APP_ID, "resourceAccess": [{"id": NOBODY, "type": "Scope"}]}
        ],
    )

    names = list(made)
    assert names.index("optionalClaims") == names.index("keyCredentials") + 1
    assert made["optionalClaims"] == {
        "accessToken": [],
        "idToken": [
            {"additionalProperties": [], "essential": False, "name": "auth_time", "source": None}
        ],
        "saml2Token": [],
    }
    assert list(made["web"]) == [
        "homePageUrl",
        "logoutUrl",
        "redirectUris",
        "implicitGrantSettings",
        "redirectUriSettings",
    ]
    assert made["web"]["redirectUriSettings"] == [{"uri": "http://localhost/one", "index": None}]
    assert list(made["appRoles"][0]) == [
        "allowedMemberTypes",
        "description",
        "displayName",
        "id",
        "isEnabled",
        "origin",
        "value",
    ]
    assert made["appRoles"][0]["origin"] == "Application"
    offered = made["api"]["oauth2PermissionScopes"][0]
    assert (offered["isEnabled"], offered["type"], "origin" in offered) == (True, "User", False)
    assert list(made["requiredResourceAccess"][0]) == ["resourceAppId", "resourceAccess"]


@pytest.mark.parametrize(
    ("values", "code", "pattern"),
    [
        ({"displayName": None}, "Request_BadRequest", "A value is required for property"),
        ({"appId": NOBODY}, "Request_BadRequest", "'appId' is read-only"),
        (
            {"identifierUris": ["https://elsewhere.example/a"]},
            "HostNameNotOnVerifiedDomain",
            (
                "Values of identifierUris property must use a verified domain of the organization "
                "or its subdomain: 'https://elsewhere.example/a'"
            ),
        ),
        ({"identifierUris": ["orders"]}, "Request_BadRequest", "'identifierUris'"),
        ({"identifierUris": ["api://a", "API://A"]}, "Request_BadRequest", "duplicate values"),
        ({"web": {"redirectUris": ["http://a.example/"]}}, "Request_BadRequest", "redirectUris"),
        ({"spa": {"redirectUris": ["https://a.example/#x"]}}, "Request_BadRequest", "redirectUris"),
        ({"web": {"colour": "red"}}, "BadRequest", "does not exist on type"),
        ({"appRoles": [{"id": NOBODY}]}, "Request_BadRequest", "property 'displayName'"),
        ({"appRoles": [role("a b")]}, "Request_BadRequest", "'value'"),
        ({"appRoles": [role("a"), role("a")]}, "Request_BadRequest", "duplicate values"),
        (
            {"appRoles": [role("a", id=NOBODY), role("b", id=NOBODY)]},
            "Request_BadRequest",
            "duplicate values",
        ),
        (
            {"appRoles": [role("a")], "api": {"oauth2PermissionScopes": [scope("a")]}},
            "Request_BadRequest",
            "duplicate values",
        ),
        (
            {
                "api": {
                    "preAuthorizedApplications": [
                        {"appId": NOBODY, "delegatedPermissionIds": [NOBODY]}
                    ]
                }
            },
            "Request_BadRequest",
            "delegatedPermissionIds",
        ),
        (
            {"requiredResourceAccess": [{"resourceAppId": NOBODY}]},
            "Request_BadRequest",
            "'resourceAccess'",
        ),
        (
            {"requiredResourceAccess": [{"resourceAppId": "x", "resourceAccess": []}]},
            "Request_BadRequest",
            "'resourceAppId'",
        ),
        ({"keyCredentials": [{"type": "AsymmetricX509Cert"}]}, "Request_BadRequest", "'key'"),
        ({"keyCredentials": [{"key": "AAAA"}]}, "Request_BadRequest", "not a certificate"),
        ({"tags": ["t"] * 2}, "Request_BadRequest", "duplicate values"),
        (
            {"tags": [f"t{n}" for n in range(1201)]},
            "Request_BadRequest",
            "The size of the object has exceeded its limit.",
        ),
    ],
)
def test_refused(writer: Writer, values: dict[str, Any], code: str, pattern: str) -> None:
    """An application whose parts cannot be is refused, saying which."""
    answer = writer.post("/applications", {"displayName": "x"} | values)

    assert (answer.status, answer.code) == (400, code)
    assert pattern in answer.message


def test_tokens_for_identifier(writer: Writer) -> None:
    """Tokens are issued for a new identifier URI at once, and for a removed one no longer."""
    uri = f"api://{writer.app.tenant.id}/orders-{uuid4()}"
    api, client = make(writer), make(writer)
    secret = writer.post(f"/applications/{client['id']}/addPassword").json()["secretText"]
    install(writer, api["appId"])
    install(writer, client["appId"])
    form = {"client_secret": secret, "scope": f"{uri}/.default"}
    path = f"/applications/{api['id']}"

    assert code(ask(writer, client["appId"], **form)) == 500011
    assert writer.patch(path, {"identifierUris": [uri]}).status == 204
    token = ask(writer, client["appId"], **form).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == uri
    two = {"requestedAccessTokenVersion": 2}
    assert writer.patch(path, {"api": two}).status == 204
    token = ask(writer, client["appId"], **form).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["ver"] == "2.0"
    assert writer.patch(path, {"identifierUris": []}).status == 204
    assert code(ask(writer, client["appId"], **form)) == 500011


def test_change(writer: Writer) -> None:
    """A change merges complex values, replaces lists and reaches the service principal."""
    made = make(writer, web={"homePageUrl": "https://a.example/"})
    principal = install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    offered = role("Orders.Read.All")
    answer = writer.patch(
        path,
        {
            "displayName": "Shop",
            "isFallbackPublicClient": True,
            "web": {"redirectUris": ["https://a.example/back"]},
            "appRoles": [offered],
            "info": {"supportUrl": "https://a.example/help"},
        },
    )
    shown = writer.get(path)
    follower = writer.get(f"/servicePrincipals/{principal['id']}")

    assert (answer.status, answer.body) == (204, b"")
    assert shown["web"]["homePageUrl"] == "https://a.example/"
    assert shown["web"]["redirectUris"] == ["https://a.example/back"]
    assert shown["info"]["supportUrl"] == "https://a.example/help"
    assert follower["appDisplayName"] == follower["displayName"] == "Shop"
    assert follower["replyUrls"] == ["https://a.example/back"]
    assert follower["homepage"] == "https://a.example/"
    assert follower["appRoles"] == [offered | {"origin": "Application"}]
    assert tuple(shown)[1:] == schema.default("application")
    writer.patch(path, {"web": None, "info": None})
    assert writer.get(path)["web"]["homePageUrl"] is None


def test_upsert(writer: Writer) -> None:
    """With Prefer: create-if-missing an application of a unique name is made once, then changed."""
    path = f"/applications(uniqueName='shop-{uuid4()}')"

    assert writer.patch(path, {"displayName": "A"}).status == 404
    made = writer.patch(path, {"displayName": "A"}, Prefer="create-if-missing")
    assert made.status == 201
    changed = writer.patch(path, {"displayName": "B"}, Prefer="create-if-missing")
    assert changed.status == 204
    assert writer.get(path)["displayName"] == "B"
    assert writer.get(path)["id"] == made.json()["id"]
    name = made.json()["uniqueName"]
    taken = writer.post("/applications", {"displayName": "C", "uniqueName": name})
    assert "uniqueName already exists" in taken.message
    assert "read-only" in writer.patch(path, {"uniqueName": "x"}).message


def test_delete(writer: Writer) -> None:
    """A deleted application and its service principal are gone, and get no tokens."""
    made = make(writer, passwordCredentials=[{}])
    principal = install(writer, made["appId"])
    secret = made["passwordCredentials"][0]["secretText"]
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant

    assert code(ask(writer, made["appId"], client_secret=secret)) == 0
    assert writer.delete(f"/applications(appId='{made['appId']}')").status == 204
    for path in (f"/applications/{made['id']}", f"/servicePrincipals/{principal['id']}"):
        assert writer.send("GET", path).status == 404
    assert code(ask(writer, made["appId"], client_secret=secret)) == 700016
    for object_id in (made["id"], principal["id"]):
        deleted = directory.recycle_bin.find(tenant, object_id)
        assert deleted is not None
        directory.recycle_bin.restore(tenant, deleted)
    assert code(ask(writer, made["appId"], client_secret=secret)) == 0


def test_purge(writer: Writer) -> None:
    """An application that is gone for ever leaves no credentials behind."""
    made = make(writer, passwordCredentials=[{}])
    path = f"/applications/{made['id']}"
    writer.post(
        f"{path}/federatedIdentityCredentials",
        {"name": "one", "issuer": ISSUER, "subject": "s", "audiences": [EXCHANGE]},
    )
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    writer.delete(path)
    deleted = directory.recycle_bin.find(tenant, made["id"])
    assert deleted is not None
    directory.recycle_bin.purge(tenant, deleted)

    secret = made["passwordCredentials"][0]["secretText"]
    assert directory.credentials.find_password(made["appId"], secret) is None
    assert directory.credentials.list_federated(made["appId"]) == []


def test_disable(writer: Writer) -> None:
    """An application that is disabled gets no tokens."""
    made = make(writer, passwordCredentials=[{}])
    install(writer, made["appId"])
    secret = made["passwordCredentials"][0]["secretText"]

    assert writer.patch(f"/applications/{made['id']}", {"isDisabled": True}).status == 204
    assert code(ask(writer, made["appId"], client_secret=secret)) == 7000112


def test_owners(writer: Writer) -> None:
    """Whoever makes an application owns it; owners are added, and all can be removed."""
    made = make(writer)
    path = f"/applications/{made['id']}/owners"
    (owner,) = writer.get(path)["value"]
    user = writer.make_user()["id"]

    assert owner["appId"] == writer.app.client_id
    assert writer.link(path, user).status == 204
    assert "'owners'" in writer.link(path, user).message
    for one in (owner["id"], user):
        assert writer.delete(f"{path}/{one}/$ref").status == 204
    assert writer.get(path)["value"] == []


def test_delegated_owner(writer: Writer) -> None:
    """A signed-in user owns the application they make, as recorded, and changes that only."""
    user = writer.make_user()
    client = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE)
    token = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    person = Writer(writer.app, token)
    made = make(person)

    owners = writer.get(f"/applications/{made['id']}/owners")["value"]
    assert [one["id"] for one in owners] == [user["id"]]
    assert person.patch(f"/applications/{made['id']}", {"notes": "mine"}).status == 204
    assert person.patch(f"/applications/{make(writer)['id']}", {"notes": "x"}).status == 403


def test_owned_by(writer: Writer) -> None:
    """Application.ReadWrite.OwnedBy writes what the application owns, and nothing else."""
    narrow = writer.colleague("Application.ReadWrite.OwnedBy")
    mine, other = make(narrow), make(writer)
    own, foreign = f"/applications/{mine['id']}", f"/applications/{other['id']}"

    assert narrow.patch(own, {"notes": "x"}).status == 204
    assert narrow.post(f"{own}/addPassword").status == 200
    for answer in (
        narrow.patch(foreign, {"notes": "x"}),
        narrow.post(f"{foreign}/addPassword"),
        narrow.delete(foreign),
        narrow.post("/servicePrincipals", {"appId": other["appId"]}),
    ):
        assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    principal = install(narrow, mine["appId"])
    assert narrow.patch(f"/servicePrincipals/{principal['id']}", {"notes": "x"}).status == 204
    assert narrow.delete(own).status == 204


def test_journal(writer: Writer) -> None:
    """Every change of an application is noted, by the properties that changed."""
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    made = make(writer)
    path = f"/applications/{made['id']}"
    writer.patch(path, {"notes": "x"})
    writer.post(f"{path}/addPassword")
    writer.delete(path)

    noted = directory.changes.list_between(
        tenant, "application", 0, directory.changes.read_watermark()
    )
    assert [(one.what, one.names) for one in noted if one.id == made["id"]] == [
        ("created", ()),
        ("linked", ("owners",)),
        ("updated", ("notes",)),
        ("updated", ("passwordCredentials",)),
        ("deleted", ()),
    ]
