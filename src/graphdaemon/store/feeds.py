"""Keep how far each change feed was delivered, so that the store keeps what was not."""

from graphdaemon.store.store import Store

_READ = """
SELECT sequence FROM feeds
WHERE name = :name AND tenant = :tenant AND collection = :collection"""
_MOVE = """
INSERT INTO feeds (name, tenant, collection, sequence)
VALUES (:name, :tenant, :collection, :sequence)
ON CONFLICT (name, tenant, collection) DO UPDATE SET sequence = excluded.sequence"""


def read_feed(store: Store, name: str, tenant: int, collection: str) -> int:
    """Return the number of the last change that a feed has delivered; 0 for a new feed."""
    values = {"name": name, "tenant": tenant, "collection": collection}
    rows = store.database.fetch(_READ, values)
    return int(rows[0][0]) if rows else 0


def move_feed(store: Store, name: str, tenant: int, collection: str, sequence: int) -> None:
    """Note that a feed has delivered every change up to the one numbered `sequence`."""
    values = {"name": name, "tenant": tenant, "collection": collection, "sequence": sequence}
    with store.database.transaction():
        store.database.execute(_MOVE, values)
