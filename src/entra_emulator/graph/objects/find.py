"""
Find the objects that a request names, to show them, to write to them, or to refer to them.

A replica that lags behind does not know an object that was created a moment ago: it is not found.
"""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.relations import NAVIGATIONS, RECORD_NAVIGATIONS
from entra_emulator.graph.objects.replica import find_stale
from entra_emulator.model import schema
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid

_decode = msgspec.json.Decoder(Record).decode

# `applications(appId='…')`
_ALTERNATE = re.compile(r"([A-Za-z]+)='(.*)'", re.DOTALL)
_KEYED = re.compile(r"(\w+)\('(.*)'\)", re.DOTALL)
# `microsoft.graph.user`, and by the namespace's alias `graph.user`.
_CAST = re.compile(r"(?:microsoft\.)?graph\.(\w+)", re.IGNORECASE)
_BASES = frozenset({"v1.0", "beta", "v2", "myorganization"})
_COLLECTIONS = {name.lower(): kind.name for name, kind in BY_COLLECTION.items()}


def read_record(row: StoredObject) -> Record:
    """The object's properties."""
    return _decode(row.doc)


def find_object(call: Call, kind: str | None, key: str) -> StoredObject:
    """
    The object with this key, as written in a path; with None as type, an ID of any type.

    Raises:
        GraphRefusal: 404, it does not exist; 400, the text cannot be a key.
    """
    if kind is not None and (alternate := _ALTERNATE.fullmatch(key)):
        return _find_alternate(call, kind, key, alternate[1].lower(), _unquote(alternate[2]))
    # Recorded: a text that cannot be a key is a bad request (400), not a missing object (404).
    if not is_guid(key) and not (kind == "user" and "@" in key):
        raise deny("id_malformed", key=key)
    row = find_known(call, key, kind if kind is None or "@" in key or call.lag else None)
    if row is None or (kind is not None and row.kind != kind):
        raise deny("object_missing", key=key)
    return row


def read_alternate(key: str, name: str) -> str | None:
    """The value in a key like `appId='…'` of this name; None for any other key."""
    alternate = _ALTERNATE.fullmatch(key)
    if alternate is None or alternate[1].lower() != name.lower():
        return None
    return _unquote(alternate[2])


def find_target(call: Call, kind: str, key: str | None = None) -> StoredObject:
    """
    The object that the path names, as it is now, to be written to.

    Raises:
        GraphRefusal: 404; 403, the caller may only write to objects that it owns.
    """
    row = find_object(call, kind, call.keys["key"] if key is None else key)
    object_id = str(read_record(row)["id"])
    # The replica decides whether the object is found, but its current version is written to.
    current = call.directory.objects.find(call.tenant, object_id)
    if current is None or not is_visible(call, current):
        raise deny("object_missing", key=call.keys.get("key", object_id))
    check_owned(call, current)
    return current


def find_caller(call: Call) -> StoredObject | None:
    """The signed-in user, or the calling application's service principal."""
    return call.directory.objects.find(call.tenant, call.caller.object_id)


def list_behind(call: Call, kind: str, name: str, object_id: str) -> list[Any]:
    """
    The content of a navigation property of an object, as far as filters need it.

    Records have their properties. Of linked objects, it only matters whether there are none, one
    or more.
    """
    row = call.directory.objects.find(call.tenant, object_id, kind=kind)
    if row is None:
        return []
    if (navigation := NAVIGATIONS.get((kind, name))) is not None:
        links = navigation.links(row.seq)
        return [None] * call.directory.links.count_neighbours(call.tenant, links, most=2)
    return list(RECORD_NAVIGATIONS[kind, name].read(call, read_record(row)))


def locate_object(call: Call, kind: str, object_id: str) -> str:
    """The directory's own address of an object."""
    resource = KINDS[kind].resource
    return locate(call, f"directoryObjects/{object_id}/Microsoft.DirectoryServices.{resource}")


def find_known(call: Call, key: str, kind: str | None) -> StoredObject | None:
    """The object with this ID or key in the answering replica; None as type means any type."""
    if call.lag:
        return find_stale(call.directory, call.tenant, kind, key, call.lag)
    return call.directory.objects.find(call.tenant, key, kind=kind)


def find_visible(call: Call, key: str, kinds: Collection[str]) -> StoredObject | None:
    """The object with this ID, if it has one of these types and the answering replica knows it."""
    kind = "user" if "@" in key else None
    row = call.directory.objects.find(call.tenant, key, kind=kind)
    return row if row and row.kind in kinds and is_visible(call, row) else None


def find_referred(call: Call, address: str) -> StoredObject:
    """
    The object that an `@odata.id` names; the host and the version in it do not matter.

    The directory's own addresses, which `$ref` lists contain, are accepted, too.

    Raises:
        GraphRefusal: 400, it is not the address of a directory object; 404, there is no object.
    """
    try:
        path = urlsplit(address).path
    except ValueError as error:
        raise deny("reference_malformed") from error
    segments = [unquote(segment) for segment in path.split("/") if segment]
    # The service's own addresses begin with `/v2/{tenant}` (recorded for `Location`).
    while segments and (segments[0].lower() in _BASES or is_guid(segments[0])):
        del segments[0]
    keyed = _KEYED.fullmatch(segments[0]) if segments else None
    if keyed:
        segments[:1] = [keyed[1], _unquote(keyed[2])]
    collection = segments[0].lower() if segments else ""
    if len(segments) < 2 or collection not in {"directoryobjects", *_COLLECTIONS}:
        raise deny("reference_malformed")
    kind, key = _COLLECTIONS.get(collection), segments[1]
    if not is_guid(key) and not (kind == "user" and "@" in key):
        raise deny("id_malformed", key=key)
    row = find_visible(call, key, KINDS if kind is None else {kind})
    if row is None or not all(_is_of(row, cast) for cast in segments[2:]):
        raise deny("object_missing", key=key)
    return row


def _is_of(row: StoredObject, segment: str) -> bool:
    """Whether the object has the type of the cast in a segment after its ID, if there is one."""
    cast = _CAST.fullmatch(segment)
    return cast is None or cast[1].lower() in {row.kind.lower(), "directoryobject"}


def is_visible(call: Call, row: StoredObject) -> bool:
    """Whether the answering replica knows the object already."""
    if not call.lag:
        return True
    object_id = str(read_record(row)["id"])
    return find_stale(call.directory, call.tenant, row.kind, object_id, call.lag) is not None


def check_owned(call: Call, row: StoredObject) -> None:
    """Refuse, with 403, objects of others to callers that may write only to their own."""
    if call.permit.own_keys and _decode(row.doc).get("appId") != call.caller.app_id:
        raise deny("forbidden")
    # The permission cannot be limited for types without owners.
    if call.permit.owned and (row.kind, "owners") in NAVIGATIONS:
        owners = call.directory.links.list_neighbours(call.tenant, LinkQuery("owners", row.seq))
        if call.caller.object_id not in {_decode(owner.doc)["id"] for owner in owners}:
            raise deny("forbidden")


def _find_alternate(call: Call, kind: str, key: str, name: str, value: str) -> StoredObject:
    """
    An object by an alternate key: the one that the store indexes, or `uniqueName`.

    Those are the alternate keys that the CSDL and the API pages name.
    """
    indexed = KINDS[kind].key.lower()
    if name == indexed and name != "id" and KINDS[kind].unique:
        # These look-ups do not lag: an object that a filtered list may show only minutes later is
        # found at once by such a key (msgraph-bicep-types#193).
        row = call.directory.objects.find(call.tenant, value, kind=kind)
        if row is not None:
            return row
    elif name == "uniquename" and "uniqueName" in schema.declared(kind):
        row = call.directory.search.find_by_unique_name(call.tenant, kind, value)
        if row is not None:
            return row
    else:
        raise deny("id_malformed", key=key)
    raise deny("object_missing", key=value)


def _unquote(text: str) -> str:
    # OData writes a quote inside of a text as two.
    return text.replace("''", "'")
