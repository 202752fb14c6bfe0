"""Search the objects in a store by ID or name, ended ones included."""

import re
from typing import NamedTuple

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, Column, StoredCollection
from graphdaemon.store.database import Record
from graphdaemon.store.store import Store
from graphdaemon.store.tenant_history import name_of

_NAMES = ("displayName", "userPrincipalName", "mail")
_CURRENT = """
SELECT r.id, r.document FROM {table}_records AS r
WHERE r.tenant = :tenant AND ({condition}) ORDER BY r.id LIMIT :most"""
_GONE = """
SELECT r.id, max(r.document) FROM {table}_history AS r
WHERE r.tenant = :tenant AND ({condition})
  AND NOT EXISTS (SELECT 1 FROM {table}_records AS c WHERE c.tenant = :tenant AND c.id = r.id)
GROUP BY r.id ORDER BY r.id LIMIT :most"""


class ObjectMatch(NamedTuple):
    """
    An object that matches a search.

    Attributes:
        collection: The collection of the object.
        id: Its ID.
        name: Its display name, or another name; empty if it has none.
        is_current: Whether it exists now.
    """

    collection: str
    id: str
    name: str
    is_current: bool


def find_objects(store: Store, tenant: int, text: str, most: int) -> list[ObjectMatch]:
    """
    Return the objects of a tenant whose ID is `text`, or one of whose names contains it.

    The case of ASCII letters does not matter. Current objects come first.

    Args:
        store: The store.
        tenant: The tenant's number.
        text: The text to search for.
        most: The most objects to return.
    """
    matches: list[ObjectMatch] = []
    for is_current, sql in ((True, _CURRENT), (False, _GONE)):
        for row in STORED_COLLECTIONS.values():
            if not row.is_edge and len(matches) < most:
                rows = _search(store, row, sql, {"tenant": tenant, "text": text, "most": most})
                matches += [
                    ObjectMatch(row.name, id_, name_of(document.encode()), is_current)
                    for id_, document in rows
                ]
    return matches[:most]


def _search(
    store: Store, row: StoredCollection, sql: str, values: dict[str, object]
) -> list[Record]:
    named = [column for column in row.columns if column.name in _NAMES]
    condition = " OR ".join(["r.id = :text", *(_contains(store, column) for column in named)])
    escaped = re.sub(r"([\\%_])", r"\\\1", str(values["text"]))
    pattern = {"pattern": f"%{escaped}%"}
    return store.database.fetch(sql.format(table=row.table, condition=condition), values | pattern)


def _contains(store: Store, column: Column) -> str:
    return f"lower({store.database.dialect.extract(column)}) LIKE lower(:pattern) ESCAPE '\\'"
