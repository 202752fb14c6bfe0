"""Read the state of the collections that no daemon keeps in step, but that the command synced."""

from graphdaemon.store.leases import Lease
from graphdaemon.store.store import Store

_READ = """
SELECT t.id, t.name, t.number, k.collection, k.rows, k.checked, k.reconciled, k.run,
  k.link IS NOT NULL
FROM links AS k JOIN tenants AS t ON t.number = k.tenant
WHERE NOT EXISTS (
  SELECT 1 FROM leases AS l WHERE l.number = k.tenant AND l.collection = k.collection
) ORDER BY t.name, t.number, k.collection"""


def read_positions(store: Store) -> list[Lease]:
    """Return the state of each such collection, as a lease that no process holds."""
    return [
        Lease(
            tenant=id_,
            collection=collection,
            name=name,
            number=number,
            every=0,
            due="",
            planned="",
            holder="",
            until="",
            succeeded="",
            failures=0,
            failed="",
            left_out=False,
            error=None,
            rows=rows,
            checked=checked,
            reconciled=reconciled,
            run=run,
            has_link=bool(has_link),
        )
        for id_, name, number, collection, rows, checked, reconciled, run, has_link in (
            store.database.fetch(_READ)
        )
    ]
