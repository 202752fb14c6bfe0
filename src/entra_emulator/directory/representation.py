"""
How the store keeps an object: as prepared JSON, so that answering is copying bytes.

The document holds every property that is set. The summary is what a list answers without
`$select`: a page of a list is summaries put together.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

_encode = msgspec.json.Encoder().encode

# Their documents are their summaries: every property of the default representation, null or not.
WHOLE = frozenset({"application", "servicePrincipal"})

# Types of the metadata whose values are texts, not complex values.
_ENUMERATIONS = frozenset({"microsoft.graph.nativeAuthenticationApisEnabled"})

# They are half of a user's document and seldom asked for, so they stand at its end.
_SELDOM = frozenset(
    {
        "assignedLicenses",
        "assignedPlans",
        "identities",
        "licenseAssignmentStates",
        "provisionedPlans",
        "proxyAddresses",
        "securityIdentifier",
        *(name for name in schema.declared("user") if name.startswith("onPremises")),
    }
)

_USUAL = frozenset(schema.default("user"))

# They stand in front: most selections that are not of default properties alone keep to these, and
# are cut out of this part of the document. Each property more makes all of their pages slower.
_CORE = frozenset(
    "id accountEnabled department displayName jobTitle mail userPrincipalName userType".split()
)

# In which part of a user's document a property stands, where it is not the middle one.
_PLACES = dict.fromkeys(_CORE, 0) | dict.fromkeys(_SELDOM, 2)

# Whom people look for by more than the beginning of a name.
_WITH_ALIASES = frozenset({"user", "group"})


class ObjectRow(NamedTuple):
    """
    One object as it is stored.

    Args:
        id: its object ID.
        key: the property that finds it besides (see `KINDS`), in folded case.
        name: its display name, in folded case.
        summary: what lists show of it; None when that is the whole document. Comparing keys reads
            the whole row, and Microsoft Graph's service principal is a third of a megabyte.
        doc: its document.
        brief: so many bytes of the document, closed by a brace, hold the properties that are asked
            for most; None when the document is not divided so.
        core: the same of those that nearly every client asks for.
        aliases: what people and writes look for besides key and name, in folded case.
    """

    id: str
    key: str
    name: str
    summary: bytes | None
    doc: bytes
    brief: int | None = None
    core: int | None = None
    aliases: tuple[str, ...] = ()


class _Identified(msgspec.Struct):
    id: str


_decode_id = msgspec.json.Decoder(_Identified).decode


def read_id(doc: bytes) -> str:
    """The ID in a document."""
    return _decode_id(doc).id


def render_reference(kind: str, object_id: str) -> bytes:
    """What stands for an object at the other end of a link, with nothing of its own."""
    return _encode({"@odata.type": f"#microsoft.graph.{kind}", "id": object_id})


def render(kind: str, record: Record) -> ObjectRow:
    """An object as the store keeps it."""
    key = str(record.get(KINDS[kind].key) or record["id"]).casefold()
    name = str(record.get("displayName") or "").casefold()
    aliases = _list_aliases(kind, record, key, name)
    if kind in WHOLE:
        doc = _encode(_arrange(kind, record))
        return ObjectRow(record["id"], key, name, None, doc, aliases=aliases)
    # The parts of the document, by their places; only users have more than one.
    places = _PLACES if kind == "user" else {}
    parts: tuple[Record, Record, Record] = ({}, {}, {})
    for prop, value in record.items():
        if value is not None:
            parts[places.get(prop, 1)][prop] = value
    first, second, third = parts
    core = _encode(first)
    brief = _extend(core, second)
    doc = _extend(brief, third)
    return ObjectRow(
        record["id"],
        key,
        name,
        _encode(_make_decoder(kind)(brief)),
        doc,
        len(brief) - 1 if third else None,
        len(core) - 1 if first and (second or third) else None,
        aliases,
    )


def _extend(doc: bytes, more: Record) -> bytes:
    """A document with further properties behind those that it has."""
    if not more:
        return doc
    return b"%b,%b" % (doc[:-1], _encode(more)[1:]) if len(doc) > len(b"{}") else _encode(more)


def list_addresses(record: Record) -> set[str]:
    """The mail addresses of a user or a group, in folded case."""
    proxies = (one.partition(":")[2] for one in record.get("proxyAddresses") or ())
    return {one.casefold() for one in (*proxies, record.get("mail")) if one}


def is_told(key: str, address: str) -> bool:
    """
    Whether a mail address need not be kept as an alias, because the key leads to it.

    Nearly everybody's addresses begin as the key does, and a million rows are a tenth of a seed.
    """
    local = address.partition("@")[0]
    return key == local or key.startswith(f"{local}@")


def _list_aliases(kind: str, record: Record, key: str, name: str) -> tuple[str, ...]:
    """Addresses and unique name, the name from its second word on, from its third …; nickname."""
    unique = str(record.get("uniqueName") or "").casefold()
    if kind not in _WITH_ALIASES:
        return (unique,) if unique else ()
    kept = sorted(one for one in list_addresses(record) if not is_told(key, one))
    words: list[str] = []
    _, _, later = name.partition(" ")
    while later:
        words.append(later)
        _, _, later = later.partition(" ")
    words.append(str(record.get("mailNickname") or "").casefold())
    # What name or key begins with is found by them.
    words = [word for word in words if not name.startswith(word) and not key.startswith(word)]
    # Writes look for addresses and unique names, so that none of these may be left out.
    return tuple(dict.fromkeys(filter(None, (*kept, unique, *words))))


def is_summary(kind: str, names: Sequence[str] | None) -> bool:
    """Whether summaries show these properties, and in this order; None are the default ones."""
    if names is None:
        return True
    # These have no summary of their own, and what is not selected in their documents.
    return kind not in WHOLE and names == schema.default(kind)


def choose_content(kind: str, names: Collection[str]) -> str:
    """The cheapest of "summary", "core", "brief" and "doc" that has all of these properties."""
    return (
        "summary" if kind == "user" and _USUAL.issuperset(names) else choose_document(kind, names)
    )


def choose_document(kind: str, names: Collection[str]) -> str:
    """The shortest of "core", "brief" and "doc" that has those of these properties that are set."""
    if kind != "user":
        return "doc"
    if _CORE.issuperset(names):
        return "core"
    return "brief" if _SELDOM.isdisjoint(names) else "doc"


def _arrange(kind: str, record: Record) -> Record:
    """
    The record in the recorded order: plain values, then complex ones by name, `spa` last.

    A complex value that is null stands among the plain ones (recorded 488 of 488 and 1,748 of
    1,748 times for `info`).
    """
    known = schema.default(kind)
    names = sorted(record, key=lambda name: known.index(name) if name in known else len(known))
    complex_names = [name for name in names if record[name] is not None and _is_complex(kind, name)]
    last = sorted(complex_names, key=lambda name: (name == "spa", name))
    return {name: record[name] for name in (*(n for n in names if n not in last), *last)}


def _is_complex(kind: str, name: str) -> bool:
    edm = schema.declared(kind).get(name, "Edm.String")
    return "microsoft.graph." in edm and edm not in _ENUMERATIONS


@cache
def _make_decoder(kind: str) -> Callable[[bytes], Any]:
    """
    A decoder that slices the default representation out of a document.

    Copying the slices costs a third of decoding, picking and encoding the values.
    """
    fields = [(name, msgspec.Raw, _stand_in(kind, name)) for name in schema.default(kind)]
    return msgspec.json.Decoder(msgspec.defstruct("Summary", fields, gc=False)).decode


def _stand_in(kind: str, name: str) -> msgspec.Raw:
    return msgspec.Raw(b"null" if schema.blank(kind, name) is None else b"[]")
