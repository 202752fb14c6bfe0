"""
Objects as delta queries report them.

A property that was never set is left out, one that was cleared is null. An object that is gone has
an `@removed`. Links stand under `members@delta` and the like.
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
    """Whether any of these changes is one that the query tracks."""
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

    Those in `cleared` were set once, and show as null if they are not any more. With `only`, none
    but these and the ID show.
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
    """An object that is gone: for good, or to the recycle bin."""
    # Against what the words suggest: `changed` can be restored, `deleted` cannot (documented).
    reason = "changed" if restorable else "deleted"
    return {"id": object_id, "@removed": {"reason": reason}}


def render_reference_change(reference: bytes, *, removed: bool, typed: bool) -> Any:
    """A linked object; one that is linked no more has an `@removed`."""
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
