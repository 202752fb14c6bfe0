"""
What changed in a store between two of its runs, which is the same whenever it is asked for.

A run commits once, and what ended goes into the history with the number of the run. So the state
after a run can be told at any later time, as long as its versions are remembered.
"""

from collections.abc import Generator
from typing import Literal, NamedTuple, cast

from graphdaemon.errors import StoreLateError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.current import knows_changes_after
from graphdaemon.store.store import Store

RecordState = Literal["present", "removed", "deleted", "absent"]
"""
What a record is after a run.

`removed`: it is in the recycle bin, from where it can come back. `deleted`: it is gone for good.
`absent`: a complete listing did not show it.
"""

_ALL = """
SELECT r.id, r.document, '' FROM {table}_records AS r
WHERE r.tenant = :tenant AND r.run <= :last
UNION ALL
SELECT h.id, h.document, '' FROM {table}_history AS h
WHERE h.tenant = :tenant AND h.from_run <= :last AND h.run > :last
ORDER BY 1"""
# Of an ID that changed there is one version after the run, or the ending of the last one before.
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
        state: Whether it is there.
        document: Its JSON; None where it is not there.
    """

    id: str
    state: RecordState
    document: bytes | None


def records_between(
    store: Store, tenant: int, collection: str, first: int, last: int
) -> Generator[list[RecordAfterRun]]:
    """
    Yield each record that changed after run `first`, as it is after run `last`, in order of the ID.

    Args:
        store: The store.
        tenant: The tenant's number.
        collection: The collection.
        first: The number of a run; 0 yields all records that are there after `last`.
        last: The number of a later run.

    Raises:
        StoreLateError: The store has forgotten versions that would have to be told.
    """
    if not knows_changes_after(store, tenant, collection, first or last):
        raise StoreLateError(
            f"the store has forgotten what {collection} was after run {first or last}",
            code="store_late",
            hint="Begin a new stream, with a new checkpoint, and let the store remember for longer "
            "than a stream may stand still (retention).",
        )
    sql = (_CHANGED if first else _ALL).format(table=STORED_COLLECTIONS[collection].table)
    values = {"tenant": tenant, "collection": collection, "first": first, "last": last}
    # SQLite takes no name that the statement does not have.
    named = {name: value for name, value in values.items() if f":{name}" in sql}
    with store.database.reading():
        for rows in store.database.walk(sql, named):
            yield [_make(*row) for row in rows]


def _make(id_: str, document: str | None, ending: str | None) -> RecordAfterRun:
    if document is not None:
        return RecordAfterRun(id_, "present", document.encode())
    return RecordAfterRun(id_, cast("RecordState", ending), None)
