"""Changes and deletions of objects: `PATCH /users/{id}`, `DELETE /users/{id}`."""

from collections.abc import Callable

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.rules import Rule
from entra_emulator.graph.write.validate import (
    ObjectBody,
    check_echoed,
    read_properties,
    refuse_value,
)
from entra_emulator.model.records import Record

# Takes the object as it is and the properties that were sent; returns those that change.
Alter = Callable[[Call, Record, Record], Record]

# The properties that can be written on an object that is synced from an Active Directory.
_CLOUD = frozenset({"otherMails", "passwordPolicies", "preferredDataLocation", "usageLocation"})


def change_object(
    call: Call, *, rule: Rule, alter: Alter | None = None, key: str | None = None
) -> Response:
    """
    `PATCH /users/{id}`: set properties, and clear those that are null.

    `alter` returns all properties that change, or refuses the change. `key` names the object, in
    place of the path.
    """
    kind = rule.kind
    body = read_changes(call, rule)
    with call.directory.transaction():
        # Read within the transaction, so that of two simultaneous changes neither undoes the other.
        row = find_target(call, kind, key)
        record = read_record(row)
        check_echoed(kind, record, body)
        values = merge_values(kind, record, body.values)
        changes = alter(call, record, values) if alter else values
        call.directory.objects.update(call.tenant, kind, record["id"], changes)
        bind_references(call, row, body.binds)
        # Refresh tokens from before this moment, e.g. before a new password, are invalid now.
        if "signInSessionsValidFromDateTime" in changes:
            call.directory.users.revoke_sign_ins(call.tenant, record["id"])
    return answer_nothing(call)


def delete_object(
    call: Call, *, kind: str, forever: Callable[[Record], bool] | None = None
) -> Response:
    """
    `DELETE /users/{id}`: move the object to the recycle bin, where it stays for 30 days.

    `forever` tells from its record whether it is deleted for good instead; None means never.
    """
    with call.directory.transaction():
        row = find_target(call, kind)
        gone = forever is not None and forever(read_record(row))
        call.directory.recycle_bin.delete(call.tenant, row, forever=gone)
    return answer_nothing(call)


def read_changes(call: Call, rule: Rule) -> ObjectBody:
    """
    The properties that a PATCH sets, each checked by itself.

    The read-only ones are for `check_echoed`, when the object has been read.

    Raises:
        GraphRefusal: 400; 403, the caller may not write one of the properties.
    """
    body = read_properties(rule, read_payload(call), creating=False)
    # Permissions name declared properties, which are known only after the body was read.
    allowed = call.permit.properties
    if allowed is not None and not {*body.values, *body.binds} <= allowed:
        raise deny("forbidden")
    # A property that a new object must have cannot be cleared later.
    for name in rule.required:
        if body.values.get(name, "") is None:
            raise refuse_value(rule.kind, name)
    return body


def check_synced(record: Record, values: Record) -> None:
    """Refuse, with 400, to change properties that an on-premises directory determines."""
    if record.get("onPremisesSyncEnabled"):
        for name in values:
            if name not in _CLOUD and not name.startswith("extension_"):
                raise deny("synced")
