"""
The objects that a request writes to or refers to, as they are now.

A replica that lags behind does not know what was made a moment ago, and says so.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import LinkQuery
from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_object
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.replica import find_stale
from entra_emulator.graph.objects.show import find_object
from entra_emulator.graph.render import render_objects
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid

_decode = msgspec.json.Decoder(Record).decode

_KEYED = re.compile(r"(\w+)\('(.*)'\)", re.DOTALL)
_BASES = frozenset({"v1.0", "beta", "v2", "myorganization"})
_COLLECTIONS = {name.lower(): kind.name for name, kind in BY_COLLECTION.items()}


class Reference(NamedTuple):
    """Whom an address means: an object's type, None for any, and its key."""

    kind: str | None
    key: str


def read_record(found: StoredObject) -> Record:
    """The object's properties."""
    return _decode(found.doc)


def find_target(call: Call, kind: str, key: str | None = None) -> StoredObject:
    """
    The object that the path names, to be written to.

    Raises:
        GraphFault: 404; 403 when the caller may only write to what it owns.
    """
    found = find_object(call, kind, call.keys["key"] if key is None else key)
    object_id = str(read_record(found)["id"])
    now = call.directory.objects.find(call.tenant, object_id)
    if now is None or not is_visible(call, now):
        raise deny("object_missing", key=call.keys.get("key", object_id))
    check_owned(call, now)
    return now


def is_visible(call: Call, found: StoredObject) -> bool:
    """Whether the replica that answers knows the object already."""
    if not call.lag:
        return True
    object_id = str(read_record(found)["id"])
    return find_stale(call.directory, call.tenant, found.kind, object_id, call.lag) is not None


def check_owned(call: Call, found: StoredObject) -> None:
    """
    Refuse others' objects to those who may write their own only.

    Raises:
        GraphFault: 403.
    """
    if call.permit.own_keys and _decode(found.doc).get("appId") != call.caller.app_id:
        raise deny("forbidden")
    if call.permit.owned and found.kind in {"application", "group", "servicePrincipal"}:
        owners = call.directory.links.list_neighbours(call.tenant, LinkQuery("owners", found.seq))
        if call.caller.object_id not in {_decode(one.content)["id"] for one in owners}:
            raise deny("forbidden")


def find_caller(call: Call) -> StoredObject | None:
    """The signed-in user, or the calling application's service principal."""
    return call.directory.objects.find(call.tenant, call.caller.object_id)


def read_reference(value: object) -> Reference:
    """
    What an `@odata.id` means, whatever host and version it names.

    The directory's own addresses, which `$ref` lists answer, are good too.

    Raises:
        GraphFault: 400, it is no address of a directory object.
    """
    if not isinstance(value, str):
        raise deny("reference_malformed")
    try:
        path = urlsplit(value).path
    except ValueError as error:
        raise deny("reference_malformed") from error
    segments = [unquote(segment) for segment in path.split("/") if segment]
    while segments and (segments[0].lower() in _BASES or is_guid(segments[0])):
        del segments[0]
    keyed = _KEYED.fullmatch(segments[0]) if segments else None
    if keyed:
        segments[:1] = [keyed[1], keyed[2].replace("''", "'")]
    collection = segments[0].lower() if segments else ""
    if len(segments) < 2 or collection not in {"directoryobjects", *_COLLECTIONS}:
        raise deny("reference_malformed")
    kind, key = _COLLECTIONS.get(collection), segments[1]
    if not is_guid(key) and not (kind == "user" and "@" in key):
        raise deny("id_malformed", key=key)
    return Reference(kind, key)


def find_referred(call: Call, reference: Reference) -> StoredObject:
    """
    The object that a reference means.

    Raises:
        GraphFault: 404.
    """
    kind, key = reference
    found = call.directory.objects.find(call.tenant, key, kind=kind if "@" in key else None)
    if found is None or kind not in {None, found.kind} or not is_visible(call, found):
        raise deny("object_missing", key=key)
    return found


def answer_created(call: Call, found: StoredObject, *, body: bytes | None = None) -> Response:
    """201 with the new object, and the directory's own address of it, as recorded."""
    kind = KINDS[found.kind]
    if body is None:
        body = render_objects(kind.name, None, [found.doc])
    location = (
        f"https://graph.microsoft.com/v2/{call.tenant.id}/directoryObjects/"
        f"{read_record(found)['id']}/Microsoft.DirectoryServices.{kind.resource}"
    )
    fragment = f"{kind.collection}/$entity"
    return answer_object(call, fragment, body, status=201, location=location)
