import base64
from typing import Any
from uuid import UUID

import jwt
import pytest

from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_principals import make, role_id, roles
from tests.support.graph_writer import NOBODY, Writer
from tests.support.user_flows import NATIVE, Client


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
