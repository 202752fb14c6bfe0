"""Deletions: `DELETE /users/{id}`, to the recycle bin or for ever."""

from starlette.responses import Response

from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.graph.resources.groups import UNIFIED

# "Microsoft 365 groups are moved to a temporary container … security groups are permanently
# deleted immediately" ("Delete group"); devices cannot be restored either ("Delete device").
_FOR_EVER = frozenset({"device"})


def remove_object(call: Call, *, kind: str) -> Response:
    """`DELETE /users/{id}`: the object goes; of most types it can be restored for 30 days."""
    with call.directory.transaction():
        found = find_target(call, kind)
        if kind == "application":
            call.directory.recycle_bin.delete_application(call.tenant, found)
        else:
            call.directory.recycle_bin.delete(call.tenant, found, forever=_is_gone(found))
    return answer_nothing(call)


def _is_gone(found: StoredObject) -> bool:
    if found.kind == "group":
        return UNIFIED not in read_record(found).get("groupTypes", ())
    return found.kind in _FOR_EVER
