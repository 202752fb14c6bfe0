"""What a store forgets: versions and changes that are older than somebody wants to know."""

from typing import NamedTuple

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.store import Store

_FOLLOWED = "SELECT collection FROM links WHERE tenant = :tenant ORDER BY collection"
# What a feed has not delivered yet is kept, with the versions that it will show.
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
    How much was forgotten.

    Attributes:
        versions: Versions that had ended.
        changes: Changes.
    """

    versions: int
    changes: int


def prune(store: Store, tenant: int, before: str) -> Pruned:
    """
    Forget the versions of a tenant that ended, and the changes that were seen, until a time.

    What is current stays, and what a feed has not delivered yet. The file of SQLite does not
    shrink: what is free is used again.

    Raises:
        StoreError: The store cannot be written; a collection is pruned or not, never in part.
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
