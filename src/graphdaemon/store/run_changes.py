"""
Read what changed in a store between two of its runs; the result is always the same.

A run is committed once, and the versions that it ended go into the history with its number. So the
state after a run can be read at any later time, as long as its versions are kept.
"""

from collections.abc import Generator
from typing import Literal, NamedTuple, cast

from graphdaemon.errors import StoreLateError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.current import knows_changes_after
from graphdaemon.store.store import Store

RecordState = Literal["present", "removed", "deleted", "absent"]
"""
The state of a record after a run.

`present`: it exists. `removed`: it is in the recycle bin, from which it can be restored. `deleted`:
it was deleted for good. `absent`: a complete listing did not contain it.
"""

_ALL = """
SELECT r.id, r.document, '' FROM {table}_records AS r
WHERE r.tenant = :tenant AND r.run <= :last
UNION ALL
SELECT h.id, h.document, '' FROM {table}_history AS h
WHERE h.tenant = :tenant AND h.from_run <= :last AND h.run > :last
ORDER BY 1"""
# A changed ID has a version that is valid after the run, or else the ending of its last version.
_CHANGED = """
SELECT c.id, coalesce((
    SELECT r.document FROM {table}_records AS r
    WHERE r.tenant = :tenant AND r.id = c.id AND r.run <= :last
  ), (
    SELECT h.document FROM {table}_history AS h
    WHERE h.tenant = :tenant AND h.id = c.id AND h.from_run <= :last AND h.run > :last
  )), (
    SELECT h.ending FROM {table}_history AS h
    WHERE h.tenant = :tenant AND h.id = c.id AND h.run <= :last
    ORDER BY h.run DESC, h.valid_from DESC LIMIT 1
  )
FROM (
  SELECT DISTINCT id FROM changes
  WHERE tenant = :tenant AND collection = :collection AND run > :first AND run <= :last
) AS c ORDER BY 1"""


class RecordAfterRun(NamedTuple):
    """
    A record as it is after a run.

    Attributes:
        id: Its ID.
        state: Whether it exists, or how it ended.
        document: The record as JSON; None unless it is present.
    """

    id: str
    state: RecordState
    document: bytes | None


def records_between(
    store: Store, tenant: int, collection: str, first: int, last: int
) -> Generator[list[RecordAfterRun]]:
    """
    Yield each record that changed after run `first`, as it is after run `last`, ordered by ID.

    Args:
        store: The store.
        tenant: The tenant's number.
        collection: The collection.
        first: The number of a run; 0 for all records that exist after `last`.
        last: The number of a later run.

    Raises:
        StoreLateError: The store has deleted versions that would be needed.
    """
    if not knows_changes_after(store, tenant, collection, first or last):
        raise StoreLateError(
            f"the store no longer has the state of {collection} after run {first or last}",
            code="store_late",
            hint="Begin a new stream, with a new checkpoint, and set a retention that is longer "
            "than a stream may stand still.",
        )
    sql = (_CHANGED if first else _ALL).format(table=STORED_COLLECTIONS[collection].table)
    values = {"tenant": tenant, "collection": collection, "first": first, "last": last}
    # SQLite refuses a value whose name does not occur in the statement.
    named = {name: value for name, value in values.items() if f":{name}" in sql}
    with store.database.reading():
        for rows in store.database.walk(sql, named):
            yield [_make(*row) for row in rows]


def _make(id_: str, document: str | None, ending: str | None) -> RecordAfterRun:
    if document is not None:
        return RecordAfterRun(id_, "present", document.encode())
    return RecordAfterRun(id_, cast("RecordState", ending), None)
