"""Changes of users, groups, devices and administrative units: `PATCH /users/{id}`."""

from collections.abc import Callable

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.resources.groups import alter_group
from entra_emulator.graph.resources.users import alter_user
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.rules import find_rule
from entra_emulator.graph.write.validate import Written, read_properties
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record


def change_object(call: Call, *, kind: str) -> Response:
    """`PATCH /users/{id}`: set properties, clear those that are null."""
    return _change(call, kind, call.keys["key"])


def change_me(call: Call) -> Response:
    """`PATCH /me`: the signed-in user's own properties."""
    return _change(call, "user", call.caller.object_id)


def read_changes(call: Call, kind: str) -> Written:
    """
    What a change is to change, checked for itself.

    Raises:
        GraphFault: 400; 403, the caller may not write one of the properties.
    """
    written = read_properties(kind, read_payload(call), creating=False)
    check_reach(call, written)
    for name in find_rule(kind).required:
        if written.values.get(name, "") is None:
            raise deny("value_invalid", name=name, resource=KINDS[kind].resource, target=name)
    return written


def check_reach(call: Call, written: Written) -> None:
    """
    Refuse to write more than the few properties that some permissions are for.

    Raises:
        GraphFault: 403.
    """
    allowed = call.permit.properties
    if allowed is not None and not {*written.values, *written.binds} <= allowed:
        raise deny("forbidden")


def _change(call: Call, kind: str, key: str) -> Response:
    written = read_changes(call, kind)
    with call.directory.transaction():
        found = find_target(call, kind, key)
        record = read_record(found)
        values = merge_values(kind, record, written.values)
        alter = _ALTER.get(kind)
        changes = alter(call, record, values) if alter else values
        call.directory.objects.update(call.tenant, kind, record["id"], changes)
        bind_references(call, kind, found, written.binds)
        if "signInSessionsValidFromDateTime" in changes:
            call.directory.users.revoke_sign_ins(call.tenant, record["id"])
    return answer_nothing(call)


_ALTER: dict[str, Callable[[Call, Record, Record], Record]] = {
    "group": alter_group,
    "user": alter_user,
}
