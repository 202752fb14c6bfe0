"""
Records as the store keeps them, with their prepared representations.

The document holds what is set; the face is what a list answers without
`$select`, so that a page of it is bytes put together.
"""

import msgspec

from graphdaemon.emulator import schema
from graphdaemon.emulator.entity import Record
from graphdaemon.emulator.kind import KINDS
from graphdaemon.emulator.shelf import Row

__all__ = ["render", "render_application"]

_encode = msgspec.json.Encoder().encode

# Their records hold every property of the default representation, null or not, in its order.
_WHOLE = frozenset({"application", "servicePrincipal"})


def render(kind: str, record: Record) -> Row:
    """An object as the store keeps it."""
    key = str(record.get(KINDS[kind].key) or record["id"]).casefold()
    name = str(record.get("displayName") or "").casefold()
    if kind in _WHOLE:
        doc = face = _encode(record)
    else:
        doc = _encode({prop: value for prop, value in record.items() if value is not None})
        face = _encode(_show_default(kind, record))
    return Row(record["id"], key, name, face, doc)


def render_application(record: Record) -> Row:
    """An application or service principal; its default representation is all of it."""
    return render("application", record)


def _show_default(kind: str, record: Record) -> Record:
    shown = {}
    for name in schema.default(kind):
        value = record.get(name)
        shown[name] = schema.blank(kind, name) if value is None else value
    return shown
