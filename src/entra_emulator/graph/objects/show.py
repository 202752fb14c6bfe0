"""One object: `GET /users/{id}`, by any of its keys, and the signed-in user."""

import re
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import Neighbour
from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_object, describe_set
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.expansion import expand_objects
from entra_emulator.graph.objects.replica import find_stale
from entra_emulator.graph.query.options import read_single
from entra_emulator.graph.render import render_neighbours, render_objects
from entra_emulator.graph.write.certificates import disclose_keys
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import is_guid

_decode = msgspec.json.Decoder(dict[str, Any]).decode


# `applications(appId='…')`: the alternate keys that the CSDL and the API pages name.
_ALTERNATE = re.compile(r"(?P<name>[A-Za-z]+)='(?P<value>.*)'", re.DOTALL)
_ALTERNATES = {
    "application": {"appid", "uniquename"},
    "servicePrincipal": {"appid"},
    "device": {"deviceid"},
    "directoryRole": {"roletemplateid"},
    "user": {"userprincipalname"},
    "group": {"uniquename"},
}


def show_object(call: Call, *, kind: str) -> Response:
    """`GET /{collection}/{key}`: one object."""
    return _answer_found(call, kind, find_object(call, kind, call.keys["key"]))


def show_me(call: Call) -> Response:
    """`GET /me`: the signed-in user; refused to applications."""
    if not call.caller.delegated:
        raise deny("me_without_user")
    return _answer_found(call, "user", find_object(call, "user", call.caller.object_id))


def show_any(call: Call) -> Response:
    """`GET /directoryObjects/{id}`: an object of whatever type."""
    found = find_object(call, None, call.keys["key"])
    select, _ = read_single("directoryObject", call.query_string)
    neighbour = Neighbour(found.seq, found.kind, found.doc)
    (body,) = render_neighbours([neighbour], select, call.readable)
    return answer_object(call, describe_set("directoryObjects", select) + "/$entity", body)


def find_object(call: Call, kind: str | None, key: str) -> StoredObject:
    """
    The object with this key, as written in a path; None looks through every type by ID.

    Raises:
        GraphFault: 404, or 400 for what cannot be a key.
    """
    if kind is not None and (alternate := _ALTERNATE.fullmatch(key)):
        return _find_alternate(call, kind, key, alternate["name"].lower(), alternate["value"])
    if not is_guid(key) and not (kind == "user" and "@" in key):
        raise deny("id_malformed", key=key)
    if kind is not None and call.lag:
        found = find_stale(call.directory, call.tenant, kind, key, call.lag)
    else:
        found = call.directory.objects.find(call.tenant, key, kind=kind if "@" in key else None)
    if found is None or (kind is not None and found.kind != kind):
        raise deny("object_missing", key=key)
    return found


def _find_alternate(call: Call, kind: str, key: str, name: str, value: str) -> StoredObject:
    value = value.replace("''", "'")
    if name not in _ALTERNATES.get(kind, ()):
        raise deny("id_malformed", key=key)
    if name == KINDS[kind].key.lower():
        found = call.directory.objects.find(call.tenant, value, kind=kind)
        if found is not None:
            return found
    else:
        for position, doc in call.directory.objects.scan(call.tenant, kind):
            if value.encode() in doc and _decode(doc).get("uniqueName") == value:
                return StoredObject(kind, position.seq, doc)
    raise deny("object_missing", key=value)


def _answer_found(call: Call, kind: str, found: StoredObject) -> Response:
    select, expand = read_single(kind, call.query_string)
    doc = disclose_keys(call, kind, found.doc, select or ())
    body = render_objects(kind, select, [doc], basic=call.permit.basic)
    if expand is not None:
        body = expand_objects(call, kind, expand, body, [found.doc])
    expanded = expand.navigation if expand else None
    fragment = describe_set(KINDS[kind].collection, select, expanded)
    return answer_object(call, f"{fragment}/$entity", body)
