"""
Read files exported from a real tenant, with one Graph object on each line, and check them.

Properties that the metadata does not declare are kept, since Graph's types are open. A declared
property must have its declared type.
"""

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from entra_emulator.clock import parse_iso
from entra_emulator.model import schema
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from entra_emulator.model.records import Record

# A line may also describe the tenant itself.
ORGANIZATION = "organization"

_RELATIONS = {
    "user": ("manager",),
    "group": ("members", "owners"),
    "device": ("registeredOwners", "registeredUsers"),
    "application": ("owners",),
    "servicePrincipal": ("owners",),
    "administrativeUnit": ("members",),
    "directoryRole": ("members",),
    ORGANIZATION: (),
}
# The emulator cannot keep an object without this property.
_NEEDED = {
    "user": "userPrincipalName",
    "application": "appId",
    "servicePrincipal": "appId",
    "directoryRole": "roleTemplateId",
}
_NUMBERS = frozenset({"Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Byte"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# A directory object has a few thousand bytes, and a group with all of its members some millions.
_LONGEST_LINE = 1 << 26
# The type of a property that the metadata does not declare.
_ANY = "any"

_decode = msgspec.json.Decoder().decode


class ExportFileError(ValueError):
    """A file cannot be imported; the text says where, what and what to do."""


class Source(NamedTuple):
    """A file, and the type of its objects where a line does not say it."""

    path: Path
    kind: str | None


class Item(NamedTuple):
    """
    A line of a file.

    Args:
        place: file and line, for messages.
        kind: the object's type.
        id: its ID, in lower case.
        record: its properties; none when the line only has links.
        links: the IDs of the objects that it is linked to, by relation.
    """

    place: str
    kind: str
    id: str
    record: Record
    links: dict[str, list[str]]


def parse_source(text: str) -> Source:
    """
    The file in `FILE`, whose name may tell the type, or in `users=FILE`.

    Raises:
        ExportFileError: what stands before the equals sign is no collection.
    """
    collection, sign, path = text.partition("=")
    if not sign or "/" in collection:
        return Source(Path(text), _find_kind(Path(text).name.partition(".")[0]))
    kind = _find_kind(collection)
    if kind is None:
        known = ", ".join(BY_COLLECTION)
        raise ExportFileError(f"{text}: {collection} is no collection. Say one of {known}.")
    return Source(Path(path), kind)


def read_items(source: Source) -> Iterator[Item]:
    """
    The objects in a file; deleted ones, as delta queries tell of them, are left out.

    Raises:
        ExportFileError: a line is not what it should be.
        OSError: the file cannot be read.
    """
    with source.path.open("rb") as file:
        for number, line in enumerate(iter(partial(file.readline, _LONGEST_LINE + 1), b""), 1):
            if len(line) > _LONGEST_LINE:
                raise ExportFileError(
                    f"{source.path}, line {number}: this has more than {_LONGEST_LINE:,} bytes, "
                    "and is no object. Give a file of lines, one JSON object in each."
                )
            # PowerShell and Excel begin a file with a byte order mark, which is no JSON.
            content = line.removeprefix(b"\xef\xbb\xbf").strip()
            if content:
                place = f"{source.path}, line {number}"
                entry = _parse(place, content)
                if "@removed" not in entry:
                    yield _read_item(place, entry, source.kind)


def fits_type(edm: str, value: Any) -> bool:
    """Whether a JSON value is one of an EDM type; any object is one of a complex type."""
    if edm.startswith("Collection("):
        item = edm[len("Collection(") : -1]
        return isinstance(value, list) and all(fits_type(item, one) for one in value)
    if edm == "Edm.Boolean":
        return isinstance(value, bool)
    if edm == "Edm.DateTimeOffset":
        return isinstance(value, str) and _is_time(value)
    # In Python True is a number as well.
    if edm in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if edm.startswith("Edm."):
        return isinstance(value, str)
    return edm == _ANY or isinstance(value, dict)


def _parse(place: str, content: bytes) -> Record:
    try:
        entry = _decode(content)
    except UnicodeDecodeError:
        raise ExportFileError(f"{place}: this is not UTF-8. Export the file as UTF-8.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ExportFileError(
            f"{place}: this is not JSON ({error}). Put one object on each line, as "
            "`jq -c '.value[]'` does."
        ) from None
    if not isinstance(entry, dict):
        raise ExportFileError(
            f"{place}: this is no object. Put one object on each line, as `jq -c '.value[]'` does."
        )
    return entry


def _read_item(place: str, entry: Record, assumed: str | None) -> Item:
    kind = _read_kind(place, entry, assumed)
    object_id = entry.get("id")
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
        raise ExportFileError(
            f"{place}: the {kind} has no id that is a GUID. Export with $select=id,…."
        )
    links: dict[str, list[str]] = {}
    record: Record = {}
    for name, value in entry.items():
        use = _classify(kind, name)
        if use == "link":
            ids = _read_ids(f"{place}, {name}", value)
            links.setdefault(name.removesuffix("@delta"), []).extend(ids)
        elif use != "nothing":
            if value is not None and not fits_type(use, value):
                edm = schema.declared(kind)[name]
                raise ExportFileError(
                    f"{place}: {name} of a {kind} is {edm}, and this is not: {_shorten(value)}. "
                    "Export it as Graph answers it."
                )
            record[name] = value
    # The ID alone says which object is linked, as in later pages of a large group's members.
    if links and len(record) == 1:
        record = {}
    elif not record.get(_NEEDED.get(kind, "id")):
        needed = _NEEDED[kind]
        raise ExportFileError(
            f"{place}: the {kind} has no {needed}. Export with $select=id,{needed},…."
        )
    return Item(place, kind, object_id.lower(), record, links)


def _read_kind(place: str, entry: Record, assumed: str | None) -> str:
    written = entry.get("@odata.type")
    if written is None and assumed is None:
        raise ExportFileError(
            f"{place}: nothing says what this is. Name the file after its collection, as in "
            "users.ndjson, or say --import users=FILE."
        )
    kind = assumed if written is None else str(written).removeprefix("#microsoft.graph.")
    if kind not in _RELATIONS:
        known = ", ".join(KINDS)
        raise ExportFileError(
            f"{place}: the emulator has no objects of type {written!r}, only {known}. Leave this "
            "line out."
        )
    return kind


def _read_ids(place: str, value: Any) -> list[str]:
    """The IDs of linked objects: of a list of them, of one, or of none."""
    targets = value if isinstance(value, list) else [] if value is None else [value]
    ids = []
    for target in targets:
        object_id = target.get("id") if isinstance(target, dict) else None
        if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
            raise ExportFileError(
                f'{place}: an object has no id that is a GUID. Export each as {{"id": …}}.'
            )
        if "@removed" not in target:
            ids.append(object_id.lower())
    return ids


# A million lines have a few hundred names; the limit is for a file that makes up new ones.
@lru_cache(maxsize=4096)
def _classify(kind: str, name: str) -> str:
    """What a member of an object is: "link", "nothing" to keep, or a property's EDM type."""
    bare = name.removesuffix("@delta")
    if bare in _RELATIONS[kind]:
        return "link"
    # What may be expanded inside an object is no property of it.
    if "@" in name or name in schema.navigation(kind):
        return "nothing"
    edm = schema.declared(kind).get(name, _ANY)
    return "Edm.String" if schema.enumerated(edm.removeprefix("microsoft.graph.")) else edm


def _is_time(text: str) -> bool:
    try:
        parse_iso(text)
    except (ValueError, OverflowError):
        return False
    return True


def _shorten(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _find_kind(collection: str) -> str | None:
    folded = collection.casefold()
    if folded == ORGANIZATION:
        return ORGANIZATION
    return next((k.name for name, k in BY_COLLECTION.items() if name.casefold() == folded), None)
