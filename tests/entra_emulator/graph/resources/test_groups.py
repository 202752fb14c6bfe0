"""Groups, devices, administrative units, directory roles and domains that are written."""

import re
from typing import Any

import jwt
import pytest

from entra_emulator.model import schema
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.sid import derive_sid
from tests.support.emulator_probe import GRAPH_SCOPE, Probe
from tests.support.graph_writer import NOBODY, Writer, start_writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

RULE = 'user.department -eq "Sales"'
DYNAMIC = {"groupTypes": ["DynamicMembership"], "membershipRule": RULE}
UNIFIED = {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}


@pytest.fixture(scope="module")
def writer(probe: Probe) -> Writer:
    return start_writer(probe)


@pytest.fixture(scope="module")
def administrator(writer: Writer) -> Writer:
    """A signed-in global administrator, who may also register devices."""
    user = writer.make_user()
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    directory.role_members.assign(tenant, user["id"], "Global Administrator")
    client = Client(writer.app.probe, tenant, AZURE_CLI, NATIVE)
    tokens = client.tokens(user["userPrincipalName"], GRAPH_SCOPE)
    return Writer(writer.app, tokens["access_token"])


def members(writer: Writer, path: str) -> list[str]:
    return [one["id"] for one in writer.get(path)["value"]]


def link_changes(writer: Writer, group_id: str) -> list[tuple[str, tuple[str, ...]]]:
    directory = writer.app.probe.emulator.directory
    noted = directory.changes.list_between(
        writer.app.tenant, "group", 0, directory.changes.read_watermark()
    )
    return [(one.what, one.names) for one in noted if one.id == group_id]


def test_create(writer: Writer) -> None:
    """A new security group is answered with the wide recorded body."""
    body = writer.group(description="d")
    answer = writer.post("/groups", body)
    made = answer.json()

    assert answer.status == 201
    assert tuple(made)[1:] == schema.default("group")
    assert answer.headers["location"].endswith(f"/{made['id']}/Microsoft.DirectoryServices.Group")
    created = made["createdDateTime"]
    assert (
        made
        | body
        | {
            "groupTypes": [],
            "isAssignableToRole": None,
            "mail": None,
            "proxyAddresses": [],
            "renewedDateTime": created,
            "securityIdentifier": derive_sid(made["id"]),
            "visibility": None,
        }
        == made
    )
    assert writer.get(f"/groups/{made['id']}") == made


def test_create_unified(writer: Writer) -> None:
    """A Microsoft 365 group has a mailbox, is public, and its nickname is its own."""
    body = writer.group(**UNIFIED)
    made = writer.make("/groups", body)
    mail = f"{body['mailNickname']}@{writer.app.tenant.domains[-1]}"
    answer = writer.post("/groups", writer.group(**UNIFIED, mailNickname=body["mailNickname"]))

    assert (made["mail"], made["proxyAddresses"]) == (mail, [f"SMTP:{mail}"])
    assert made["visibility"] == "Public"
    message = "Another object with the same value for property mailNickname already exists."
    assert (answer.status, answer.message) == (400, message)
    assert answer.json()["error"]["details"][1]["target"] == f"Group_{made['id']}"


def test_same_nickname(writer: Writer) -> None:
    """Security groups may share a nickname, as recorded."""
    made = writer.make_group()

    assert writer.make_group(mailNickname=made["mailNickname"])["id"] != made["id"]


def test_create_dynamic(writer: Writer) -> None:
    """A group with a rule is processed at once, and a rule goes with dynamic membership only."""
    made = writer.make_group(**DYNAMIC)

    assert made["membershipRule"] == RULE
    assert made["membershipRuleProcessingState"] == "On"
    assert (
        "membershipRule"
        in writer.post("/groups", writer.group(groupTypes=["DynamicMembership"])).message
    )
    assert writer.post("/groups", writer.group(membershipRule=RULE)).status == 400


@pytest.mark.parametrize("name", ["displayName", "mailEnabled", "mailNickname", "securityEnabled"])
def test_required(writer: Writer, name: str) -> None:
    """A group without one of the four required properties is refused by its name."""
    answer = writer.post("/groups", writer.group(**{name: ...}))

    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert answer.message == f"A value is required for property '{name}' of resource 'Group'."


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"mailEnabled": True}, "does not currently support writes of mail-enabled groups"),
        ({"securityEnabled": False}, "does not currently support writes of mail-enabled groups"),
        ({"groupTypes": ["Unified"]}, "property 'mailEnabled' of resource 'Group'"),
        ({"groupTypes": ["Static"]}, "property 'groupTypes' of resource 'Group'"),
        ({"mailNickname": "a@b"}, "property 'mailNickname' of resource 'Group'"),
        ({"visibility": "HiddenMembership"}, "property 'visibility' of resource 'Group'"),
        ({"isAssignableToRole": True, **DYNAMIC}, "property 'isAssignableToRole'"),
        ({"mail": "a@b.example"}, "'mail' is read-only"),
        ({"members": []}, "'members' does not exist"),
    ],
)
def test_refused(writer: Writer, values: dict[str, Any], pattern: str) -> None:
    """A group that cannot be is refused, saying why."""
    answer = writer.post("/groups", writer.group(**values))

    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert pattern in answer.message


def test_bind_on_creation(writer: Writer) -> None:
    """Owners and members can be given with a new group, twenty of them together."""
    users = [writer.make_user()["id"] for _ in range(21)]
    urls = [f"https://graph.microsoft.com/v1.0/users/{user}" for user in users]
    made = writer.make_group(**{"owners@odata.bind": urls[:1], "members@odata.bind": urls[1:20]})

    assert members(writer, f"/groups/{made['id']}/owners") == users[:1]
    assert sorted(members(writer, f"/groups/{made['id']}/members")) == sorted(users[1:20])
    answer = writer.post("/groups", writer.group(**{"members@odata.bind": urls}))
    assert (answer.status, answer.code) == (400, "Request_BadRequest")
    assert "21" in answer.message


def test_bind_all_or_none(writer: Writer) -> None:
    """A new group with a member that is not there is not made; a change adds all or none."""
    before = len(members(writer, "/groups?$top=999"))
    user = writer.make_user()["id"]
    missing = f"https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}"
    good = f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"
    refused = writer.post("/groups", writer.group(**{"members@odata.bind": [good, missing]}))
    assert refused.status == 404
    assert NOBODY in refused.message
    assert len(members(writer, "/groups?$top=999")) == before

    path = f"/groups/{writer.make_group()['id']}"
    assert writer.patch(path, {"members@odata.bind": [good, missing]}).status == 404
    assert members(writer, f"{path}/members") == []
    twice = writer.patch(path, {"members@odata.bind": [good, good]})
    assert twice.message == "Request contains a property with duplicate values."
    assert writer.patch(path, {"members@odata.bind": [good], "description": "d"}).status == 204
    assert members(writer, f"{path}/members") == [user]


def test_change(writer: Writer) -> None:
    """A change is 204; the kind of a group does not change, its rule does."""
    group = writer.make_group(description="d")
    path = f"/groups/{group['id']}"

    assert writer.patch(path, {"displayName": "N", "description": None}).status == 204
    shown = writer.get(path)
    assert (shown["displayName"], shown["description"]) == ("N", None)
    assert writer.patch(path, {"groupTypes": ["Unified"]}).status == 400
    assert writer.patch(path, {"isAssignableToRole": True}).message == (
        "Property 'isAssignableToRole' is read-only and cannot be set."
    )
    assert writer.patch(path, DYNAMIC).status == 204
    assert writer.get(path)["membershipRuleProcessingState"] == "On"
    assert writer.patch(path, {"groupTypes": []}).status == 204
    assert writer.get(path)["membershipRule"] is None


def test_delete(writer: Writer) -> None:
    """Microsoft 365 groups go to the recycle bin, security groups go for ever."""
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    unified, plain = writer.make_group(**UNIFIED)["id"], writer.make_group()["id"]
    for group in (unified, plain):
        assert writer.delete(f"/groups/{group}").status == 204
        assert writer.send("GET", f"/groups/{group}").status == 404

    assert directory.recycle_bin.find(tenant, unified) is not None
    assert directory.recycle_bin.find(tenant, plain) is None
    assert link_changes(writer, plain)[-1][0] == "purged"


def test_members(writer: Writer) -> None:
    """Members of every type are added and removed by reference, groups within groups too."""
    group, child, user = writer.make_group()["id"], writer.make_group()["id"], writer.make_user()
    path = f"/groups/{group}/members"
    added = writer.link(path, user["id"])
    assert (added.status, added.body) == (204, b"")
    assert writer.link(path, child).status == 204
    assert writer.link(f"/groups/{child}/members", group).status == 204

    assert sorted(members(writer, path)) == sorted([user["id"], child])
    again = writer.link(path, user["id"])
    assert (again.status, again.code, again.message) == (
        400,
        "Request_BadRequest",
        (
            "One or more added object references already exist for the following modified "
            "properties: 'members'."
        ),
    )
    assert writer.delete(f"{path}/{user['id']}/$ref").status == 204
    gone = writer.delete(f"{path}/{user['id']}/$ref")
    assert (gone.status, gone.code) == (404, "Request_ResourceNotFound")
    assert user["id"] in gone.message
    assert link_changes(writer, group) == [
        ("created", ()),
        ("linked", ("members",)),
        ("linked", ("members",)),
        ("unlinked", ("members",)),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com/v1.0/directoryObjects/{id}",
        "https://graph.microsoft.com/beta/users/{id}",
        "https://graph.microsoft.com/v1.0/users('{id}')",
        "https://graph.microsoft.com/v1.0/users/{upn}",
        "https://graph.microsoft.com/v1.0/myorganization/users/{id}",
        (
            "https://graph.microsoft.com/v2/{tenant}/directoryObjects/{id}/"
            "Microsoft.DirectoryServices.User"
        ),
        "/directoryObjects/{id}",
    ],
)
def test_reference_spellings(writer: Writer, url: str) -> None:
    """A reference may be written in each way that clients write them."""
    user, group = writer.make_user(), writer.make_group()["id"]
    target = url.format(id=user["id"], upn=user["userPrincipalName"], tenant=writer.app.tenant.id)

    assert writer.post(f"/groups/{group}/members/$ref", {"@odata.id": target}).status == 204
    assert members(writer, f"/groups/{group}/members") == [user["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "Request_BadRequest"),
        ({"@odata.id": 7}, 400, "Request_BadRequest"),
        ({"@odata.id": "nonsense"}, 400, "Request_BadRequest"),
        ({"@odata.id": "https://graph.microsoft.com/v1.0/drives/1"}, 400, "Request_BadRequest"),
        ({"@odata.id": "http://[/"}, 400, "Request_BadRequest"),
        (
            {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/x"},
            400,
            "Request_BadRequest",
        ),
        (
            {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}"},
            404,
            "Request_ResourceNotFound",
        ),
        (None, 400, "BadRequest"),
    ],
)
def test_wrong_reference(writer: Writer, body: Any, status: int, code: str) -> None:
    """A reference that leads nowhere is refused."""
    answer = writer.post(f"/groups/{writer.make_group()['id']}/members/$ref", body)

    assert (answer.status, answer.code) == (status, code)


def test_unfit_members(writer: Writer) -> None:
    """A group takes neither itself, applications nor Microsoft 365 groups; those take users."""
    group, unified = writer.make_group()["id"], writer.make_group(**UNIFIED)["id"]
    application = writer.make("/applications", {"displayName": "a"})["id"]
    for source, target, kind in (
        (group, group, "Group"),
        (group, application, "Application"),
        (group, unified, "Group"),
        (unified, group, "Group"),
    ):
        answer = writer.link(f"/groups/{source}/members", target)
        assert (answer.status, answer.message) == (
            400,
            (
                f"The reference target '{kind}_{target}' of type '{kind}' is invalid for the "
                "'members' reference."
            ),
        )


def test_dynamic_members(writer: Writer) -> None:
    """Nobody adds or removes members that follow a rule."""
    user = writer.make_user()["id"]
    path = f"/groups/{writer.make_group(**DYNAMIC)['id']}/members"

    assert writer.link(path, user).code == "Authorization_RequestDenied"
    assert writer.delete(f"{path}/{user}/$ref").status == 403


def test_malformed_target(writer: Writer) -> None:
    """A member that is no ID is refused as Graph words it."""
    answer = writer.delete(f"/groups/{writer.make_group()['id']}/members/someone/$ref")

    assert (answer.status, answer.code) == (400, "Request_UnsupportedQuery")
    assert answer.message == (
        "Unsupported referenced-object resource identifier for link property 'members'."
    )


def test_owners(writer: Writer) -> None:
    """Owners come and go by reference; the last one stays."""
    path = f"/groups/{writer.make_group()['id']}/owners"
    first, second = writer.make_user()["id"], writer.make_user()["id"]
    for user in (first, second):
        assert writer.link(path, user).status == 204

    assert "'owners'" in writer.link(path, first).message
    assert writer.delete(f"{path}/{first}/$ref").status == 204
    last = writer.delete(f"{path}/{second}/$ref")
    assert (last.status, last.code, last.message) == (
        400,
        "Request_BadRequest",
        "The group must have at least one owner, hence this owner cannot be removed.",
    )
    assert writer.link(path, writer.make_group()["id"]).status == 400


def test_delegated_creator(writer: Writer) -> None:
    """Whoever is no administrator owns the group they make; administrators do not."""
    probe, tenant = writer.app.probe, writer.app.tenant
    user = writer.make_user()
    tokens = Client(probe, tenant, AZURE_CLI, NATIVE).tokens(user["userPrincipalName"], GRAPH_SCOPE)
    person = Writer(writer.app, tokens["access_token"])
    made = person.make_group()

    assert members(writer, f"/groups/{made['id']}/owners") == [user["id"]]
    assert person.patch(f"/groups/{made['id']}", {"description": "mine"}).status == 204
    assert person.patch(f"/groups/{writer.make_group()['id']}", {"description": "x"}).status == 403


def device(**changes: Any) -> dict[str, Any]:
    return {
        "accountEnabled": True,
        "alternativeSecurityIds": [{"type": 2, "key": "Y3YxN2E1MWFlYw=="}],
        "deviceId": "4C299165-6e8f-4b45-a5ba-c5d250a707ff",
        "displayName": "Test device",
        "operatingSystem": "linux",
        "operatingSystemVersion": "1",
    } | changes


def test_devices(writer: Writer, administrator: Writer) -> None:
    """Devices are registered by people, have owners and users, and go for ever."""
    user = writer.make_user()["id"]
    answer = administrator.post("/devices", device())
    made = answer.json()
    path = f"/devices/{made['id']}"

    assert answer.status == 201
    assert answer.headers["location"].endswith("/Microsoft.DirectoryServices.Device")
    assert made["deviceId"] == device()["deviceId"].lower()
    assert writer.get(f"/devices(deviceId='{made['deviceId']}')")["id"] == made["id"]
    taken = administrator.post("/devices", device())
    assert taken.message.startswith("A conflicting object with one or more")
    assert taken.json()["error"]["details"][0]["code"] == "ConflictingObjects"
    assert administrator.post("/devices", device(deviceId="x", displayName=None)).status == 400
    for name in ("registeredOwners", "registeredUsers"):
        assert administrator.link(f"{path}/{name}", user).status == 204
        assert members(writer, f"{path}/{name}") == [user]
        assert administrator.delete(f"{path}/{name}/{user}/$ref").status == 204
    assert writer.patch(path, {"accountEnabled": False}).status == 204
    assert writer.patch(path, {"deviceId": NOBODY}).status == 400
    assert writer.delete(path).status == 204
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    assert directory.recycle_bin.find(tenant, made["id"]) is None


def test_administrative_units(writer: Writer) -> None:
    """Administrative units are made, changed and deleted, and take users and groups."""
    made = writer.make("/directory/administrativeUnits", {"displayName": "North"})
    path = f"/administrativeUnits/{made['id']}"
    user, group = writer.make_user()["id"], writer.make_group()["id"]

    assert writer.patch(path, {"description": "d"}).status == 204
    assert writer.get(path)["description"] == "d"
    for member in (user, group):
        assert writer.link(f"{path}/members", member).status == 204
    nested = writer.link(f"{path}/members", made["id"])
    assert "'AdministrativeUnit' is invalid for the 'members' reference" in nested.message
    assert writer.delete(f"{path}/members/{group}/$ref").status == 204
    assert members(writer, f"{path}/members") == [user]
    assert writer.delete(path).status == 204
    assert writer.send("GET", path).status == 404
    assert writer.post("/administrativeUnits", {}).status == 400


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
    found: list[str] = jwt.decode(token, options={"verify_signature": False})["wids"]
    return found


def test_role_templates(writer: Writer) -> None:
    """The templates of directory roles can be listed and read."""
    listed = writer.get("/directoryRoleTemplates")
    template = ROLES["Global Reader"]

    assert listed["@odata.context"].endswith("#directoryRoleTemplates")
    assert {one["id"] for one in listed["value"]} == set(ROLES.values())
    assert list(listed["value"][0]) == ["id", "deletedDateTime", "description", "displayName"]
    shown = writer.get(f"/directoryRoleTemplates/{template}")
    assert shown["displayName"] == "Global Reader"
    assert writer.send("GET", f"/directoryRoleTemplates/{NOBODY}").status == 404


def test_domains(writer: Writer) -> None:
    """A domain that is named is there, unverified, and can be removed; verified ones cannot."""
    answer = writer.post("/domains", {"id": "New.Example"})
    made = answer.json()

    assert answer.status == 201
    assert answer.headers["location"] == (
        f"https://graph.microsoft.com/v2/{writer.app.tenant.id}/domains/new.example"
    )
    assert list(made)[1:] == list(schema.default("domain"))
    assert (made["id"], made["isVerified"]) == ("new.example", False)
    assert "new.example" in {one["id"] for one in writer.get("/domains")["value"]}
    assert writer.get("/domains/new.example")["isVerified"] is False
    assert writer.post("/domains", {"id": "new.example"}).status == 400
    assert writer.post("/domains", {"id": writer.domain}).status == 400
    assert writer.post("/domains", {"id": "no domain"}).status == 400
    user = writer.user(userPrincipalName="a@new.example")
    assert writer.post("/users", user).message.startswith("The domain portion")
    assert writer.delete("/domains/new.example").status == 204
    assert writer.delete("/domains/new.example").status == 404
    assert writer.delete(f"/domains/{writer.domain}").status == 400


def test_owner_quota(writer: Writer) -> None:
    """A group has a hundred owners at most."""
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    group = writer.make_group()["id"]
    found = directory.objects.find(tenant, group)
    assert found is not None
    records = [
        {"id": directory.new_id(), "userPrincipalName": f"q{n}@x.example"} for n in range(100)
    ]
    for record in records:
        made = directory.objects.create(tenant, "user", record)
        directory.links.add(tenant, "owners", found, made)
    answer = writer.link(f"/groups/{group}/owners", writer.make_user()["id"])

    assert (answer.status, answer.code) == (403, "Directory_QuotaExceeded")
    assert re.search(r"would exceed the maximum quota count '100'", answer.message)
