"""
Objects as delta queries tell them.

What was never set is left out, what was cleared is null; who is gone has an
`@removed`; links are told under `members@delta` and its like.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from entra_emulator.directory.changes import Change
from entra_emulator.graph.delta.tracked import Tracked
from entra_emulator.graph.render import WHOLE
from entra_emulator.model import schema

# A deletion, and what brings an object back whole.
LIFE = frozenset({"created", "deleted", "purged", "restored"})

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def is_told(tracked: Tracked, changes: Iterable[Change]) -> bool:
    """Whether any of these changes is one that the query tracks."""
    return any(_counts(tracked, change) for change in changes)


def list_changed_names(changes: Iterable[Change]) -> set[str]:
    """The properties that these changes set or cleared."""
    return {name for change in changes if change.what == "updated" for name in change.names}


def render_tracked(
    tracked: Tracked,
    doc: bytes,
    *,
    cleared: Collection[str] = (),
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """
    An object with the properties that are tracked.

    Args:
        tracked: which ones.
        doc: the object.
        cleared: those that were set once; when they are no more, they are told as null.
        only: none but these, and the ID.
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
    shown.setdefault("id", row["id"])
    return shown


def render_removed(object_id: str, *, restorable: bool) -> dict[str, Any]:
    """Who is gone: for good, or to the recycle bin."""
    reason = "changed" if restorable else "deleted"
    return {"id": object_id, "@removed": {"reason": reason}}


def render_reference_change(reference: bytes, *, removed: bool, typed: bool) -> Any:
    """One linked object; one that is linked no more has an `@removed`."""
    if not (removed or not typed):
        return msgspec.Raw(reference)
    shown: dict[str, Any] = dict(_decode(reference))
    if not typed:
        del shown["@odata.type"]
    if removed:
        shown["@removed"] = {"reason": "deleted"}
    return shown


def _counts(tracked: Tracked, change: Change) -> bool:
    if change.what in LIFE:
        return True
    if change.what in {"linked", "unlinked"}:
        return change.names[0] in tracked.links
    if tracked.select is None and tracked.kind in WHOLE:
        return True
    return not set(tracked.names).isdisjoint(change.names)
