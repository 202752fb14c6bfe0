"""
The directory in the state of a replica that lags behind.

Replicas of the real directory differ by seconds to minutes. Few objects change in that time, so
their older versions replace the current ones in the answers.

A request is answered by one replica, whether it requests a list, a filter, a count, a search or an
object by its ID. "You hit one node to create the object … the connection has hit a replica that
is not yet updated" (blogs.aaddevsup.xyz, 2021-08, of 404 after a creation), and the results of
advanced queries "are eventually consistent" as well ("Advanced query capabilities on directory
objects").
"""

import heapq
from collections.abc import Iterable, Iterator

import msgspec

from entra_emulator.directory.changes import Change
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.object_collections import INDEXED_ORDERS, Position, Span
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.representation import render
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


def find_stale(
    directory: Directory, tenant: Tenant, kind: str | None, key: str, lag: float
) -> StoredObject | None:
    """The object with this ID or key, as it was `lag` seconds ago; None means any type."""
    if kind is None:
        kinds = (find_stale(directory, tenant, one, key, lag) for one in KINDS)
        return next((row for row in kinds if row is not None), None)
    current = directory.objects.find(tenant, key, kind=kind)
    older = _read_older(directory, tenant, kind, lag)
    if current is not None and current.seq not in older:
        return current
    for seq, doc in older.items():
        if doc is not None:
            row = render(kind, _decode(doc))
            if key.casefold() in {row.id, row.key}:
                return StoredObject(kind, seq, doc)
    return None


def scan_stale(
    directory: Directory,
    tenant: Tenant,
    kind: str,
    span: Span,
    lag: float,
    *,
    after: Position | None = None,
) -> Iterator[tuple[Position, bytes]]:
    """Every (position, document) as it was `lag` seconds ago, in the span's order."""
    older = _read_older(directory, tenant, kind, lag)
    if not older:
        return directory.collections.scan(tenant, kind, span, after=after)
    docs = [(seq, doc) for seq, doc in older.items() if doc is not None]
    placed = [(find_position(kind, span.order, seq, doc), doc) for seq, doc in docs]
    stale = [entry for entry in placed if _is_within(span, after, entry[0])]
    current = directory.collections.scan(tenant, kind, span, after=after)
    live = (entry for entry in current if entry[0].seq not in older)
    descending = span.descending
    stale.sort(key=lambda entry: rank(entry[0]), reverse=descending)
    return heapq.merge(live, stale, key=lambda entry: rank(entry[0]), reverse=descending)


def _read_older(
    directory: Directory, tenant: Tenant, kind: str, lag: float
) -> dict[int, bytes | None]:
    return undo_changes(directory.changes.list_since(tenant, kind, directory.clock.now() - lag))


def undo_changes(changes: Iterable[Change]) -> dict[int, bytes | None]:
    """The changed objects as they were before, by number; None for one that did not exist."""
    older: dict[int, bytes | None] = {}
    for change in changes:
        # Each change contains the earlier version, so the oldest change counts. A change of a link,
        # which has a target, does not change the object.
        if change.target is None and change.seq not in older:
            was_there = change.what not in {"created", "restored"}
            older[change.seq] = change.before if was_there else None
    return older


def find_position(kind: str, order: str, seq: int, doc: bytes) -> Position:
    """
    The position of an object in an order, even if it does not exist any more.

    The order is one of the store, or the name of a property with a time. An object without a time
    comes before all others, as null does in OData.
    """
    record = _decode(doc)
    if order not in INDEXED_ORDERS:
        # With its `Z`, a whole second would come behind its own fractions.
        return Position(str(record.get(order) or "").removesuffix("Z"), seq)
    row = render(kind, record)
    return Position({"seq": None, "name": row.name, "key": row.key}[order], seq)


def _is_within(span: Span, after: Position | None, position: Position) -> bool:
    value = position.value or ""
    if (span.low is not None and value < span.low) or (span.high is not None and value > span.high):
        return False
    if after is None:
        return True
    here, there = rank(position), rank(after)
    return here < there if span.descending else here > there


def rank(position: Position) -> tuple[str, int]:
    """What positions of one order are compared by."""
    return (position.value or "", position.seq)
