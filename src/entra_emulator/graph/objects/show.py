"""One object: `GET /users/{id}`, by any of its keys, and the signed-in user."""

from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_object, describe_set
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.expansion import expand_objects
from entra_emulator.graph.objects.find import find_object
from entra_emulator.graph.query.options import read_single
from entra_emulator.graph.render import render_neighbours, render_objects
from entra_emulator.graph.write.certificates import disclose_keys
from entra_emulator.model.kinds import KINDS


def show_object(call: Call, *, kind: str) -> Response:
    """`GET /{collection}/{key}`: one object."""
    return _answer_row(call, kind, find_object(call, kind, call.keys["key"]))


def show_me(call: Call) -> Response:
    """`GET /me`: the signed-in user; refused to applications."""
    if not call.caller.delegated:
        raise deny("me_without_user")
    return _answer_row(call, "user", find_object(call, "user", call.caller.object_id))


def show_any(call: Call) -> Response:
    """`GET /directoryObjects/{id}`: an object of whatever type."""
    row = find_object(call, None, call.keys["key"])
    return answer_neighbour(call, row)


def answer_neighbour(
    call: Call, neighbour: StoredObject, *, typed: bool = True, location: str | None = None
) -> Response:
    """An object of whatever type, with its `@odata.type` if it is `typed`."""
    select, _ = read_single("directoryObject", call.query_string)
    (body,) = render_neighbours([neighbour], select, call.readable, typed=typed)
    fragment = describe_set("directoryObjects", select) + "/$entity"
    return answer_object(call, fragment, body, location=location)


def _answer_row(call: Call, kind: str, row: StoredObject) -> Response:
    select, expand = read_single(kind, call.query_string)
    doc = disclose_keys(call, kind, row.doc, select or ())
    body = render_objects(kind, select, [doc], basic=call.permit.basic)
    if expand is not None:
        body = expand_objects(call, kind, expand, body, [row.doc])
    expanded = expand.navigation if expand else None
    fragment = describe_set(KINDS[kind].collection, select, expanded)
    return answer_object(call, f"{fragment}/$entity", body)
