"""Bring a database to the version of this program, and refuse one of a newer program."""

from collections.abc import Iterator

from graphdaemon.errors import StoreError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.database import Database
from graphdaemon.store.migrations import MIGRATIONS, VERSION
from graphdaemon.store.views import digest_views, list_views

TABLE = "graphdaemon"
"""The table by which a store is known; it has the version of all the others."""

# How long another process may be at the same work, in seconds.
_PATIENCE = 5.0


def prepare(database: Database) -> None:
    """
    Make the tables and views that are missing; nothing is written where none are.

    Raises:
        StoreError: It is of a newer version, or cannot be written.
    """
    digest = digest_views(database.dialect)
    if _read_version(database) == (VERSION, digest):
        return
    with database.hold("tables", _PATIENCE), database.transaction():
        # Another process may have done it meanwhile.
        version, _ = _read_version(database)
        # A table cannot be changed below a view.
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
    """Return the version of the tables, and the digest of the views: 0 where there are none."""
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
    """Yield the statements of a migration, with the words that differ between databases."""
    yield from MIGRATIONS[number].once
    for at, migration in enumerate(MIGRATIONS[: number + 1]):
        # A table that is there already only gets what is new; a table that is new gets it all.
        since = number if at < number else 0
        for table in migration.tables:
            for earlier in MIGRATIONS[since : number + 1]:
                yield from (one.replace("{table}", table) for one in earlier.each)
