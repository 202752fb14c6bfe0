"""
One property of an object: `GET /users/{id}/displayName`, and its raw value at `/$value`.

Source: OData 4.0 Protocol, "Requesting Individual Properties" and "Requesting a Property's Raw
Value". Graph's answers to these are recorded nowhere.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_object, answer_text
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.find import find_object
from entra_emulator.graph.query.options import parse_options
from entra_emulator.graph.query.select import read_select
from entra_emulator.graph.query.sign_in_activity import NAME as ACTIVITY
from entra_emulator.graph.render import render_objects
from entra_emulator.graph.write.certificates import disclose_keys
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS

_encode = msgspec.json.Encoder().encode


def show_property(call: Call, *, kind: str) -> Response:
    """
    `GET /applications/{id}/web/redirectUris`: a property, or one of its value; 204 for null.

    Raises:
        GraphRefusal: 501, another service keeps it, or options would choose among its values.
    """
    object_id, value = _read(call, kind)
    if value is None:
        return answer_nothing(call)
    path = call.keys["property"]
    fragment = f"{KINDS[kind].collection}('{object_id}')/{path}"
    # What is complex is written as the object that it is, anything else as the `value` of one.
    body = value if isinstance(value, dict) else {"value": value}
    return answer_object(call, fragment, _encode(body))


def show_value(call: Call, *, kind: str) -> Response:
    """
    `GET /users/{id}/displayName/$value`: the value as plain text; 204 for null.

    Raises:
        GraphRefusal: 400, it is a collection or complex, which have no raw value.
    """
    _, value = _read(call, kind)
    if isinstance(value, dict | list):
        raise deny("segment_unknown", segment="$value")
    if value is None:
        return answer_nothing(call)
    # Numbers and truth values are written as JSON has them.
    return answer_text(call, value if isinstance(value, str) else _encode(value).decode())


def _read(call: Call, kind: str) -> tuple[str, Any]:
    """The object's ID and the property's value, as the object itself shows it."""
    name, *members = call.keys["property"].split("/")
    if kind == "user" and name in {*schema.SINGLE_USER_ONLY, ACTIVITY}:
        raise deny("not_emulated", what=call.path)
    select = read_select(kind, name, collection=False)
    # Graph may know some of these for collections; none is documented.
    for option in parse_options(call.query_string).keys() - {"$select", "$format"}:
        raise deny("not_emulated", what=f"{option} of a property")
    # A path that begins with `/me` has no key: it means the signed-in user.
    row = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    doc = disclose_keys(call, kind, row.doc, select or ())
    shown = render_objects(kind, ("id", name), [doc], basic=call.permit.basic)
    record = msgspec.json.decode(shown)
    value = record.get(name)
    for member in members:
        value = value.get(member) if isinstance(value, dict) else None
    return record["id"], value
