"""Update the tables of a database to the version of this program; refuse newer ones."""

from collections.abc import Iterator

from graphdaemon.errors import StoreError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.database import Database
from graphdaemon.store.migrations import MIGRATIONS, VERSION
from graphdaemon.store.views import digest_views, list_views

TABLE = "graphdaemon"
"""The table by which a store is recognised; it contains the version of all tables."""

# Seconds to wait while another process updates the tables.
_PATIENCE = 5.0


def prepare(database: Database) -> None:
    """
    Create the tables and views that are missing; if none are, nothing is written.

    Raises:
        StoreError: The tables are those of a newer program, or the database cannot be written.
    """
    digest = digest_views(database.dialect)
    if _read_version(database) == (VERSION, digest):
        return
    with database.hold("tables", _PATIENCE), database.transaction():
        # Another process may have updated them meanwhile.
        version, _ = _read_version(database)
        # A table cannot be changed while a view uses it.
        for name, _ in list_views(database.dialect):
            database.execute(f"DROP VIEW IF EXISTS {name}")
        for number in range(version, VERSION):
            for statement in _list_statements(number):
                database.execute(statement.format(**database.dialect.words))
        for _, statement in list_views(database.dialect):
            database.execute(statement)
        database.execute("DELETE FROM graphdaemon")
        database.execute(
            "INSERT INTO graphdaemon (version, views) VALUES (:version, :views)",
            {"version": VERSION, "views": digest},
        )


def list_names() -> Iterator[str]:
    """Yield the names of a store's tables and views, apart from `TABLE`."""
    yield from ("tenants", "runs", "links", "changes", "feeds", "leases", "credentials")
    for collection in STORED_COLLECTIONS.values():
        yield from (
            collection.table,
            f"{collection.table}_records",
            f"{collection.table}_history",
        )


def _read_version(database: Database) -> tuple[int, str]:
    """Return the version of the tables and the digest of the views; 0 and "" without a store."""
    if not database.holds_store():
        return 0, ""
    version, views = database.fetch("SELECT version, views FROM graphdaemon")[0]
    if version > VERSION:
        raise StoreError(
            f"{database.shown} was written by a newer graphdaemon (its tables have version "
            f"{version}; this program supports {VERSION})",
            code="store_newer",
            hint="Run pip install --upgrade graphdaemon, or name another store.",
        )
    return version, views


def _list_statements(number: int) -> Iterator[str]:
    """Yield the statements of a migration, in which the words in braces are still there."""
    yield from MIGRATIONS[number].once
    for at, migration in enumerate(MIGRATIONS[: number + 1]):
        # Older collections get only the new statements; new ones get those of all versions.
        since = number if at < number else 0
        for table in migration.tables:
            for earlier in MIGRATIONS[since : number + 1]:
                yield from (one.replace("{table}", table) for one in earlier.each)
