"""Delete the versions and changes in a store that are older than the retention time."""

from typing import NamedTuple

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.store import Store

_FOLLOWED = "SELECT collection FROM links WHERE tenant = :tenant ORDER BY collection"
# Changes that a feed has not delivered yet are kept, with the versions that it will show.
_LAST_RUN = """
SELECT number, at FROM runs AS f WHERE tenant = :tenant AND collection = :collection
  AND at <= :before AND NOT EXISTS (
    SELECT 1 FROM changes AS c JOIN feeds AS d
    ON d.tenant = c.tenant AND d.collection = c.collection AND c.sequence > d.sequence
    WHERE c.tenant = :tenant AND c.collection = :collection AND c.run <= f.number
  )
ORDER BY number DESC LIMIT 1"""
_FORGET_VERSIONS = "DELETE FROM {table}_history WHERE tenant = :tenant AND run <= :run"
_FORGET_CHANGES = """
DELETE FROM changes WHERE tenant = :tenant AND collection = :collection AND run <= :run"""
_NOTE = """
UPDATE links SET pruned = :at
WHERE tenant = :tenant AND collection = :collection AND pruned < :at"""


class Pruned(NamedTuple):
    """
    How much was deleted.

    Attributes:
        versions: How many ended versions.
        changes: How many changes.
    """

    versions: int
    changes: int


def prune(store: Store, tenant: int, before: str) -> Pruned:
    """
    Delete the versions of a tenant that ended, and the changes that were seen, up to a time.

    Current records are kept, and so is what a feed has not delivered yet. The file of SQLite does
    not shrink; its free space is used again. Each collection is pruned in a transaction of its own.

    Args:
        store: The store.
        tenant: The tenant's number.
        before: The time: RFC 3339, UTC, with microseconds.

    Raises:
        StoreError: The store cannot be written.
    """
    versions = changes = 0
    for (collection,) in store.database.fetch(_FOLLOWED, {"tenant": tenant}):
        pruned = _prune_collection(store, tenant, collection, before)
        versions += pruned.versions
        changes += pruned.changes
    return Pruned(versions, changes)


def _prune_collection(store: Store, tenant: int, collection: str, before: str) -> Pruned:
    database = store.database
    key: dict[str, object] = {"tenant": tenant, "collection": collection}
    with store.hold(tenant, collection), database.transaction():
        rows = database.fetch(_LAST_RUN, key | {"before": before})
        if not rows:
            return Pruned(0, 0)
        key |= {"run": rows[0][0], "at": rows[0][1]}
        sql = _FORGET_VERSIONS.format(table=STORED_COLLECTIONS[collection].table)
        pruned = Pruned(database.execute(sql, key), database.execute(_FORGET_CHANGES, key))
        if any(pruned):
            database.execute(_NOTE, key)
        return pruned
