"""Read the versions and the changes of records that a store keeps."""

from collections.abc import Iterator
from typing import NamedTuple, cast

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.rows import ChangeKind, Ending
from graphdaemon.store.store import Store


class Version(NamedTuple):
    """
    A version of a record. Times are RFC 3339 in UTC.

    Attributes:
        tenant: The tenant's number.
        collection: The collection.
        id: The record's ID.
        valid_from: When the store first saw this version.
        valid_to: When the store saw its end; None if it is current.
        ending: How it ended; None if it is current.
        document: The record as JSON.
    """

    tenant: int
    collection: str
    id: str
    valid_from: str
    valid_to: str | None
    ending: Ending | None
    document: bytes


class RecordedChange(NamedTuple):
    """
    One change of a record.

    Attributes:
        tenant: The tenant's number.
        collection: The collection.
        sequence: The number of the change among all changes of the tenant's collection.
        id: The record's ID.
        kind: What happened.
        at: When the store saw the change: RFC 3339, UTC.
        before: The earlier version as JSON; None if there was none, or if it was pruned.
        after: The later version as JSON; None if there is none, or if it was pruned.
    """

    tenant: int
    collection: str
    sequence: int
    id: str
    kind: ChangeKind
    at: str
    before: bytes | None
    after: bytes | None


_VERSIONS = """
SELECT tenant, id, valid_from, valid_to, ending, document FROM {table}_history WHERE {past}
UNION ALL
SELECT r.tenant, r.id, f.at, NULL, NULL, r.document
FROM {table}_records AS r JOIN runs AS f ON f.number = r.run WHERE {present}
ORDER BY 1, 2, 3, 4"""
_TABLES = ("history", "records")
_OF_ID = "id = :id"
# In the order of characters, "0" follows "/", so this is the range of all IDs below the parent.
_BELOW = "id >= :id || '/' AND id < :id || '0'"
# This reads all IDs, but only from an index, which is a small part of the table.
_ABOVE = "id IN (SELECT id FROM {source} WHERE substr(id, length(id) - length(:id)) = '/' || :id)"

# Within a run, several versions of a record may begin and end. The change then leads from the first
# version that the run ended to the last one that it began.
_CHANGES = """
SELECT c.sequence, c.id, c.kind, f.at,
  CASE WHEN c.kind NOT IN ('created', 'restored') THEN (
    SELECT h.document FROM {table}_history AS h
    WHERE h.tenant = c.tenant AND h.id = c.id AND h.run = c.run ORDER BY h.valid_from LIMIT 1
  ) END,
  CASE WHEN c.kind IN ('created', 'restored', 'updated') THEN coalesce((
    SELECT r.document FROM {table}_records AS r
    WHERE r.tenant = c.tenant AND r.id = c.id AND r.run = c.run
  ), (
    SELECT h.document FROM {table}_history AS h
    WHERE h.tenant = c.tenant AND h.id = c.id AND h.from_run = c.run ORDER BY h.run DESC LIMIT 1
  )) END
FROM changes AS c JOIN runs AS f ON f.number = c.run
WHERE c.tenant = :tenant AND c.collection = :collection AND c.sequence > :sequence
ORDER BY c.sequence LIMIT :most"""
_KNOWN_FROM = """
SELECT coalesce(nullif(l.pruned, ''), min(f.at)) FROM links AS l JOIN runs AS f
ON f.tenant = l.tenant AND f.collection = l.collection
WHERE l.tenant = :tenant AND l.collection = :collection GROUP BY l.pruned"""


def versions_of(store: Store, id_: str) -> Iterator[Version]:
    """
    Yield every version of the record with an ID, in all tenants and collections.

    The edges with this ID as parent or child are included. Within a collection, the versions are
    ordered by tenant, ID and time.
    """
    for collection in STORED_COLLECTIONS.values():
        conditions = [_OF_ID, _BELOW, _ABOVE] if collection.is_edge else [_OF_ID]
        for condition in conditions:
            table = collection.table
            past, present = (condition.format(source=f"{table}_{end}") for end in _TABLES)
            sql = _VERSIONS.format(table=table, past=past, present=present)
            for tenant, key, begin, end, ending, document in store.database.fetch(sql, {"id": id_}):
                yield Version(
                    *(tenant, collection.name, key, begin, end),
                    cast("Ending | None", ending),
                    document.encode(),
                )


def changes_after(
    store: Store, tenant: int, collection: str, sequence: int, most: int = 1_000
) -> list[RecordedChange]:
    """Return the next changes of a collection, up to `most`, after the one numbered `sequence`."""
    values = {"tenant": tenant, "collection": collection, "sequence": sequence, "most": most}
    sql = _CHANGES.format(table=STORED_COLLECTIONS[collection].table)
    return [
        RecordedChange(
            *(tenant, collection, number, id_, kind, at),
            before=_encode(before),
            after=_encode(after),
        )
        for number, id_, kind, at, before, after in store.database.fetch(sql, values)
    ]


def known_from(store: Store, tenant: int, collection: str) -> str | None:
    """
    Return the time since which the store has all versions of a collection.

    It is RFC 3339 in UTC; None if the store does not have the collection.
    """
    key = {"tenant": tenant, "collection": collection}
    rows = store.database.fetch(_KNOWN_FROM, key)
    return str(rows[0][0]) if rows else None


def _encode(document: str | None) -> bytes | None:
    return None if document is None else document.encode()
