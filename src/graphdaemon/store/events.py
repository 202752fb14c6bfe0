"""Describe the history of records as events."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.store.history import Version
from graphdaemon.store.rows import ChangeKind
from graphdaemon.store.tenant_history import Difference, name_of, read_members, read_value

Happening = ChangeKind | Literal["known"]
"""What happened to a record; `known` means that it already existed when the history begins."""

_encode = msgspec.json.Encoder(order="sorted").encode


class PropertyChange(NamedTuple):
    """
    A change of the value of a property.

    Attributes:
        before: The earlier value; None if the property was not kept then.
        after: The new value; None if the property is not kept any more.
    """

    before: Any
    after: Any


class RecordEvent(NamedTuple):
    """
    A change of one record.

    Attributes:
        at: When the store saw the change: RFC 3339, UTC.
        collection: The collection.
        id: The record's ID; for an edge `PARENT/CHILD`.
        name: The display name of the record, or another name; empty if it has none.
        what: What happened.
        changed: The changed properties by their names; empty unless it is an update.
        document: The record after the change, as JSON; None if it has ended.
    """

    at: str
    collection: str
    id: str
    name: str
    what: Happening
    changed: dict[str, PropertyChange]
    document: bytes | None


def tell_versions(
    versions: Iterable[Version], begins: Callable[[str], str]
) -> Iterator[RecordEvent]:
    """
    Yield the events of records, one record after another, the oldest event of each first.

    Args:
        versions: All versions of the records: those of one record in order, without others between.
        begins: Returns the time at which the history of a collection begins (RFC 3339, UTC).
    """
    before: Version | None = None
    for version in versions:
        if before is not None and (before.collection, before.id) != (
            version.collection,
            version.id,
        ):
            before = None
        what: Happening = "created"
        changed: dict[str, PropertyChange] = {}
        if before is None:
            what = "created" if version.valid_from > begins(version.collection) else "known"
        elif before.ending == "updated":
            what, changed = "updated", compare_documents(before.document, version.document)
        elif before.ending == "removed":
            what = "restored"
        event = RecordEvent(
            version.valid_from,
            version.collection,
            version.id,
            name_of(version.document),
            what,
            changed,
            version.document,
        )
        yield event
        if version.valid_to is not None and version.ending not in {None, "updated"}:
            ending = version.ending or "absent"
            yield event._replace(at=version.valid_to, what=ending, changed={}, document=None)
        before = version


def tell_difference(collection: str, difference: Difference) -> RecordEvent:
    """Return the event for the difference between two versions of a record."""
    before, after = difference.before, difference.after
    what: Happening = "updated"
    if before is None:
        what = "created"
    elif after is None:
        # A record may have ended, been restored and ended again: the last ending counts.
        what = difference.ending or "absent"
    changed = compare_documents(before, after) if before and after else {}
    name = name_of(after or before or b"{}")
    return RecordEvent(difference.at, collection, difference.id, name, what, changed, after)


def compare_documents(before: bytes, after: bytes) -> dict[str, PropertyChange]:
    """Return the properties whose values differ; lists count as equal in any order."""
    old, new = read_members(before), read_members(after)
    changed = {}
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            pair = PropertyChange(read_value(old.get(name)), read_value(new.get(name)))
            if _plain(pair.before) != _plain(pair.after):
                changed[name] = pair
    return changed


def _plain(value: Any) -> Any:
    return sorted(map(_encode, value)) if isinstance(value, list) else value
