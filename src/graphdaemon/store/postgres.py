"""A store in PostgreSQL; only this module uses the package psycopg, an extra."""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from graphdaemon.errors import StoreError
from graphdaemon.settings.setting import Secret
from graphdaemon.store.database import NO_VALUES, Record, Values
from graphdaemon.store.dialect import POSTGRES
from graphdaemon.store.postgres_failures import (
    MEANINGS,
    explain_gone,
    explain_missing,
    explain_refused,
)
from graphdaemon.store.schema import TABLE, list_names, prepare

# Seconds that connecting may take, unless the URL says otherwise.
_CONNECT_S = 10
_BATCH = 2_000
_MERGE = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM {incoming} WHERE true
ON CONFLICT ({key}) DO UPDATE SET {changes}"""
# A lock applies to the whole database, and a store to a schema, so the schema is part of its name.
_LOCK = "hashtextextended('graphdaemon/' || current_schema() || '/' || :name, 0)"
# Words in the message of a server that refuses a user (auth.c of PostgreSQL), if it is in English.
_LOGIN_SIGNS = ("authentication", "pg_hba.conf", "role", "permission", "password")
# Cursors are read to the end, so the planner should not optimise for the first rows. All other
# statements join a batch of a few thousand rows, for which the server has no statistics; if it
# expected many, it would join them by reading the whole table.
_PLANNING = """
SET cursor_tuple_fraction = 1; SET jit = off;
SET enable_hashjoin = off; SET enable_mergejoin = off"""
# The name of a value, such as `:id`; a cast, such as `::json`, is not one.
_NAME = re.compile(r"(?<![:\w]):([a-z_]+)")


def open_postgres(url: Secret, shown: str, *, create: bool) -> "PostgresDatabase":
    """
    Connect to the database at a URL, and create the tables that are missing.

    Args:
        url: The URL of the database, perhaps with a password.
        shown: The URL without a password, for errors.
        create: Whether to create the store if it does not exist.

    Raises:
        StoreError: The URL is not valid, the database cannot be reached or does not contain a
            store, or its tables belong to another program.
    """
    database = PostgresDatabase(url, shown)
    try:
        database.prepare(create=create)
    except BaseException:
        database.close()
        raise
    return database


class PostgresDatabase:
    """A connection to a PostgreSQL server; the methods are those of `Database`."""

    dialect = POSTGRES

    def __init__(self, url: Secret, shown: str) -> None:
        self.shown = shown
        self._url = url
        self._numbers = count(1)
        self._blocks = 0
        self._connection = self._connect()

    def prepare(self, *, create: bool) -> None:
        """Update the tables to the version of this program; create them only with `create`."""
        if not self.holds_store():
            self._refuse_strangers()
            if not create:
                raise StoreError(
                    f"There is no store in {self.shown}",
                    code="store_missing",
                    hint="Name the store that was synced, or create one with graphdaemon sync.",
                )
        prepare(self)

    def holds_store(self) -> bool:
        """Return whether the schema contains the tables of a store."""
        return self.fetch("SELECT to_regclass(:name) IS NOT NULL", {"name": TABLE}) == [(True,)]

    def execute(self, sql: str, values: Values = NO_VALUES, /) -> int:
        """Execute a statement, and return how many rows it changed."""
        with self._explaining():
            return self._live().execute(*_translate(sql, values)).rowcount

    def fetch(self, sql: str, values: Values = NO_VALUES, /) -> list[Record]:
        """Return all rows of a query."""
        with self._explaining():
            return self._live().execute(*_translate(sql, values)).fetchall()

    def walk(self, sql: str, values: Values = NO_VALUES, /) -> Generator[list[Record]]:
        """Yield the rows of a query within a transaction, some thousand at a time."""
        with self._explaining():
            self._connection.execute("SET LOCAL enable_hashjoin = on")
        cursor = self._connection.cursor(name=f"walk{next(self._numbers)}")
        try:
            with self._explaining():
                cursor.execute(*_translate(sql, values))
                self._connection.execute("SET LOCAL enable_hashjoin = off")
            while True:
                with self._explaining():
                    rows = cursor.fetchmany(_BATCH)
                if not rows:
                    return
                yield rows
        finally:
            # The cursor ends with its transaction, and cannot be closed if that has failed.
            with suppress(psycopg.Error):
                cursor.close()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Record]) -> None:
        """Add rows to a table."""
        with self._explaining(), self._connection.cursor() as cursor:
            sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            with cursor.copy(sql) as copy:
                copy.write("".join(map(_write_line, rows)).encode())

    def upsert(
        self, table: str, key: Sequence[str], others: Sequence[str], rows: Sequence[Record]
    ) -> None:
        """Add rows; a row that is there already with a key is replaced."""
        incoming = f"incoming_{table}"
        self.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {incoming} (LIKE {table})")
        columns = (*key, *others)
        self.insert(incoming, columns, rows)
        sql = _MERGE.format(
            table=table,
            incoming=incoming,
            columns=", ".join(columns),
            key=", ".join(key),
            changes=", ".join(f"{name} = excluded.{name}" for name in others),
        )
        self.execute(sql)
        self.execute(f"TRUNCATE {incoming}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the block; undo everything if the block raises."""
        self.execute("BEGIN")
        with self._block():
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all queries in the block see the same state."""
        if self._live().info.transaction_status != TransactionStatus.IDLE:
            yield
            return
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with self._block():
            try:
                yield
            finally:
                self._rollback()

    @contextmanager
    def hold(self, name: str, patience: float) -> Iterator[None]:
        """Hold the lock `name` of this schema until the block ends."""
        lock = {"name": name, "patience": f"{max(1, round(patience * 1000))}ms"}
        self.execute("SELECT set_config('lock_timeout', :patience, false)", lock)
        with self._block():
            try:
                self.execute(f"SELECT pg_advisory_lock({_LOCK})", lock)
            finally:
                with suppress(StoreError):
                    self.execute("SET lock_timeout = 0")
            try:
                yield
            finally:
                # If the connection is lost, the server has released the lock.
                with suppress(StoreError):
                    self.execute(f"SELECT pg_advisory_unlock({_LOCK})", lock)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _connect(self) -> psycopg.Connection[Record]:
        options = _read_options(self._url)
        with self._explaining():
            connection = psycopg.connect(**options, autocommit=True)
            connection.execute(_PLANNING)
        return connection

    def _live(self) -> psycopg.Connection[Record]:
        """Return the connection; connect again if it was lost, unless a block is using it."""
        if self._connection.closed and not self._blocks:
            self._connection = self._connect()
        return self._connection

    @contextmanager
    def _block(self) -> Iterator[None]:
        self._blocks += 1
        try:
            yield
        finally:
            self._blocks -= 1

    def _rollback(self) -> None:
        # If the connection is lost, the server rolls its transaction back by itself.
        with suppress(StoreError):
            self.execute("ROLLBACK")

    def _refuse_strangers(self) -> None:
        """Check that no table of another program has a name that the store needs."""
        names = [name for name in list_names() if self._has_relation(name)]
        # Another process may have created the store meanwhile.
        if names and not self.holds_store():
            raise StoreError(
                f"{self.shown} has a table {names[0]} that graphdaemon did not create",
                code="store_unreadable",
                hint="Use another database, or a schema of its own: add "
                "?options=-csearch_path%3Dgraphdaemon to the end of the URL.",
            )
        (encoding,) = self.fetch("SHOW server_encoding")[0]
        if encoding != "UTF8":
            raise StoreError(
                f"{self.shown} is a database with the encoding {encoding}, which lacks characters "
                "that names may contain",
                code="store_unreadable",
                hint="Create one with CREATE DATABASE NAME ENCODING 'UTF8' TEMPLATE template0.",
            )

    def _has_relation(self, name: str) -> bool:
        sql = (
            "SELECT 1 FROM pg_class WHERE relname = :name "
            "AND relnamespace = current_schema()::regnamespace"
        )
        return bool(self.fetch(sql, {"name": name}))

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            # The exception contains the options of the connection, and so the password.
            raise _explain(error, self.shown) from None


def _read_options(url: Secret) -> dict[str, Any]:
    try:
        options = conninfo_to_dict(url.reveal())
    except psycopg.Error:
        # Its message may contain a part of the password.
        raise StoreError(
            "PostgreSQL cannot read the URL of the store",
            code="store_url_invalid",
            hint="Write postgresql://USER@HOST:5432/DATABASE. In a password, write %40 for @.",
        ) from None
    return {"connect_timeout": _CONNECT_S, "application_name": "graphdaemon", **options}


@cache
def _translate_names(sql: str) -> str:
    return _NAME.sub(r"%(\1)s", sql)


def _translate(sql: str, values: Values) -> tuple[str, Values | None]:
    """Write the names of values in psycopg's form; a statement without values stays unchanged."""
    if not values:
        return sql, None
    return _translate_names(sql), values


def _write_line(row: Record) -> str:
    r"""
    Return a row as a line for COPY.

    The values are separated by tabs, and `\N` stands for null ("COPY", "Text Format",
    postgresql.org).
    """
    return "\t".join(map(_write_value, row)) + "\n"


def _write_value(value: object) -> str:
    if value is None:
        return r"\N"
    text = str(value).replace("\\", "\\\\")
    return text.replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def _explain(error: psycopg.Error, shown: str) -> StoreError:
    """Return the error for an exception of PostgreSQL, by its SQLSTATE (Appendix A)."""
    state = error.sqlstate or ""
    words = error.diag.message_primary or _first_line(error)
    for beginning, make in MEANINGS.items():
        if state.startswith(beginning):
            return make(shown, words)
    if isinstance(error, psycopg.OperationalError) and not state:
        return _explain_connecting(shown, words)
    return StoreError(
        f"PostgreSQL refused a request for the store {shown}: {words}",
        code="store_failed",
        hint="Look into the log of the server, which contains the statement.",
    )


def _explain_connecting(shown: str, words: str) -> StoreError:
    """Return the error for a failed connection, which libpq describes only in a message."""
    _, fatal, reason = words.partition("FATAL:")
    if fatal and "database" in reason and "does not exist" in reason:
        return explain_missing(shown, reason.strip())
    if fatal and any(sign in reason for sign in _LOGIN_SIGNS):
        return explain_refused(shown, reason.strip())
    return explain_gone(shown, words)


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
