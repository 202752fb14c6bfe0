"""What has become of records, one event after the other."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.store.history import Version
from graphdaemon.store.rows import ChangeKind
from graphdaemon.store.tenant_history import Difference, name_of, read_members, read_value

Happening = ChangeKind | Literal["known"]
"""What happened; `known` is what was there when the history begins."""

_encode = msgspec.json.Encoder(order="sorted").encode


class PropertyChange(NamedTuple):
    """
    A property that got another value.

    Attributes:
        before: The value it had; None if it was not kept.
        after: The value it has; None if it is not kept any more.
    """

    before: Any
    after: Any


class RecordEvent(NamedTuple):
    """
    A change of one record.

    Attributes:
        at: When it was seen: RFC 3339, UTC.
        collection: The collection.
        id: The record's ID; of an edge `PARENT/CHILD`.
        name: What people call the record; empty where it has no name.
        what: What happened.
        changed: What an update changed, by property.
        document: The record after it, as JSON; None if it is gone.
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
    Yield what happened to records, one after the other, of each the oldest first.

    Args:
        versions: All their versions, those of a record one after the other.
        begins: Says of a collection from when on its history is whole.
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
    """Return what happened, all in all, to a record that is not what it was."""
    before, after = difference.before, difference.after
    what: Happening = "updated"
    if before is None:
        what = "created"
    elif after is None:
        # Whoever went and came and went again ended the way it went last.
        what = difference.ending or "absent"
    changed = compare_documents(before, after) if before and after else {}
    name = name_of(after or before or b"{}")
    return RecordEvent(difference.at, collection, difference.id, name, what, changed, after)


def compare_documents(before: bytes, after: bytes) -> dict[str, PropertyChange]:
    """Return the properties whose values differ; lists of the directory have no order."""
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
