"""
Objects in the form in which delta queries report them.

A property that was never set is left out, and one that was cleared is null. A removed object has an
`@removed`. Links are in `members@delta` and similar members.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from entra_emulator.directory.changes import Change
from entra_emulator.directory.representation import WHOLE
from entra_emulator.graph.delta.tracked import TrackedType
from entra_emulator.model import schema

# The changes after which an object is reported whole, or as gone.
LIFE = frozenset({"created", "deleted", "purged", "restored"})

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def is_tracked(tracked: TrackedType, changes: Iterable[Change]) -> bool:
    """Whether the query tracks any of these changes."""
    return any(_counts(tracked, change) for change in changes)


def list_changed_names(changes: Iterable[Change]) -> set[str]:
    """The properties that these changes set or cleared."""
    return {name for change in changes if change.what == "updated" for name in change.names}


def render_tracked(
    tracked: TrackedType,
    doc: bytes,
    *,
    cleared: Collection[str] = (),
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """
    An object with the properties that are tracked.

    Properties in `cleared` were set before, and are null if they are not set any more. With `only`,
    only these properties and the ID are shown.
    """
    row = _decode(doc)
    names = tracked.select or (row if tracked.kind in WHOLE else tracked.names)
    shown: dict[str, Any] = {}
    for name in names:
        value = row.get(name)
        if only is not None and name not in only and name != "id":
            continue
        if value is not None and bytes(value) != b"null":
            shown[name] = value
        elif name in cleared:
            shown[name] = schema.blank(tracked.kind, name)
    # `id` is always reported, even if `$select` does not name it ("user: delta").
    shown.setdefault("id", row["id"])
    return shown


def render_removed(object_id: str, *, restorable: bool) -> dict[str, Any]:
    """A removed object: deleted for good, or in the recycle bin."""
    # Contrary to the words, `changed` can be restored, and `deleted` cannot (documented).
    reason = "changed" if restorable else "deleted"
    return {"id": object_id, "@removed": {"reason": reason}}


def render_reference_change(reference: bytes, *, removed: bool, typed: bool) -> Any:
    """A linked object; one whose link was removed has an `@removed`."""
    if not (removed or not typed):
        return msgspec.Raw(reference)
    shown: dict[str, Any] = dict(_decode(reference))
    if not typed:
        del shown["@odata.type"]
    if removed:
        # A link cannot be restored, so its reason is always this one ("group: delta").
        shown["@removed"] = {"reason": "deleted"}
    return shown


def _counts(tracked: TrackedType, change: Change) -> bool:
    if change.what in LIFE:
        return True
    if change.what in {"linked", "unlinked"}:
        return change.names[0] in tracked.links
    if tracked.select is None and tracked.kind in WHOLE:
        return True
    return not set(tracked.names).isdisjoint(change.names)
