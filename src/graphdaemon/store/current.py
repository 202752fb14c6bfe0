"""Read the current records of a store, of all tenants, to export them."""

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
    The current version of a record.

    Attributes:
        tenant_id: The tenant's ID.
        id: The record's ID.
        valid_from: When the store first saw this version: RFC 3339, UTC; empty if the record has
            ended.
        document: The record as JSON; None if it has ended.
    """

    tenant_id: str
    id: str
    valid_from: str
    document: bytes | None


def list_positions(store: Store, collection: str) -> dict[int, Position]:
    """Return how far a collection has been followed, by the number of each tenant that has it."""
    positions = {
        tenant.number: store.position(tenant.number, collection) for tenant in store.tenants()
    }
    return {number: position for number, position in positions.items() if position is not None}


def current_records(store: Store, collection: str) -> Generator[list[CurrentRecord]]:
    """Yield all current records of a collection, some thousand at a time."""
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
    """Yield the current version of each record that changed after a run, in batches."""
    table = STORED_COLLECTIONS[collection].table
    values = {"tenant": tenant, "collection": collection, "run": run}
    with store.database.reading():
        for rows in store.database.walk(_CHANGED.format(table=table), values):
            yield [
                CurrentRecord(tenant_id, id_, at or "", text.encode() if text else None)
                for tenant_id, id_, at, text in rows
            ]


def knows_changes_after(store: Store, tenant: int, collection: str, run: int) -> bool:
    """Return whether the store still has all changes after the run with this number."""
    values = {"tenant": tenant, "collection": collection, "run": run}
    return not store.database.fetch(_PRUNED, values)
