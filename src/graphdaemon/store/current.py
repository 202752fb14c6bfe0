"""What a store holds now, of every tenant, for those who take it elsewhere."""

from collections.abc import Generator
from typing import NamedTuple

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.rows import Position
from graphdaemon.store.store import Store

_CURRENT = """
SELECT t.id, r.id, f.at, r.document FROM {table}_records AS r
JOIN tenants AS t ON t.number = r.tenant JOIN runs AS f ON f.number = r.run"""
_CHANGED = """
SELECT t.id, c.id, f.at, r.document FROM (
  SELECT DISTINCT id FROM changes
  WHERE tenant = :tenant AND collection = :collection AND run > :run
) AS c JOIN tenants AS t ON t.number = :tenant
LEFT JOIN {table}_records AS r ON r.tenant = :tenant AND r.id = c.id
LEFT JOIN runs AS f ON f.number = r.run"""
_PRUNED = """
SELECT 1 FROM links AS l JOIN runs AS f ON f.number = :run AND f.at < l.pruned
WHERE l.tenant = :tenant AND l.collection = :collection"""


class CurrentRecord(NamedTuple):
    """
    A record as it is now.

    Attributes:
        tenant_id: The tenant's ID.
        id: The record's ID.
        valid_from: From when on the store has known it like this; empty if it is gone.
        document: Its JSON; None if it is gone.
    """

    tenant_id: str
    id: str
    valid_from: str
    document: bytes | None


def list_positions(store: Store, collection: str) -> dict[int, Position]:
    """Return how far a collection was followed, by the numbers of the tenants that have it."""
    positions = {
        tenant.number: store.position(tenant.number, collection) for tenant in store.tenants()
    }
    return {number: position for number, position in positions.items() if position is not None}


def current_records(store: Store, collection: str) -> Generator[list[CurrentRecord]]:
    """Yield all records of a collection, some thousand at a time."""
    table = STORED_COLLECTIONS[collection].table
    with store.database.reading():
        for rows in store.database.walk(_CURRENT.format(table=table)):
            yield [
                CurrentRecord(tenant_id, id_, at, text.encode())
                for tenant_id, id_, at, text in rows
            ]


def changed_records(
    store: Store, tenant: int, collection: str, run: int
) -> Generator[list[CurrentRecord]]:
    """Yield each record that has changed after a run, as it is now, some thousand at a time."""
    table = STORED_COLLECTIONS[collection].table
    values = {"tenant": tenant, "collection": collection, "run": run}
    with store.database.reading():
        for rows in store.database.walk(_CHANGED.format(table=table), values):
            yield [
                CurrentRecord(tenant_id, id_, at or "", text.encode() if text else None)
                for tenant_id, id_, at, text in rows
            ]


def knows_changes_after(store: Store, tenant: int, collection: str, run: int) -> bool:
    """Say whether no change that followed a run has been forgotten."""
    values = {"tenant": tenant, "collection": collection, "run": run}
    return not store.database.fetch(_PRUNED, values)
