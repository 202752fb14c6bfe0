"""The changes since a delta link, as the library returns them: each object once, decoded."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.page import read_record
from graphdaemon.listing.changes import Changed, Changes, Link, Removal
from graphdaemon.listing.target import Target


class RecordChange(NamedTuple):
    """
    One object that changed since a delta link was created.

    Attributes:
        id: The object.
        record: The selected properties as they are now. A property that was never set is left out,
            one that was cleared is None. If the object is gone, the record itself is None.
        removed: `changed` if the object was deleted and can be restored, `deleted` if it is gone
            for good, empty if it exists. The words are Graph's.
        links: For each requested relation, the linked objects that were added or removed. Each has
            `id`, `kind` (such as `user`) and `removed`. For a new object, these are all of its
            links.
    """

    id: str
    record: dict[str, Any] | None
    removed: Removal
    links: dict[str, list[Link]]


class Round(NamedTuple):
    """
    What changed between two delta links.

    Attributes:
        changes: Each object that changed, once, in no particular order.
        link: The link for the next call. Store `changes` first and the link afterwards, so that no
            change can be lost.
    """

    changes: list[RecordChange]
    link: DeltaLink


async def read_changes(target: Target, link: DeltaLink | None, relations: Sequence[str]) -> Round:
    """
    Read one round to its end.

    Raises:
        UsageError: `link` belongs to another collection, or to another Graph.
        Error: As `Changes.pages` does.
    """
    changes = Changes(target, None if link is None else link.reveal(), relations)
    by_id: dict[str, RecordChange] = {}
    restarts = 0
    async with aclosing(changes.pages()) as pages:
        async for page in pages:
            if changes.restarts != restarts:
                restarts = changes.restarts
                by_id.clear()
            for changed in page:
                # Told again, it moves behind what was told before.
                by_id[changed.id] = _merge(by_id.pop(changed.id, None), changed)
    assert changes.link is not None, "a round ends in a delta link"
    return Round([_narrow(one, target) for one in by_id.values()], DeltaLink(changes.link))


def _merge(before: RecordChange | None, changed: Changed) -> RecordChange:
    if changed.record is None:
        return RecordChange(changed.id, None, changed.removed, {})
    earlier = {} if before is None or before.record is None else before.record
    links = {} if before is None else before.links
    for relation, told in changed.links.items():
        by_id = {link.id: link for link in (*links.get(relation, ()), *told)}
        links[relation] = list(by_id.values())
    values = read_record(changed.record).items()
    record = earlier | {name: value for name, value in values if "@" not in name}
    return RecordChange(changed.id, record, "", links)


def _narrow(change: RecordChange, target: Target) -> RecordChange:
    """Leave out what was not selected. The link of a listing also reports what the proof needs."""
    select = target.query.select
    if change.record is None or not select:
        return change
    kept = {name: value for name, value in change.record.items() if name in {"id", *select}}
    return change._replace(record=kept)
