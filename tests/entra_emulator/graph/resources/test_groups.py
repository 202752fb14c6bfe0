"""Groups, devices, administrative units, directory roles and domains that are written."""

from typing import Any

import pytest

from entra_emulator.model import schema
from entra_emulator.model.people_and_devices import derive_sid
from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_links import link_changes, members
from tests.support.graph_writer import Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

RULE = 'user.department -eq "Sales"'


DYNAMIC = {"groupTypes": ["DynamicMembership"], "membershipRule": RULE}


@pytest.fixture(scope="module", autouse=True)
def licences(writer: Writer) -> None:
    """Rules need a licence."""
    writer.app.probe.emulator.directory.licences.add_subscriptions(writer.app.tenant, {})


UNIFIED = {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}


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


def test_delegated_creator(writer: Writer) -> None:
    """Whoever is no administrator owns the group they make; administrators do not."""
    probe, tenant = writer.app.probe, writer.app.tenant
    user = writer.make_user()
    tokens = Client(probe, tenant, AZURE_CLI, NATIVE).tokens(user["userPrincipalName"], GRAPH_SCOPE)
    person = Writer(writer.app, tokens["access_token"])
    made = person.make_group()

    assert members(writer, f"/groups/{made['id']}/owners") == [user["id"]]
    again = person.post(
        "/groups", person.group() | {"owners@odata.bind": [person.refer(user["id"])["@odata.id"]]}
    )
    assert again.message == "Request contains a property with duplicate values."
    assert person.patch(f"/groups/{made['id']}", {"description": "mine"}).status == 204
    assert person.patch(f"/groups/{writer.make_group()['id']}", {"description": "x"}).status == 403
