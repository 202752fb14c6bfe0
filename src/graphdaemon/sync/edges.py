"""
Who belongs to whom, as rows of their own: members and owners of groups, managers of users.

A row is the fact that a parent has a child, for as long as it has it. Its ID is `PARENT/CHILD`.
"""

from collections.abc import Iterable, Sequence

import msgspec

from graphdaemon.graph.links import altered
from graphdaemon.graph.page import ids_of, read_record
from graphdaemon.listing.changes import Changed, Removal
from graphdaemon.store.change import StoreChange
from graphdaemon.store.rows import Ending, Staged

# Each parent has one at most: another one takes its place.
_SINGLE = frozenset({"manager"})

_TYPE = "#microsoft.graph."


def read_ending(removal: Removal) -> Ending:
    """Return how a version ends of whose object a delta says why it is gone."""
    # Graph's `changed` is one that can be restored.
    return "removed" if removal == "changed" else "deleted"


def make_edge(parent: str, child: str, kind: str) -> Staged:
    """Return the row of a child that a parent has."""
    document = msgspec.json.encode({"parent": parent, "child": child, "kind": kind})
    return Staged(f"{parent}/{child}", document)


def stage_edges(change: StoreChange, relation: str, items: Sequence[Changed]) -> None:
    """Stage what a delta told of one relation; blocking, in the thread of the store."""
    rows: list[Staged] = []
    for item in items:
        if item.removed:
            # What was staged before belongs to the parent, too, and ends with it.
            change.stage(rows)
            rows = []
            ending = read_ending(item.removed)
            change.stage([Staged(key, None, ending) for key in change.ids_below(item.id)])
            continue
        links = item.links.get(relation, ())
        present = {link.id for link in links if not link.removed}
        if relation in _SINGLE and present:
            change.stage(rows)
            rows = []
            others = change.ids_below(item.id)
            rows += (Staged(key, None, "deleted") for key in others)
        rows += (
            Staged(f"{item.id}/{link.id}", None, "deleted")
            if link.removed
            else make_edge(item.id, link.id, link.kind)
            # What is gone first: of one child both may be told, and then it is there.
            for link in sorted(links, key=lambda link: not link.removed)
        )
    change.stage(rows)


def read_edges(records: Iterable[msgspec.Raw], relation: str) -> list[Staged]:
    """
    Return the rows of records that were read with their related objects.

    Raises:
        GraphError: `page_malformed`, a related object has no ID.
    """
    rows: list[Staged] = []
    for record in records:
        (parent,) = ids_of([record])
        children = _read_objects(record, relation)
        for key, child in zip(ids_of(children), children, strict=True):
            kind = str(read_record(child).get("@odata.type", "")).removeprefix(_TYPE)
            rows.append(make_edge(parent, key, kind))
    return rows


def read_related(records: Iterable[msgspec.Raw], relation: str) -> list[Staged]:
    """
    Return a row for each related object that has an ID of its own, such as a role assignment.

    Raises:
        GraphError: `page_malformed`, a related object has no ID.
    """
    rows: list[Staged] = []
    for record in records:
        objects = _read_objects(record, relation)
        rows += (Staged(key, bytes(one)) for key, one in zip(ids_of(objects), objects, strict=True))
    return rows


def _read_objects(record: msgspec.Raw, relation: str) -> list[msgspec.Raw]:
    """The objects that were read besides a record; of a relation that leads to one, it or none."""
    try:
        related = msgspec.json.decode(record, type=dict[str, msgspec.Raw]).get(relation)
        if related is None or related == b"null":
            return []
        if relation in _SINGLE:
            return [related]
        return msgspec.json.decode(related, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        raise altered(f"{relation} holds something else than objects") from None
