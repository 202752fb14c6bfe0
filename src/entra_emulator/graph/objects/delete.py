"""Deletions: `DELETE /users/{id}`, to the recycle bin or for ever."""

from collections.abc import Callable

from starlette.responses import Response

from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_target, read_record
from entra_emulator.model.records import Record


def delete_object(
    call: Call, *, kind: str, forever: Callable[[Record], bool] | None = None
) -> Response:
    """
    `DELETE /users/{id}`: the object goes to the recycle bin, where it stays for 30 days.

    Args:
        call: the request.
        kind: the object's type.
        forever: tells from its record whether it is gone at once instead; None is never.
    """
    with call.directory.transaction():
        row = find_target(call, kind)
        gone = forever is not None and forever(read_record(row))
        call.directory.recycle_bin.delete(call.tenant, row, forever=gone)
    return answer_nothing(call)
