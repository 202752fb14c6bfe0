"""Bring a database to the version of this program, and refuse one of a newer program."""

from graphdaemon.errors import StoreError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.store.database import Database
from graphdaemon.store.migrations import MIGRATIONS, VERSION, Migration
from graphdaemon.store.views import digest_views, list_views


def prepare(database: Database, version: int) -> None:
    """
    Make the tables and views that are missing; nothing is written where none are.

    Args:
        database: Where to.
        version: What it has: 0 if nothing, or what `read_version` says.

    Raises:
        StoreError: It is of a newer version, or cannot be written.
    """
    if version > VERSION:
        raise StoreError(
            f"{database.shown} was written by a newer graphdaemon (tables of version {version}; "
            f"this one knows {VERSION})",
            code="store_newer",
            hint="Run pip install --upgrade graphdaemon, or name another store.",
        )
    digest = digest_views(database.dialect)
    if version == VERSION and database.fetch("SELECT views FROM store") == [(digest,)]:
        return
    with database.transaction():
        for migration in MIGRATIONS[version:]:
            _apply(database, migration)
        _make_views(database)
        database.execute("DELETE FROM store")
        database.execute(
            "INSERT INTO store (version, views) VALUES (:version, :views)",
            {"version": VERSION, "views": digest},
        )


def read_version(database: Database) -> int:
    """Return the version of a database that has the table `store`."""
    versions = database.fetch("SELECT version FROM store")
    return int(versions[0][0]) if versions else 0


def _apply(database: Database, migration: Migration) -> None:
    words = database.dialect.words
    for statement in migration.once:
        database.execute(statement.format(**words))
    for collection in STORED_COLLECTIONS.values():
        for statement in migration.each:
            database.execute(statement.format(table=collection.table, **words))


def _make_views(database: Database) -> None:
    for name, statement in list_views(database.dialect):
        database.execute(f"DROP VIEW IF EXISTS {name}")
        database.execute(statement)
