"""Invitations: `POST /invitations` makes a guest."""

import hashlib
import re
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import read_id
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_record, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_visible, read_record
from entra_emulator.graph.router import write_route
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import read_properties, refuse_value, require
from entra_emulator.model.people_and_devices import draft_guest
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid

_KIND = "invitation"
_RULE = Rule(
    _KIND,
    fixed=split_names("id inviteRedeemUrl status"),
    required=("invitedUserEmailAddress", "inviteRedirectUrl"),
    lengths={"invitedUserDisplayName": 256, "invitedUserEmailAddress": 256},
    choices={"invitedUserType": split_names("Guest Member")},
    filled=True,
)

_MAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,63}")


def create_invitation(call: Call) -> Response:
    """`POST /invitations`: a new guest, or one that is there and is invited again."""
    body = dict(read_payload(call))
    # A navigation property, which says whom the invitation is for when that one is there already.
    invited = body.pop("invitedUser", None)
    values = read_properties(_RULE, body, creating=True).values
    require(_RULE, values)
    _check(call, values)
    with call.directory.transaction():
        guest = _find_invited(call, invited) if invited else _find_guest(call, values)
        if guest is None:
            guest = call.directory.objects.create(call.tenant, "user", _draft(call, values))
        elif values.get("resetRedemption") or invited:
            guest = _reset(call, guest, values)
    record = _describe(call, values, read_record(guest))
    location = locate(call, f"invitations/{record['id']}")
    return answer_record(call, _KIND, "invitations", record, status=201, location=location)


def _check(call: Call, values: Record) -> None:
    """Refuse, with 400, addresses that are none; with 403, members whom no administrator asks."""
    if not _MAIL.fullmatch(values["invitedUserEmailAddress"]):
        raise refuse_value(_KIND, "invitedUserEmailAddress")
    try:
        target = urlsplit(values["inviteRedirectUrl"])
    except ValueError as error:
        raise refuse_value(_KIND, "inviteRedirectUrl") from error
    if not target.scheme or not (target.netloc or target.path):
        raise refuse_value(_KIND, "inviteRedirectUrl")
    message = values.get("invitedUserMessageInfo") or {}
    # "Currently only 1 additional recipient is supported" (invitedUserMessageInfo).
    if len(message.get("ccRecipients") or ()) > 1:
        raise refuse_value(_KIND, "ccRecipients")
    # "You can invite as Member if you are a company administrator" (invitation).
    if values.get("invitedUserType") == "Member" and call.permit.owned:
        raise deny("forbidden")


def _find_invited(call: Call, invited: Any) -> StoredObject:
    """The user whom the body names by ID."""
    key = invited.get("id") if isinstance(invited, dict) else None
    if not isinstance(key, str) or not is_guid(key):
        raise refuse_value(_KIND, "invitedUser")
    user = find_visible(call, key, {"user"})
    if user is None:
        raise deny("object_missing", key=key)
    return user


def _find_guest(call: Call, values: Record) -> StoredObject | None:
    """The guest who has this address already; refused, with 400 or 412, when it is no guest's."""
    mail = values["invitedUserEmailAddress"]
    holders = call.directory.search.find_by_address(call.tenant, mail)
    named = call.directory.objects.find(call.tenant, mail, kind="user")
    present = next((row for row in (*holders, *filter(None, [named])) if row.kind == "user"), None)
    if present is None:
        if mail.rpartition("@")[2].lower() in call.tenant.domains:
            raise deny("guest_of_own_domain")
        return None
    record = read_record(present)
    if not record.get("accountEnabled"):
        raise deny("guest_blocked", key=record["id"])
    # An "external member" is a "B2B collaboration user" too, whose UserType is Member ("Properties
    # of an Azure Active Directory B2B collaboration user").
    if record.get("userType") != "Guest" and record.get("creationType") != "Invitation":
        raise deny("guest_internal", key=record["id"])
    return present


def _draft(call: Call, values: Record) -> Record:
    mail = values["invitedUserEmailAddress"]
    guest = draft_guest(
        call.directory.new_id(),
        mail,
        values.get("invitedUserDisplayName") or mail.partition("@")[0],
        created=format_iso(call.now),
        domain=call.tenant.domains[0],
    )
    # A guest in the recycle bin has given the name free, and an imported user may have it.
    if call.directory.objects.find(call.tenant, guest["userPrincipalName"], kind="user"):
        raise deny("object_taken", target="userPrincipalName")
    return guest | {"userType": values.get("invitedUserType") or "Guest"}


def _reset(call: Call, user: StoredObject, values: Record) -> StoredObject:
    """Let a user accept anew, with this address; the user principal name stays."""
    mail, user_id = values["invitedUserEmailAddress"], read_id(user.doc)
    for holder in call.directory.search.find_by_address(call.tenant, mail):
        if holder.seq != user.seq:
            raise deny("guest_internal", key=read_id(holder.doc))
    changes: Record = {
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": format_iso(call.now),
        "mail": mail,
        "otherMails": [mail],
        "proxyAddresses": [f"SMTP:{mail}"],
    }
    call.directory.objects.update(call.tenant, "user", user_id, changes)
    changed = call.directory.objects.find(call.tenant, user_id, kind="user")
    assert changed is not None, "it was changed just now"
    return changed


def _describe(call: Call, values: Record, guest: Record) -> Record:
    """The invitation as the documented answer has it."""
    invitation = call.directory.new_id()
    message = values.get("invitedUserMessageInfo") or {}
    pending = guest.get("externalUserState") != "Accepted"
    return {
        "id": invitation,
        "inviteRedeemUrl": _write_redeem_url(call, invitation),
        "invitedUserDisplayName": values.get("invitedUserDisplayName"),
        "invitedUserType": guest.get("userType"),
        "invitedUserEmailAddress": values["invitedUserEmailAddress"],
        "sendInvitationMessage": bool(values.get("sendInvitationMessage")),
        "resetRedemption": bool(values.get("resetRedemption")),
        "inviteRedirectUrl": values["inviteRedirectUrl"],
        "status": "PendingAcceptance" if pending else "Completed",
        "invitedUserMessageInfo": {
            "messageLanguage": message.get("messageLanguage"),
            "customizedMessageBody": message.get("customizedMessageBody"),
            "ccRecipients": message.get("ccRecipients")
            or [{"emailAddress": {"name": None, "address": None}}],
        },
        "invitedUser": {"id": guest["id"]},
    }


def _write_redeem_url(call: Call, invitation: str) -> str:
    """An address of the documented form; nothing is served there."""
    ticket = hashlib.sha256(call.context.page_key + invitation.encode()).hexdigest()
    inner = f"{call.origin}/redeem/?tenant={call.tenant.id}&user={invitation}&ticket={ticket}"
    return f"{call.origin}/redeem?rd={quote(f'{inner}&ver=2.0', safe='')}"


ROUTES = (write_route("POST", "/invitations", create_invitation),)
