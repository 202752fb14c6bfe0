"""Records as the store keeps them, with their prepared representations."""

import msgspec

from graphdaemon.emulator import schema
from graphdaemon.emulator.entity import Record
from graphdaemon.emulator.store import Row

__all__ = ["render_application", "render_user"]

_encode = msgspec.json.Encoder().encode


def render_user(record: Record) -> Row:
    """A user as the store keeps it."""
    face = {name: record.get(name) for name in schema.DEFAULT_USER}
    face["businessPhones"] = record.get("businessPhones") or []
    return Row(
        record["id"],
        record["userPrincipalName"].casefold(),
        record["displayName"].casefold(),
        _encode(face),
        _encode(record),
    )


def render_application(record: Record) -> Row:
    """An application or service principal; its default representation is all of it."""
    doc = _encode(record)
    return Row(record["id"], record["appId"], record["displayName"].casefold(), doc, doc)
