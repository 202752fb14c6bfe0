"""The views for queries, with a column for each property, which is read from the document."""

import hashlib
from collections.abc import Iterator

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from graphdaemon.store.dialect import Dialect

_VIEW = """\
CREATE VIEW {view} AS
SELECT r.tenant, r.id, {columns}, {document} AS document, f.at AS valid_from
FROM {view}_records AS r LEFT JOIN runs AS f ON f.number = r.run"""


def list_views(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield the name of each view, and the statement that creates it."""
    for collection in STORED_COLLECTIONS.values():
        yield collection.table, _make_view(collection, dialect)


def digest_views(dialect: Dialect) -> str:
    """Return a digest of all views, which changes whenever one of them does."""
    text = "\n".join(statement for _, statement in list_views(dialect))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make_view(collection: StoredCollection, dialect: Dialect) -> str:
    columns = ", ".join(
        f'{dialect.extract(column)} AS "{column.name}"' for column in collection.columns
    )
    return _VIEW.format(view=collection.table, columns=columns, document=dialect.document)
