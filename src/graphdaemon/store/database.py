"""The interface of a database to the store; `sqlite.py` and `postgres.py` implement it."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from graphdaemon.store.dialect import Dialect

Values = Mapping[str, object]
Record = tuple[Any, ...]
NO_VALUES: Values = {}


class Database(Protocol):
    """
    A connection to a database, which one thread at a time may use.

    Statements refer to their values as `:name`. Every method raises `StoreError` instead of the
    exceptions of the database's own package.

    Attributes:
        dialect: The SQL in which this database differs from the other.
        shown: The URL of the store without a password.
    """

    dialect: Dialect
    shown: str

    def holds_store(self) -> bool:
        """Return whether the database contains the tables of a store."""

    def execute(self, sql: str, values: Values = ..., /) -> int:
        """Execute a statement, and return how many rows it changed."""

    def fetch(self, sql: str, values: Values = ..., /) -> list[Record]:
        """Return all rows of a query."""

    def walk(self, sql: str, values: Values = ..., /) -> Generator[list[Record]]:
        """
        Yield the rows of a query, some thousand at a time.

        The same transaction may write meanwhile; rows that were yielded are not yielded again.
        """

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Record]) -> None:
        """Add rows to a table, as fast as the database can."""

    def upsert(
        self, table: str, key: Sequence[str], others: Sequence[str], rows: Sequence[Record]
    ) -> None:
        """Add rows with different keys; a row that is there already with a key is replaced."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block; undo everything if the block raises."""

    def reading(self) -> AbstractContextManager[None]:
        """Let all queries in the block see the same state, whatever others commit meanwhile."""

    def hold(self, name: str, patience: float) -> AbstractContextManager[None]:
        """
        Hold the lock `name`, which no other process can hold meanwhile, until the block ends.

        Raises:
            StoreError: `store_busy`: another process held it for more than `patience` seconds.
        """

    def close(self) -> None:
        """Close the connection; changes that were not committed are lost."""
