"""One object: `GET /users/{id}`, by any of its keys, and the signed-in user."""

from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.steps import Steps, finish
from entra_emulator.errors import deny
from entra_emulator.graph.access.activity_reports import check_report_reader
from entra_emulator.graph.answer import answer_object, describe_set, wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.expansion import expand_objects
from entra_emulator.graph.objects.find import find_object
from entra_emulator.graph.objects.sign_in_activity import render_active
from entra_emulator.graph.query.options import read_single
from entra_emulator.graph.query.sign_in_activity import NAME as ACTIVITY
from entra_emulator.graph.render import render_neighbours, render_objects
from entra_emulator.graph.write.certificates import disclose_keys
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import is_guid


async def show_object(call: Call, *, kind: str) -> Response:
    """`GET /{collection}/{key}`: one object."""
    return await _answer(call, kind, call.keys["key"])


async def show_me(call: Call) -> Response:
    """`GET /me`: the signed-in user; refused to applications."""
    if not call.caller.delegated:
        raise deny("me_without_user")
    return await _answer(call, "user", call.caller.object_id)


def show_any(call: Call) -> Response:
    """`GET /directoryObjects/{id}`: an object of whatever type."""
    row = find_object(call, None, call.keys["key"])
    return answer_neighbour(call, row)


def answer_neighbour(
    call: Call, neighbour: StoredObject, *, location: str | None = None, cast: str | None = None
) -> Response:
    """
    An object of whatever type, with its `@odata.type` unless the caller wants none.

    With `cast`, it is of this type, and the context says so in the place of the object.
    """
    typed = cast is None and not wants_no_metadata(call)
    select, _ = read_single(cast or "directoryObject", call.query_string)
    (body,) = render_neighbours([neighbour], select, call.readable, typed=typed)
    collection = name_set(cast) if cast else "directoryObjects"
    fragment = describe_set(collection, select) + "/$entity"
    return answer_object(call, fragment, body, location=location)


def name_set(kind: str) -> str:
    """The set of all objects of a type, e.g. `users`."""
    return KINDS[kind].collection if kind in KINDS else "contacts"


async def _answer(call: Call, kind: str, key: str) -> Response:
    # By its ID, an object takes a fraction of a millisecond; to hand that to a thread would cost
    # more. Other keys may need a search, and linked objects a walk.
    if is_guid(key) and "expand" not in call.query_string.lower() and not call.lag:
        return finish(_show(call, kind, key))
    return await call.read(_show(call, kind, key))


def _show(call: Call, kind: str, key: str) -> Steps[Response]:
    row = find_object(call, kind, key)
    select, expand = read_single(kind, call.query_string, activity=kind == "user")
    active = select is not None and ACTIVITY in select
    if active:
        _check_activity(call, key)
    doc = disclose_keys(call, kind, row.doc, select or ())
    if select is not None and active:
        body = render_active(call, select, [doc], basic=call.permit.basic)
    else:
        body = render_objects(kind, select, [doc], basic=call.permit.basic)
    if expand is not None:
        body = yield from expand_objects(call, kind, expand, body, [row.doc])
    expanded = expand.navigation if expand else None
    fragment = describe_set(KINDS[kind].collection, select, expanded)
    return answer_object(call, f"{fragment}/$entity", body)


def _check_activity(call: Call, key: str) -> None:
    """
    Refuse to show the user's `signInActivity`.

    Raises:
        GraphRefusal: 403, see `check_report_reader`; 400, the user is not named by ID.
    """
    check_report_reader(call.directory, call.caller)
    if not is_guid(key):
        raise deny("key_not_guid")
