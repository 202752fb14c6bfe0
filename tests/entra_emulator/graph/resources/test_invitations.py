"""Invitations: guests that Graph makes."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.emulator_probe import GRAPH_SCOPE
from tests.support.graph_links import members
from tests.support.graph_writer import NOBODY, Writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

MAIL = "admin@fabrikam.example"
APP = "https://myapp.contoso.example"
STATE = "userType,creationType,externalUserState,externalUserStateChangeDateTime,otherMails,mail"


def describe(mail: str, **changes: Any) -> dict[str, Any]:
    return {"invitedUserEmailAddress": mail, "inviteRedirectUrl": APP, **changes}


def read_guest(writer: Writer, object_id: str) -> dict[str, Any]:
    names = f"{STATE},displayName,userPrincipalName,mailNickname,accountEnabled"
    guest: dict[str, Any] = writer.get(f"/users/{object_id}?$select={names}")
    return guest


def test_an_invitation_makes_a_guest(writer: Writer) -> None:
    """The answer is the documented one, and the guest has the documented names."""
    answer = writer.post("/invitations", describe(MAIL))
    made = answer.json()
    user = made["invitedUser"]["id"]
    guest = read_guest(writer, user)

    assert answer.status == 201
    assert made.pop("@odata.context").endswith("/v1.0/$metadata#invitations/$entity")
    redeem = urlsplit(made.pop("inviteRedeemUrl"))
    assert redeem.path == "/redeem"
    inner = parse_qs(urlsplit(parse_qs(redeem.query)["rd"][0]).query)
    assert (inner["tenant"], inner["user"]) == ([writer.app.tenant.id], [made["id"]])
    assert made == {
        "id": made["id"],
        "invitedUserDisplayName": None,
        "invitedUserType": "Guest",
        "invitedUserEmailAddress": MAIL,
        "sendInvitationMessage": False,
        "resetRedemption": False,
        "inviteRedirectUrl": APP,
        "status": "PendingAcceptance",
        "invitedUserMessageInfo": {
            "messageLanguage": None,
            "customizedMessageBody": None,
            "ccRecipients": [{"emailAddress": {"name": None, "address": None}}],
        },
        "invitedUser": {"id": user},
    }
    assert guest["userPrincipalName"] == f"admin_fabrikam.example#EXT#@{writer.domain}"
    assert guest["mailNickname"] == "admin_fabrikam.example#EXT#"
    assert (guest["mail"], guest["otherMails"]) == (MAIL, [MAIL])
    assert (guest["userType"], guest["creationType"]) == ("Guest", "Invitation")
    assert guest["externalUserState"] == "PendingAcceptance"
    assert guest["externalUserStateChangeDateTime"]
    assert (guest["displayName"], guest["accountEnabled"]) == ("admin", True)
    group = writer.make_group()["id"]
    assert writer.link(f"/groups/{group}/members", user).status == 204
    assert members(writer, f"/groups/{group}/members") == [user]


def test_what_the_message_says_is_answered(writer: Writer) -> None:
    """No message is sent, and yet all of it comes back."""
    info = {
        "messageLanguage": "pt-BR",
        "customizedMessageBody": "Oi",
        "ccRecipients": [{"emailAddress": {"address": "cc@fabrikam.example", "name": "C"}}],
    }
    made = writer.make(
        "/invitations",
        describe(
            "named@fabrikam.example",
            invitedUserDisplayName="Nora",
            invitedUserType="Member",
            sendInvitationMessage=True,
            invitedUserMessageInfo=info,
        ),
    )

    assert made["invitedUserMessageInfo"] == info
    assert made["sendInvitationMessage"] is True
    guest = read_guest(writer, made["invitedUser"]["id"])
    assert (guest["displayName"], guest["userType"]) == ("Nora", "Member")


def test_a_guest_is_invited_again_and_anew(writer: Writer) -> None:
    """The same guest; a reset makes whoever has accepted accept again, with another address."""
    first = writer.make("/invitations", describe("again@fabrikam.example"))
    user = first["invitedUser"]
    second = writer.make("/invitations", describe("Again@fabrikam.example"))
    assert (second["invitedUser"], second["status"]) == (user, "PendingAcceptance")
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    directory.objects.update(tenant, "user", user["id"], {"externalUserState": "Accepted"})
    third = writer.make("/invitations", describe("again@fabrikam.example"))
    assert (third["invitedUser"], third["status"]) == (user, "Completed")
    upn = read_guest(writer, user["id"])["userPrincipalName"]
    reset = writer.make(
        "/invitations",
        describe("other@fabrikam.example", resetRedemption=True, invitedUser=user),
    )

    assert (reset["status"], reset["resetRedemption"]) == ("PendingAcceptance", True)
    guest = read_guest(writer, user["id"])
    assert (guest["mail"], guest["userPrincipalName"]) == ("other@fabrikam.example", upn)
    assert guest["externalUserState"] == "PendingAcceptance"


def test_who_was_invited_as_a_member_is_invited_again(writer: Writer) -> None:
    body = describe("member@fabrikam.example", invitedUserType="Member")
    first = writer.make("/invitations", body)

    assert read_guest(writer, first["invitedUser"]["id"])["userType"] == "Member"
    assert writer.make("/invitations", body)["invitedUser"] == first["invitedUser"]


def test_who_cannot_be_invited_is_refused(writer: Writer) -> None:
    """Members, whoever is blocked, the tenant's own domains, and what is not an address."""
    member, blocked = writer.make_user(), writer.make("/invitations", describe("off@x.example"))
    off = blocked["invitedUser"]["id"]
    assert writer.patch(f"/users/{off}", {"accountEnabled": False}).status == 204

    for body, status, text in (
        (describe(member["userPrincipalName"]), 400, f"object ID: {member['id']}. They can use"),
        (describe("off@x.example"), 412, f"object ID: {off}, but the account is blocked"),
        (describe(f"nobody@{writer.domain}"), 400, "is a verified domain of this directory."),
        (describe("nobody"), 400, "property 'invitedUserEmailAddress'"),
        (describe("a@b"), 400, "property 'invitedUserEmailAddress'"),
        (describe("a@b.example", inviteRedirectUrl="x"), 400, "property 'inviteRedirectUrl'"),
        (describe("a@b.example", inviteRedirectUrl="//[x"), 400, "property 'inviteRedirectUrl'"),
        (describe("a@b.example", invitedUserType="Boss"), 400, "property 'invitedUserType'"),
        (describe("a@b.example", status="Completed"), 400, "'status' is read-only"),
        (describe("a@b.example", invitedUser={"id": NOBODY}), 404, "does not exist"),
        (describe("a@b.example", invitedUser="x"), 400, "property 'invitedUser'"),
        (describe(MAIL, invitedUser={"id": off}), 400, "already exists in the directory"),
        ({"invitedUserEmailAddress": "a@b.example"}, 400, "'inviteRedirectUrl'"),
        ({"inviteRedirectUrl": APP}, 400, "'invitedUserEmailAddress'"),
        (
            describe("a@b.example", invitedUserMessageInfo={"ccRecipients": [{}, {}]}),
            400,
            "property 'ccRecipients'",
        ),
    ):
        answer = writer.post("/invitations", body)
        assert (answer.status, text in answer.message) == (status, True), answer.body


@pytest.mark.parametrize(
    ("permission", "status"),
    [("User.Invite.All", 201), ("User.ReadWrite.All", 201), ("User.Read.All", 403)],
)
def test_invitations_need_their_permission(writer: Writer, permission: str, status: int) -> None:
    """User.Invite.All, or the power over all users."""
    colleague = writer.colleague(permission)

    body = describe(f"{permission.lower()}@fabrikam.example")
    assert colleague.post("/invitations", body).status == status


def test_everybody_may_invite_guests(writer: Writer) -> None:
    """Signed in to a client with the scope; members are invited by administrators alone."""
    client = Client(writer.app.probe, writer.app.tenant, AZURE_CLI, NATIVE)
    user = writer.make_user()
    person = Writer(
        writer.app, client.tokens(user["userPrincipalName"], GRAPH_SCOPE)["access_token"]
    )

    assert person.post("/invitations", describe("friend@fabrikam.example")).status == 201
    body = describe("colleague@fabrikam.example", invitedUserType="Member")
    assert person.post("/invitations", body).status == 403
    directory = writer.app.probe.emulator.directory
    directory.role_members.assign(writer.app.tenant, user["id"], "User Administrator")
    assert person.post("/invitations", body).status == 201
