"""Applications and their credentials that are written through Graph, and what tokens make of it."""

import base64
import json
import re
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest

from entra_emulator.model import schema
from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.certificates_and_assertions import (
    Identity,
    describe,
    encode,
    make_identity,
    sign,
)
from tests.support.emulator_probe import GRAPH_SCOPE, Answer, Probe
from tests.support.foreign_issuer import EXCHANGE, SUBJECT
from tests.support.graph_writer import GUID, NOBODY, Writer, start_writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
ISSUER = "https://token.actions.githubusercontent.com/"


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


def make(writer: Writer, **values: Any) -> dict[str, Any]:
    return writer.make("/applications", {"displayName": "Orders"} | values)


def install(writer: Writer, app_id: str) -> dict[str, Any]:
    return writer.make("/servicePrincipals", {"appId": app_id})


def ask(writer: Writer, app_id: str, **form: str) -> Answer:
    """A token of the application's own."""
    body = {"grant_type": "client_credentials", "client_id": app_id, "scope": GRAPH_SCOPE} | form
    return writer.app.probe.post(f"/{writer.app.tenant.id}/oauth2/v2.0/token", body)


def code(answer: Answer) -> int:
    """The AADSTS number, 0 for a token."""
    return 0 if answer.status == 200 else int(answer.json()["error_codes"][0])


def certify(identity: Identity, **values: Any) -> dict[str, Any]:
    key = base64.b64encode(identity.der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key} | values


def assertion(writer: Writer, identity: Identity, app_id: str) -> dict[str, str]:
    url = f"{writer.app.probe.emulator.url}/{writer.app.tenant.id}/oauth2/v2.0/token"
    signed = sign(identity, *describe(identity, app_id, url))
    return {"client_assertion": signed, "client_assertion_type": JWT_BEARER}


def role(value: str, **changes: Any) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": value,
        "displayName": value,
        "id": str(uuid4()),
        "isEnabled": True,
        "value": value,
    } | changes


def scope(value: str, **changes: Any) -> dict[str, Any]:
    return {"adminConsentDisplayName": value, "id": str(uuid4()), "value": value} | changes


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


def test_audiences(writer: Writer) -> None:
    """Applications for personal accounts get tokens of version 2, and no others, as recorded."""
    audience = "AzureADandPersonalMicrosoftAccount"

    assert make(writer, signInAudience=audience)["api"]["requestedAccessTokenVersion"] == 2
    refused = writer.post(
        "/applications",
        {
            "displayName": "x",
            "signInAudience": audience,
            "api": {"requestedAccessTokenVersion": 1},
        },
    )
    assert refused.json()["error"]["details"][0]["target"] == "api.requestedAccessTokenVersion"
    assert writer.post("/applications", {"displayName": "x", "signInAudience": "All"}).status == 400


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


def test_identifiers(writer: Writer) -> None:
    """An identifier URI is one application's, until that is gone for ever."""
    uri = f"https://{writer.domain}/orders"
    first, second = make(writer, identifierUris=[uri]), make(writer)
    path = f"/applications/{second['id']}"
    taken = writer.patch(path, {"identifierUris": [uri]})

    message = "Another object with the same value for property identifierUris already exists."
    assert (taken.status, taken.message) == (400, message)
    assert writer.delete(f"/applications/{first['id']}").status == 204
    assert writer.patch(path, {"identifierUris": [uri]}).message == message
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    deleted = directory.recycle_bin.find(tenant, first["id"])
    assert deleted is not None
    directory.recycle_bin.purge(tenant, deleted)
    assert writer.patch(path, {"identifierUris": [uri]}).status == 204


def test_tokens_for_identifier(writer: Writer) -> None:
    """Tokens are issued for a new identifier URI at once, and for a removed one no longer."""
    uri = f"api://orders-{uuid4()}"
    api, client = make(writer), make(writer)
    secret = writer.post(f"/applications/{client['id']}/addPassword").json()["secretText"]
    install(writer, api["appId"])
    install(writer, client["appId"])
    asked = {"client_secret": secret, "scope": f"{uri}/.default"}
    path = f"/applications/{api['id']}"

    assert code(ask(writer, client["appId"], **asked)) == 500011
    assert writer.patch(path, {"identifierUris": [uri]}).status == 204
    token = ask(writer, client["appId"], **asked).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == uri
    two = {"requestedAccessTokenVersion": 2}
    assert writer.patch(path, {"api": two}).status == 204
    token = ask(writer, client["appId"], **asked).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["ver"] == "2.0"
    assert writer.patch(path, {"identifierUris": []}).status == 204
    assert code(ask(writer, client["appId"], **asked)) == 500011


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


def test_redirects_follow(writer: Writer) -> None:
    """A redirect address is good from the moment that it is written."""
    made = make(writer, isFallbackPublicClient=True)
    install(writer, made["appId"])
    client = Client(writer.app.probe, writer.app.tenant, made["appId"], "http://localhost/x")
    assert b"AADSTS50011" in writer.app.probe.get(client.link(), Accept="text/html").body
    writer.patch(
        f"/applications/{made['id']}", {"publicClient": {"redirectUris": ["http://localhost/x"]}}
    )

    assert b"AADSTS50011" not in writer.app.probe.get(client.link(), Accept="text/html").body


def test_disable_before_removal(writer: Writer) -> None:
    """An enabled role or scope cannot be removed; a disabled one can."""
    roles, scopes = [role("R")], [scope("S", isEnabled=True, type="Admin")]
    made = make(writer, appRoles=roles, api={"oauth2PermissionScopes": scopes})
    path = f"/applications/{made['id']}"
    for gone, disabled in (
        ({"appRoles": []}, {"appRoles": [roles[0] | {"isEnabled": False}]}),
        (
            {"api": {"oauth2PermissionScopes": []}},
            {"api": {"oauth2PermissionScopes": [scopes[0] | {"isEnabled": False}]}},
        ),
    ):
        refused = writer.patch(path, gone)
        assert (refused.status, refused.code, refused.message) == (
            400,
            "CannotDeleteOrUpdateEnabledEntitlement",
            "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        )
        assert writer.patch(path, disabled).status == 204
        assert writer.patch(path, gone).status == 204


def test_secrets(writer: Writer) -> None:
    """A secret works at once, is shown once, and stops working when it is removed."""
    made = make(writer)
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    answer = writer.post(f"{path}/addPassword")
    added = answer.json()
    secret = added["secretText"]

    assert answer.status == 200
    assert answer.headers["location"] == "https://graph.microsoft.com"
    assert added["@odata.context"].endswith("#microsoft.graph.passwordCredential")
    assert list(added)[1:] == [
        "customKeyIdentifier",
        "displayName",
        "endDateTime",
        "hint",
        "keyId",
        "secretText",
        "startDateTime",
    ]
    assert added["hint"] == secret[:3]
    start, end = added["startDateTime"], added["endDateTime"]
    assert (int(end[:4]) - int(start[:4]), end[4:]) == (2, start[4:])
    shown = {name: value for name, value in added.items() if name != "@odata.context"}
    assert writer.get(path)["passwordCredentials"] == [shown | {"secretText": None}]
    assert code(ask(writer, made["appId"], client_secret=secret)) == 0
    removed = writer.post(f"{path}/removePassword", {"keyId": added["keyId"]})
    assert (removed.status, removed.body) == (204, b"")
    assert code(ask(writer, made["appId"], client_secret=secret)) == 7000215
    again = writer.post(f"{path}/removePassword", {"keyId": added["keyId"]})
    assert (again.status, again.message) == (
        400,
        f"No password credential found with keyId '{added['keyId']}'.",
    )


def test_secret_as_asked(writer: Writer) -> None:
    """Times and key IDs of a secret are kept as they were sent, in UTC."""
    path = f"/applications/{make(writer)['id']}"
    added = writer.post(
        f"{path}/microsoft.graph.addPassword",
        {
            "passwordCredential": {
                "displayName": "rbac",
                "keyId": NOBODY,
                "startDateTime": "2026-08-23T14:36:18.018157+02:00",
                "endDateTime": "2027-08-23T12:36:18Z",
            }
        },
    ).json()

    assert added["startDateTime"] == "2026-08-23T12:36:18.018157Z"
    assert added["endDateTime"] == "2027-08-23T12:36:18Z"
    assert (added["displayName"], added["keyId"]) == ("rbac", NOBODY)
    backwards = {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}
    assert writer.post(f"{path}/addPassword", {"passwordCredential": backwards}).status == 400
    twice = {"passwordCredential": {"keyId": NOBODY}}
    assert writer.post(f"{path}/addPassword", twice).status == 400
    assert writer.post(f"{path}/addPassword", {"password": 1}).code == "BadRequest"
    assert writer.post(f"{path}/removePassword", {}).status == 400
    assert writer.post(f"{path}/removePassword", {"keyId": "x"}).status == 400


def test_secret_on_creation(writer: Writer) -> None:
    """A secret that is made with its application is shown in that answer only."""
    made = make(writer, passwordCredentials=[{"displayName": "first"}])
    install(writer, made["appId"])
    secret = made["passwordCredentials"][0]["secretText"]

    assert code(ask(writer, made["appId"], client_secret=secret)) == 0
    shown = writer.get(f"/applications/{made['id']}")["passwordCredentials"][0]
    assert (shown["displayName"], shown["secretText"]) == ("first", None)
    patched = writer.patch(f"/applications/{made['id']}", {"passwordCredentials": []})
    assert "read-only" in patched.message


def test_certificates(writer: Writer) -> None:
    """The list of certificates is replaced as a whole: what is left out proves nothing more."""
    old, new = make_identity(1), make_identity(2)
    made = make(writer, keyCredentials=[certify(old, displayName=None, keyId=NOBODY)])
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    (entry,) = made["keyCredentials"]
    assert list(entry) == [
        "customKeyIdentifier",
        "displayName",
        "endDateTime",
        "key",
        "keyId",
        "startDateTime",
        "type",
        "usage",
    ]
    assert entry["customKeyIdentifier"] == old.thumbprint.upper()
    assert (entry["displayName"], entry["key"], entry["keyId"]) == ("CN=app 1", None, NOBODY)
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 0

    assert writer.patch(path, {"keyCredentials": [entry, certify(new)]}).status == 204
    for identity in (old, new):
        assert code(ask(writer, made["appId"], **assertion(writer, identity, made["appId"]))) == 0
    added = writer.get(path)["keyCredentials"][1]
    changed = writer.patch(path, {"keyCredentials": [entry | {"displayName": "other"}]})
    assert changed.message == f"Update to existing credential with KeyId '{NOBODY}' is not allowed."
    assert writer.patch(path, {"keyCredentials": [added]}).status == 204
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 700027
    assert code(ask(writer, made["appId"], **assertion(writer, new, made["appId"]))) == 0


@pytest.mark.parametrize("kind", ["applications", "servicePrincipals"])
def test_certificate_shown(writer: Writer, kind: str) -> None:
    """A certificate's key shows where one object's certificates are asked for by name."""
    identity = make_identity(4)
    made = make(writer)
    if kind == "servicePrincipals":
        made = install(writer, made["appId"])
    path = f"/{kind}/{made['id']}"
    body = certify(identity)
    assert writer.patch(path, {"keyCredentials": [body]}).status == 204

    assert writer.get(path)["keyCredentials"][0]["key"] is None
    (shown,) = writer.get(f"{path}?$select=id,keyCredentials")["keyCredentials"]
    (listed,) = writer.get(f"/{kind}?$filter=id%20eq%20'{made['id']}'&$select=keyCredentials")[
        "value"
    ]
    assert shown["key"] == body["key"]
    assert listed["keyCredentials"][0]["key"] is None
    assert writer.patch(path, {"keyCredentials": [shown]}).status == 204


def test_certificate_times(writer: Writer) -> None:
    """A certificate cannot be said to last longer than it does."""
    identity = make_identity(3, end_days=10)
    body = {"displayName": "x", "keyCredentials": [certify(identity)]}

    assert writer.post("/applications", body).status == 201
    body["keyCredentials"] = [certify(identity, endDateTime="2099-01-01T00:00:00Z")]
    refused = writer.post("/applications", body)
    assert (refused.code, refused.message) == (
        "KeyCredentialsInvalidEndDate",
        "Key credential end date is invalid.",
    )


def prove(identity: Identity, object_id: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {"aud": PROOF_AUDIENCE, "iss": object_id, "nbf": now, "exp": now + 600} | changes
    header = {"alg": "RS256", "typ": "JWT", "x5t": encode(bytes.fromhex(identity.thumbprint))}
    return sign(identity, header, claims)


def test_rolling_keys(writer: Writer) -> None:
    """Whoever proves to have a certificate adds the next one and removes the last."""
    old, new = make_identity(4), make_identity(5)
    made = make(writer, keyCredentials=[certify(old)])
    install(writer, made["appId"])
    path = f"/applications/{made['id']}"
    body = {
        "keyCredential": certify(new),
        "passwordCredential": None,
        "proof": prove(old, made["id"]),
    }
    answer = writer.post(f"{path}/addKey", body)

    assert answer.status == 200
    assert answer.json()["@odata.context"].endswith("#microsoft.graph.keyCredential")
    assert code(ask(writer, made["appId"], **assertion(writer, new, made["appId"]))) == 0
    key_id = made["keyCredentials"][0]["keyId"]
    removing = {"keyId": key_id, "proof": prove(new, made["id"])}
    assert writer.post(f"{path}/removeKey", removing).status == 204
    assert code(ask(writer, made["appId"], **assertion(writer, old, made["appId"]))) == 700027
    assert writer.post(f"{path}/removeKey", removing).message == (
        f"No key credential found with keyId '{key_id}'."
    )


def test_rolling_own_keys(writer: Writer, probe: Probe) -> None:
    """An application rolls its own keys without any permission, and nobody else's."""
    old, new = make_identity(6), make_identity(7)
    made, other = (make(writer, keyCredentials=[certify(old)]) for _ in range(2))
    install(writer, made["appId"])
    token = ask(writer, made["appId"], **assertion(writer, old, made["appId"])).json()
    headers = {
        "Authorization": f"Bearer {token['access_token']}",
        "Content-Type": "application/json",
    }
    statuses = []
    for target in (made, other):
        body = {
            "keyCredential": certify(new),
            "passwordCredential": None,
            "proof": prove(old, target["id"]),
        }
        path = f"/v1.0/applications/{target['id']}/addKey"
        answer = probe.send("POST", path, headers=headers, body=json.dumps(body).encode())
        statuses.append(answer.status)

    assert statuses == [200, 403]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": NOBODY},
        {"aud": GRAPH_APP_ID},
        {"exp": int(time.time()) + 1300},
        {"nbf": int(time.time()) - 3600, "exp": int(time.time()) - 3000},
        {"nbf": None},
        {"exp": "soon"},
    ],
    ids="iss aud late past no-nbf no-time".split(),
)
def test_false_claims(writer: Writer, changes: dict[str, Any]) -> None:
    """A proof for somebody else, or for more than ten minutes, is refused."""
    identity = make_identity(4)
    made = make(writer, keyCredentials=[certify(identity)])

    refuse_proof(writer, made, prove(identity, made["id"], **changes))


@pytest.mark.parametrize("proof", ["x.y.z", None, {"a": 1}, "", 7])
def test_false_proof(writer: Writer, proof: Any) -> None:
    """What is no proof is refused, and one by another key too."""
    made = make(writer, keyCredentials=[certify(make_identity(4))])

    refuse_proof(writer, made, proof)
    refuse_proof(writer, made, prove(make_identity(6), made["id"]))


def refuse_proof(writer: Writer, made: dict[str, Any], proof: Any) -> None:
    path = f"/applications/{made['id']}"
    body = {"keyCredential": certify(make_identity(5)), "proof": proof}
    answer = writer.post(f"{path}/addKey", body)
    assert (answer.status, answer.code) == (401, "Authentication_MissingOrMalformed")
    assert len(writer.get(path)["keyCredentials"]) == 1


def test_federated(writer: Writer) -> None:
    """Federated credentials are made, found by ID or name, changed and removed, as recorded."""
    made = make(writer)
    path = f"/applications/{made['id']}/federatedIdentityCredentials"
    body = {
        "name": "Testing",
        "issuer": ISSUER,
        "subject": SUBJECT,
        "description": "d",
        "audiences": [EXCHANGE],
    }
    answer = writer.post(path, body)
    one = answer.json()

    assert answer.status == 201
    assert answer.headers["location"].endswith(f"/federatedIdentityCredentials/{one['id']}")
    context = f"#applications('{made['id']}')/federatedIdentityCredentials"
    assert one["@odata.context"].endswith(f"{context}/$entity")
    assert list(one)[1:] == ["id", "name", "issuer", "subject", "description", "audiences"]
    listed = writer.get(path)
    assert listed["@odata.context"].endswith(context)
    assert [item["name"] for item in listed["value"]] == ["Testing"]
    for key in (one["id"], "Testing", "(name='Testing')"):
        spelled = f"{path}{key}" if key.startswith("(") else f"{path}/{key}"
        assert writer.get(spelled)["id"] == one["id"]
    assert writer.patch(f"{path}/{one['id']}", {"subject": "repo:x"}).status == 204
    assert writer.get(f"{path}/Testing")["subject"] == "repo:x"
    assert "read-only" in writer.patch(f"{path}/Testing", {"name": "Other"}).message
    again = writer.post(path, body)
    assert (again.status, again.code, again.message) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "FederatedIdentityCredential with name Testing already exists.",
    )
    assert writer.delete(f"{path}/Testing").status == 204
    assert writer.send("GET", f"{path}/Testing").status == 404
    assert writer.delete(f"{path}/{NOBODY}").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://a.example"},
        {"subject": ""},
        {"subject": "x" * 601},
        {"audiences": []},
        {"audiences": ["a", "b"]},
        {"name": "no blanks"},
        {"name": None},
        {"description": "x" * 601},
        {"colour": "red"},
    ],
)
def test_federated_limits(writer: Writer, changes: dict[str, Any]) -> None:
    """A federated credential beyond the documented limits is refused."""
    body = {"name": "Testing", "issuer": ISSUER, "subject": "s", "audiences": [EXCHANGE]} | changes
    answer = writer.post(f"/applications/{make(writer)['id']}/federatedIdentityCredentials", body)

    assert (answer.status, answer.code) == (400, "Request_BadRequest")


def test_federated_upsert(writer: Writer) -> None:
    """With Prefer: create-if-missing a federated credential is made once, then changed."""
    path = f"/applications/{make(writer)['id']}/federatedIdentityCredentials(name='nightly')"
    body = {"issuer": ISSUER, "subject": "s", "audiences": [EXCHANGE]}

    assert writer.patch(path, body).status == 404
    made = writer.patch(path, body, Prefer="create-if-missing")
    assert (made.status, made.json()["name"]) == (201, "nightly")
    assert writer.patch(path, {"subject": "t"}, Prefer="create-if-missing").status == 204
    assert writer.get(path)["subject"] == "t"


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
