"""
New users, groups, devices and administrative units. Pure.

Properties that the service sets are those of recorded and documented answers.
"""

import struct
from collections.abc import Sequence

from entra_emulator.model.records import Record

# The groupTypes of a Microsoft 365 group.
UNIFIED = "Unified"


def draft_user(object_id: str, properties: Record, *, created: str, issuer: str) -> Record:
    """A user with these properties, created at a moment in ISO 8601; the issuer is a domain."""
    record: Record = {
        "id": object_id,
        "createdDateTime": created,
        "lastPasswordChangeDateTime": created,
        "securityIdentifier": derive_sid(object_id),
        "signInSessionsValidFromDateTime": created,
        "userType": "Member",
    }
    upn = properties["userPrincipalName"]
    if "identities" not in properties:
        record["identities"] = identify_user([], upn, issuer)
    return record | properties


def draft_guest(object_id: str, mail: str, name: str, *, created: str, domain: str) -> Record:
    """
    A guest who is invited and has not accepted yet.

    The user principal name is made of the mail address and the tenant's initial domain ("Properties
    of an external user": `user_contoso.com#EXT#@fabrikam.onmicrosoft.com`).
    """
    alias = mail.replace("@", "_") + "#EXT#"
    properties: Record = {
        "accountEnabled": True,
        "creationType": "Invitation",
        "displayName": name,
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": created,
        "mail": mail,
        "mailNickname": alias,
        "otherMails": [mail],
        "proxyAddresses": [f"SMTP:{mail}"],
        "userPrincipalName": f"{alias}@{domain}",
        "userType": "Guest",
    }
    return draft_user(object_id, properties, created=created, issuer=domain)


def identify_user(identities: Sequence[Record], upn: str, issuer: str) -> list[Record]:
    """A user's identities, with that of this user principal name in the place of the former."""
    kept = [one for one in identities if one["signInType"] != "userPrincipalName"]
    own = {"issuer": issuer, "issuerAssignedId": upn, "signInType": "userPrincipalName"}
    return [*kept, own]


def set_mail(addresses: Sequence[str], mail: str | None) -> list[str]:
    """
    The `proxyAddresses` of somebody whose primary address becomes this one.

    "Changes to this property update the user's proxyAddresses collection to include the value as
    an SMTP address" (user resource type); the former primary one stays as another.
    """
    if not mail:
        return list(addresses)
    others = [one for one in addresses if one.partition(":")[2].lower() != mail.lower()]
    former = [f"smtp:{one[5:]}" if one.startswith("SMTP:") else one for one in others]
    return [f"SMTP:{mail}", *former]


def draft_group(object_id: str, properties: Record, *, created: str, domain: str) -> Record:
    """
    A group; a Microsoft 365 group has a mailbox in this domain.

    The properties are recorded for security groups and documented for others.
    """
    record: Record = {
        "id": object_id,
        "createdDateTime": created,
        "groupTypes": [],
        "renewedDateTime": created,
        "securityIdentifier": derive_sid(object_id),
    }
    if UNIFIED in properties.get("groupTypes", ()):
        mail = f"{properties['mailNickname']}@{domain}"
        record |= {"mail": mail, "proxyAddresses": [f"SMTP:{mail}"], "visibility": "Public"}
    if properties.get("membershipRule"):
        record["membershipRuleProcessingState"] = "On"
    return record | properties


def draft_device(object_id: str, properties: Record, *, created: str) -> Record:
    """A device that is registered, but not managed."""
    return {"id": object_id, "registrationDateTime": created} | properties


def derive_sid(object_id: str) -> str:
    """
    The `securityIdentifier` of an object: its ID in four decimal numbers.

    Recorded for groups, 61 of 61: `S-1-12-1-` and the little-endian words of the GUID.
    """
    raw = bytes.fromhex(object_id.replace("-", ""))
    first, second, third = struct.unpack_from(">IHH", raw)
    words = struct.unpack_from("<II", raw, 8)
    return f"S-1-12-1-{first}-{second | third << 16}-{words[0]}-{words[1]}"
