"""Users that are made, changed and deleted through Graph."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from entra_emulator.model.people_and_devices import derive_sid
from tests.support.emulator_probe import GRAPH_SCOPE, Answer
from tests.support.graph_writer import GUID, NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

DEFAULT = (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName"
).split()


def changes(writer: Writer, user_id: str) -> list[tuple[str, tuple[str, ...]]]:
    directory = writer.app.probe.emulator.directory
    noted = directory.changes.list_between(
        writer.app.tenant, "user", 0, directory.changes.read_watermark()
    )
    return [(one.what, one.names) for one in noted if one.id == user_id]


def test_create(writer: Writer) -> None:
    """A new user is answered with the ID first, and the directory's own address of it."""
    body = writer.user()
    answer = writer.post("/users", body)
    made = answer.json()

    assert answer.status == 201
    assert list(made) == ["@odata.context", "id", *DEFAULT]
    assert made["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert re.fullmatch(GUID, made["id"])
    assert answer.headers["location"] == (
        f"https://graph.microsoft.com/v2/{writer.app.tenant.id}/directoryObjects/{made['id']}/"
        "Microsoft.DirectoryServices.User"
    )
    expected = {name: body.get(name) for name in DEFAULT} | {"businessPhones": []}
    assert {name: made[name] for name in DEFAULT} == expected
    assert changes(writer, made["id"]) == [("created", ())]


def test_server_properties(writer: Writer) -> None:
    """What nobody sent is set as the service sets it, and no address comes from nowhere."""
    made = writer.make_user()
    names = (
        "accountEnabled,createdDateTime,creationType,identities,mail,passwordProfile,"
        "proxyAddresses,securityIdentifier,signInSessionsValidFromDateTime,userType"
    )
    user = writer.get(f"/users/{made['id']}?$select={names}")

    created = user["createdDateTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert (
        user
        | {
            "accountEnabled": True,
            "creationType": None,
            "mail": None,
            "passwordProfile": None,
            "proxyAddresses": [],
            "securityIdentifier": derive_sid(made["id"]),
            "signInSessionsValidFromDateTime": created,
            "userType": "Member",
        }
        == user
    )
    assert user["identities"] == [
        {
            "issuer": writer.domain,
            "issuerAssignedId": made["userPrincipalName"],
            "signInType": "userPrincipalName",
        }
    ]


@pytest.mark.parametrize(
    "name",
    ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"],
)
def test_required(writer: Writer, name: str) -> None:
    """A user without one of the five required properties is refused by its name."""
    answer = writer.post("/users", writer.user(**{name: ...}))

    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert answer.message == f"A value is required for property '{name}' of resource 'User'."


def test_conflict(writer: Writer) -> None:
    """A user principal name that somebody has is refused, saying who has it."""
    made = writer.make_user()
    taken = made["userPrincipalName"].upper()
    answer = writer.post("/users", writer.user(userPrincipalName=taken))

    message = "Another object with the same value for property userPrincipalName already exists."
    assert (answer.status, answer.code, answer.message) == (400, "Request_BadRequest", message)
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "details", "innerError"]
    assert error["details"] == [
        {"code": "ObjectConflict", "message": message, "target": "userPrincipalName"},
        {"code": "ConflictingObjects", "message": message, "target": f"User_{made['id']}"},
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"userPrincipalName": "no-at-sign"}, "Property userPrincipalName is invalid."),
        ({"userPrincipalName": "a b@{domain}"}, "Property userPrincipalName is invalid."),
        (
            {"userPrincipalName": "a@elsewhere.example"},
            (
                "The domain portion of the userPrincipalName property is invalid. You must use one "
                "of the verified domain names in your organization."
            ),
        ),
        (
            {"mailNickname": "a b"},
            "Invalid value specified for property 'mailNickname' of resource 'User'.",
        ),
        (
            {"usageLocation": "Utopia"},
            "Invalid value specified for property 'usageLocation' of resource 'User'.",
        ),
        (
            {"department": ""},
            "Invalid value specified for property 'department' of resource 'User'.",
        ),
        (
            {"displayName": "x" * 257},
            "Invalid value specified for property 'displayName' of resource 'User'.",
        ),
        (
            {"userType": "Robot"},
            "Invalid value specified for property 'userType' of resource 'User'.",
        ),
        (
            {"passwordProfile": {"password": "weak"}},
            (
                "The specified password does not comply with password complexity requirements. "
                "Please provide a different password."
            ),
        ),
        ({"passwordProfile": {}}, "A password must be specified to create a new user."),
        (
            {"nickname": "x"},
            "Property 'nickname' does not exist as a declared property or extension property.",
        ),
        (
            {"extension_x_y": "x"},
            "The following extension properties are not available: extension_x_y.",
        ),
        (
            {"proxyAddresses": ["SMTP:a@b.example"]},
            "Property 'proxyAddresses' is read-only and cannot be set.",
        ),
        ({"id": NOBODY}, "Property 'id' is read-only and cannot be set."),
        ({"otherMails": ["a@b.example"] * 2}, "Request contains a property with duplicate values."),
    ],
)
def test_refused_values(writer: Writer, values: dict[str, Any], message: str) -> None:
    """A value that cannot be is refused with the service's sentence, and nothing is made."""
    before = len(writer.get("/users?$top=999")["value"])
    filled = json.loads(json.dumps(values).replace("{domain}", writer.domain))
    answer = writer.post("/users", writer.user(**filled))

    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert answer.message == message
    assert len(writer.get("/users?$top=999")["value"]) == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"employeeId": 800067},
            "Cannot convert the literal '800067' to the expected type 'Edm.String'.",
        ),
        (
            {"accountEnabled": "yes"},
            "Cannot convert the literal 'yes' to the expected type 'Edm.Boolean'.",
        ),
        (
            {"employeeHireDate": "soon"},
            "Cannot convert the literal 'soon' to the expected type 'Edm.DateTimeOffset'.",
        ),
        (
            {"city": {"name": "Utrecht"}},
            (
                "An unexpected 'StartObject' node was found when reading from the JSON reader. A "
                "'PrimitiveValue' node was expected."
            ),
        ),
        (
            {"businessPhones": "1"},
            (
                "An unexpected 'PrimitiveValue' node was found when reading from the JSON reader. "
                "A 'StartArray' node was expected."
            ),
        ),
        (
            {"employeeOrgData": [1]},
            (
                "An unexpected 'StartArray' node was found when reading from the JSON reader. A "
                "'StartObject' node was expected."
            ),
        ),
        (
            {"employeeOrgData": {"colour": "red"}},
            (
                "The property 'colour' does not exist on type 'microsoft.graph.employeeOrgData'. "
                "Make sure to only use property names that are defined by the type."
            ),
        ),
        (
            {"city": "Utrecht", "City": "Breda"},
            (
                "Multiple properties with the name 'city' were detected in a resource or a complex "
                "value. OData does not allow duplicate properties."
            ),
        ),
    ],
)
def test_refused_types(writer: Writer, values: dict[str, Any], message: str) -> None:
    """A value of another type is refused by the gateway, as the OData library words it."""
    user = writer.make_user()
    answer = writer.patch(f"/users/{user['id']}", values)

    assert (answer.status, answer.code, answer.message) == (400, "BadRequest", message)
    assert "x-ms-resource-unit" not in answer.headers


def test_change(writer: Writer) -> None:
    """A change is 204 without a body, merges complex values and is noted."""
    user = writer.make_user()
    path = f"/users/{user['id']}"
    extension = "extension_0123456789abcdef0123456789abcdef_level"
    answer = writer.patch(
        path,
        {
            "jobTitle": "Guide",
            "businessPhones": ["+31 30 1"],
            "employeeHireDate": "2026-03-01T01:00:00.5+02:00",
            "employeeOrgData": {"division": "North"},
            extension: 3,
        },
    )
    writer.patch(path, {"employeeOrgData": {"costCenter": "7"}, "@odata.type": "#x"})
    shown = writer.get(
        f"{path}?$select=jobTitle,businessPhones,employeeHireDate,employeeOrgData,{extension}"
    )

    assert (answer.status, answer.body) == (204, b"")
    assert {name: shown[name] for name in list(shown)[1:]} == {
        "jobTitle": "Guide",
        "businessPhones": ["+31 30 1"],
        "employeeHireDate": "2026-02-28T23:00:00.5Z",
        "employeeOrgData": {"costCenter": "7", "division": "North"},
        extension: 3,
    }
    noted = changes(writer, user["id"])
    assert [what for what, _ in noted] == ["created", "updated", "updated"]
    assert noted[-1] == ("updated", ("employeeOrgData",))


def test_clear(writer: Writer) -> None:
    """Null clears a property, a missing one stays, and required ones cannot be cleared."""
    user = writer.make_user(city="Utrecht", state="U")
    path = f"/users/{user['id']}"

    assert writer.patch(path, {"city": None}).status == 204
    assert writer.patch(path, {}).status == 204
    shown = writer.get(f"{path}?$select=city,state")
    assert (shown["city"], shown["state"]) == (None, "U")
    assert writer.patch(path, {"displayName": None}).message == (
        "Invalid value specified for property 'displayName' of resource 'User'."
    )


def test_rename(writer: Writer) -> None:
    """A new user principal name finds the user, the old one does not, identities follow."""
    user = writer.make_user()
    renamed = f"renamed.{user['id'][:8]}@{writer.domain}"

    assert writer.patch(f"/users/{user['id']}", {"userPrincipalName": renamed}).status == 204
    shown = writer.get(f"/users/{renamed}?$select=id,identities")
    assert shown["id"] == user["id"]
    assert [one["issuerAssignedId"] for one in shown["identities"]] == [renamed]
    assert writer.send("GET", f"/users/{user['userPrincipalName']}").status == 404


def test_addresses(writer: Writer) -> None:
    """A mail address becomes the primary proxy address, and nobody else can have it."""
    first, second = writer.make_user(), writer.make_user()
    alias = f"alias{first['id'][:6]}"
    path = f"/users/{first['id']}"
    for number in (1, 2):
        assert writer.patch(path, {"mail": f"{alias}{number}@mail.example"}).status == 204
    answer = writer.patch(f"/users/{second['id']}", {"mail": f"{alias}1@MAIL.example"})

    assert writer.get(f"{path}?$select=proxyAddresses")["proxyAddresses"] == [
        f"SMTP:{alias}2@mail.example",
        f"smtp:{alias}1@mail.example",
    ]
    message = "Another object with the same value for property proxyAddresses already exists."
    assert (answer.status, answer.message) == (400, message)
    details = answer.json()["error"]["details"]
    assert [one["target"] for one in details] == ["proxyAddresses", f"User_{first['id']}"]


def test_key_spellings(writer: Writer) -> None:
    """Users are changed and deleted by every spelling of their key, dollars and hashes too."""
    upn = f"$cli-user#1@{writer.domain}"
    writer.make_user(userPrincipalName=upn)
    path = f"/users('{quote(upn, safe='$@')}')"

    assert writer.patch(path, {"passwordProfile": {"forceChangePasswordNextSignIn": True}}).status
    assert writer.delete(path).status == 204
    assert writer.send("GET", path).status == 404


def test_delete(writer: Writer) -> None:
    """A deleted user is gone at once, can be restored, and its name is free."""
    user = writer.make_user()
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    answer = writer.delete(f"/users/{user['id']}")

    assert (answer.status, answer.body) == (204, b"")
    assert writer.send("GET", f"/users/{user['id']}").status == 404
    assert writer.delete(f"/users/{user['id']}").code == "Request_ResourceNotFound"
    assert directory.recycle_bin.find(tenant, user["id"]) is not None
    assert changes(writer, user["id"])[-1][0] == "deleted"
    again = writer.make_user(userPrincipalName=user["userPrincipalName"])
    assert again["id"] != user["id"]


def test_manager(writer: Writer) -> None:
    """A manager is set, replaced and removed by reference; removing nobody is 404."""
    boss, other, worker = (writer.make_user()["id"] for _ in range(3))
    path = f"/users/{worker}/manager"

    assert writer.send("PUT", f"{path}/$ref", writer.refer(boss)).status == 204
    assert writer.send("PUT", f"{path}/$ref", writer.refer(other)).status == 204
    assert writer.get(path)["id"] == other
    assert [one["id"] for one in writer.get(f"/users/{other}/directReports")["value"]] == [worker]
    assert writer.send("PUT", f"{path}/$ref", writer.refer(worker)).status == 400
    assert writer.send("PUT", f"{path}/$ref", writer.refer(NOBODY)).status == 404
    assert writer.delete(f"{path}/$ref").status == 204
    assert writer.delete(f"{path}/$ref").status == 404
    made = writer.make_user(
        **{"manager@odata.bind": f"https://graph.microsoft.com/v1.0/users/{boss}"}
    )
    assert writer.get(f"/users/{made['id']}/manager")["id"] == boss


def test_synced(writer: Writer) -> None:
    """What an on-premises directory is the master of cannot be changed here."""
    directory = writer.app.probe.emulator.directory
    user = writer.make_user()
    directory.objects.update(writer.app.tenant, "user", user["id"], {"onPremisesSyncEnabled": True})
    path = f"/users/{user['id']}"

    assert writer.patch(path, {"usageLocation": "NL"}).status == 204
    assert writer.patch(path, {"jobTitle": "x"}).message.startswith(
        "Unable to update the specified properties for on-premises mastered"
    )


def sign_in(writer: Writer, upn: str) -> tuple[Client, dict[str, Any]]:
    client = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE)
    return client, client.tokens(upn, f"{GRAPH_SCOPE} offline_access")


def refresh(writer: Writer, token: str) -> Answer:
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": token}
    return writer.app.probe.post(
        f"/{writer.app.tenant.id}/oauth2/v2.0/token", form | {"scope": GRAPH_SCOPE}
    )


def test_revoke_sessions(writer: Writer) -> None:
    """Revoked sessions answer true as recorded; refresh tokens are refused from then on."""
    user = writer.make_user()
    _, tokens = sign_in(writer, user["userPrincipalName"])
    assert refresh(writer, tokens["refresh_token"]).status == 200
    answer = writer.post(f"/users/{user['id']}/revokeSignInSessions")

    assert answer.status == 200
    assert answer.json()["value"] is True
    assert answer.json()["@odata.context"].endswith("#Edm.Boolean")
    assert answer.headers["location"] == "https://graph.microsoft.com"
    refused = refresh(writer, tokens["refresh_token"])
    assert (refused.status, refused.json()["error_codes"]) == (400, [50173])


@pytest.mark.parametrize(
    ("change", "code"),
    [({"accountEnabled": False}, 50057), ({"passwordProfile": {"password": "N3w-pass!"}}, 50173)],
)
def test_tokens_follow(writer: Writer, change: dict[str, Any], code: int) -> None:
    """Refresh tokens of a disabled user, and of one with a new password, are refused."""
    user = writer.make_user()
    _, tokens = sign_in(writer, user["userPrincipalName"])
    assert writer.patch(f"/users/{user['id']}", change).status == 204

    assert refresh(writer, tokens["refresh_token"]).json()["error_codes"] == [code]


def test_me(writer: Writer) -> None:
    """Signed-in users change themselves and revoke their own sessions; applications cannot."""
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    user = writer.make_user()
    directory.role_members.assign(tenant, user["id"], "Global Administrator")
    _, tokens = sign_in(writer, user["userPrincipalName"])
    me = Writer(writer.app, tokens["access_token"])

    assert me.patch("/me", {"city": "Breda"}).status == 204
    assert me.get("/me?$select=city")["city"] == "Breda"
    assert me.post("/me/revokeSignInSessions").json()["value"] is True
    assert writer.post("/me/revokeSignInSessions").message == (
        "/me request is only valid with delegated authentication flow."
    )


def test_few_properties(writer: Writer) -> None:
    """A permission for a few properties writes those, and no others."""
    user = writer.make_user()
    narrow = writer.colleague("User.EnableDisableAccount.All", "User.Read.All")

    assert narrow.patch(f"/users/{user['id']}", {"accountEnabled": False}).status == 204
    assert narrow.patch(f"/users/{user['id']}", {"city": "x"}).status == 403
