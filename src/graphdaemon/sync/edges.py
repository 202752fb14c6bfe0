"""
Who belongs to whom, as rows of their own: members and owners of groups, managers of users.

A row says that a parent has a child, and exists as long as that is so. Its ID is `PARENT/CHILD`.
"""

from collections.abc import Iterable, Iterator, Sequence

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
    """Return the row that says that a parent has a child."""
    document = msgspec.json.encode({"parent": parent, "child": child, "kind": kind})
    return Staged(f"{parent}/{child}", document)


def stage_edges(change: StoreChange, relation: str, items: Sequence[Changed]) -> None:
    """Stage what a delta told of one relation; blocking, in the thread of the store."""
    for some in _split(items):
        cleared: dict[Ending, list[str]] = {}
        rows: list[Staged] = []
        for item in some:
            links = [] if item.removed else item.links.get(relation, [])
            present = [link for link in links if not link.removed]
            is_replaced = relation in _SINGLE and bool(present)
            if item.removed or is_replaced:
                # What was staged before belongs to the parent, too, and ends with it.
                ending = read_ending(item.removed) if item.removed else "deleted"
                cleared.setdefault(ending, []).append(item.id)
            # What is gone first: of one child both may be told, and then it is there.
            rows += (Staged(f"{item.id}/{one.id}", None, "deleted") for one in links if one.removed)
            rows += (
                make_edge(item.id, one.id, one.kind) for one in present[-1 if is_replaced else 0 :]
            )
        for ending, parents in cleared.items():
            change.stage_below(parents, ending)
        change.stage(rows)


def _split(items: Sequence[Changed]) -> Iterator[list[Changed]]:
    """Yield what was told in parts in which nothing is told of twice."""
    part: dict[str, Changed] = {}
    for item in items:
        if item.id in part:
            yield list(part.values())
            part = {}
        part[item.id] = item
    yield list(part.values())


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
    Return a row for each related object with an ID of its own, such as a role assignment.

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
