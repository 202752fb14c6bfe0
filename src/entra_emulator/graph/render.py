"""
Write objects as JSON: the selected properties, with types, without those the caller may not see.

Documents are not decoded for this: slices are cut out of each and written again, which takes about
a microsecond.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import WHOLE
from entra_emulator.model import schema

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")


def render_objects(
    kind: str, select: tuple[str, ...] | None, docs: list[bytes], *, basic: bool = False
) -> bytes:
    """
    The objects of these documents, joined by commas.

    `select` has the properties to show, None the default ones; `basic` shows users as
    `render_basic` does.
    """
    if select is None and kind in WHOLE:
        return b",".join(docs)
    names = select or schema.default(kind)
    if basic and kind == "user":
        return render_basic(names, docs)
    return render_records(kind, names, docs)


def render_records(kind: str, names: tuple[str, ...], docs: list[bytes]) -> bytes:
    """The objects of these documents, joined by commas, with these properties in this order."""
    return render_joined(kind, names, b",".join(docs))


def render_joined(kind: str, names: tuple[str, ...], docs: bytes) -> bytes:
    """The same for documents that are joined by commas already."""
    return _encode(_make_decoder(kind, names)(b"[%b]" % docs))[1:-1]


def render_basic(names: Iterable[str], docs: list[bytes]) -> bytes:
    """
    Users as `User.ReadBasic.All` shows them: all but a few properties are null.

    That goes for collections too, where the real service may answer [].
    """
    rows = []
    for doc in docs:
        user = _decode(doc)
        rows.append({n: user.get(n, _NULL) if n in schema.BASIC_USER else _NULL for n in names})
    return msgspec.json.encode(rows)[1:-1]


def render_neighbours(
    neighbours: list[StoredObject],
    select: tuple[str, ...] | None,
    readable: frozenset[str],
    *,
    typed: bool = True,
) -> list[bytes]:
    """
    Objects of several types, each with its `@odata.type` and its ID in front, as recorded.

    Args:
        neighbours: the objects, with documents.
        select: the properties to show of those types that have them.
        readable: the types that the caller may read, see `readable_types`. Of other types only the
            type and the ID show, and selected properties are null ("limited information",
            permissions reference).
        typed: whether to write the types.
    """
    parts = []
    for neighbour in neighbours:
        # The documents of these types are their default properties, so nothing need be cut out.
        if neighbour.kind in readable and neighbour.kind in WHOLE and select is None:
            mark = b'"@odata.type":%b,' % msgspec.json.encode(_name_type(neighbour.kind))
            parts.append(b"{%b%b" % (mark if typed else b"", neighbour.doc[1:]))
        elif neighbour.kind in readable:
            parts.append(_write_typed(neighbour.kind, select, neighbour.doc, typed=typed))
        elif neighbour.kind == "user" and "user.basic" in readable:
            parts.append(_show_basic(neighbour, select, typed=typed))
        else:
            parts.append(_limit(neighbour, select, typed=typed))
    return parts


def render_joined_neighbours(
    kinds: list[str],
    body: bytes,
    select: tuple[str, ...] | None,
    readable: frozenset[str],
    *,
    typed: bool = True,
) -> bytes:
    """The same, joined by commas, for objects of these types that are joined already."""
    if kinds and len(set(kinds)) == 1 and kinds[0] in readable and kinds[0] not in WHOLE:
        return _write_typed(kinds[0], select, body, typed=typed)
    docs = map(bytes, _split(b"[%b]" % body))
    neighbours = [StoredObject(kind, 0, doc) for kind, doc in zip(kinds, docs, strict=True)]
    return b",".join(render_neighbours(neighbours, select, readable, typed=typed))


def _write_typed(kind: str, select: tuple[str, ...] | None, docs: bytes, *, typed: bool) -> bytes:
    decode, encode = _codec(kind, select, typed=typed)
    return encode(decode(b"[%b]" % docs))[1:-1]


def _show_basic(neighbour: StoredObject, select: tuple[str, ...] | None, *, typed: bool) -> bytes:
    names = list_declared(
        "user", select or ("id", *(n for n in schema.default("user") if n != "id"))
    )
    shown = render_basic(names, [neighbour.doc])
    mark = b'"@odata.type":%b,' % msgspec.json.encode(_name_type("user"))
    return b"{%b%b" % (mark, shown[1:]) if typed else shown


def _limit(neighbour: StoredObject, select: tuple[str, ...] | None, *, typed: bool) -> bytes:
    shown: dict[str, Any] = {"@odata.type": _name_type(neighbour.kind)} if typed else {}
    shown["id"] = _decode(neighbour.doc)["id"]
    return msgspec.json.encode(dict.fromkeys(list_declared(neighbour.kind, select or ())) | shown)


def list_declared(kind: str, names: tuple[str, ...]) -> list[str]:
    """Those of the names that are properties of this type."""
    declared = schema.declared(kind).keys() | schema.declared_in_beta(kind).keys() | {"id"}
    return [name for name in names if name in declared]


def _name_type(kind: str) -> str:
    return f"#microsoft.graph.{kind}"


# Clients repeat a few selections; the limit is for one that would fill the memory with others.
@lru_cache(maxsize=256)
def _codec(
    kind: str, select: tuple[str, ...] | None, *, typed: bool
) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    """A decoder of an array, which slices these properties out, and an encoder of the slices."""
    names = list_declared(kind, select or ("id", *(n for n in schema.default(kind) if n != "id")))
    # The fields are numbered, because a property may have the name of the field for the type.
    fields: list[tuple[str, type, Any]] = []
    renamed = {}
    if typed:
        fields.append(("type", msgspec.Raw, msgspec.Raw(msgspec.json.encode(_name_type(kind)))))
        renamed["type"] = "@odata.type"
    for number, name in enumerate(names):
        renamed[f"p{number}"] = name
        fields.append((f"p{number}", msgspec.Raw, _stand_in(kind, name)))
    # Raw slices refer to nothing, so the garbage collector need not follow a page of rows.
    row = msgspec.defstruct("Neighbour", fields, rename=renamed, gc=False)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]  # a type made at run time
    return decode, _encode


@lru_cache(maxsize=256)
def _make_decoder(kind: str, names: tuple[str, ...]) -> Callable[[bytes], Any]:
    """A decoder that slices only these properties out of each document of an array."""
    fields = [(name, msgspec.Raw, _stand_in(kind, name)) for name in names]
    # Raw slices refer to nothing, so the garbage collector need not follow a page of rows.
    row = msgspec.defstruct("Row", fields, gc=False)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]  # a type made at run time
    return decode


def _stand_in(kind: str, name: str) -> Any:
    """The value of a property that is not set; a directory extension is left out."""
    if name.startswith("extension_"):
        return msgspec.UNSET
    # Recorded: an empty collection shows as [], anything else as null.
    return msgspec.Raw(b"null" if schema.blank(kind, name) is None else b"[]")
