"""What the store needs of a database; `sqlite.py` and `postgres.py` are the two that there are."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from graphdaemon.store.dialect import Dialect

Values = Mapping[str, object]
Record = tuple[Any, ...]
NO_VALUES: Values = {}


class Database(Protocol):
    """
    One connection, used by one thread at a time.

    Statements name their values as `:name`. What the database's own package raises is raised as
    `StoreError` everywhere.
    """

    dialect: Dialect
    shown: str

    def holds_store(self) -> bool:
        """Say whether the tables of a store are there."""

    def execute(self, sql: str, values: Values = ..., /) -> int:
        """Carry out a statement; return how many rows it changed."""

    def fetch(self, sql: str, values: Values = ..., /) -> list[Record]:
        """Return all rows of a query."""

    def walk(self, sql: str, values: Values = ..., /) -> Generator[list[Record]]:
        """
        Return the rows of a query, some thousand at a time.

        What the same transaction writes meanwhile changes nothing in rows already passed.
        """

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Record]) -> None:
        """Add rows to a table, as fast as the database can."""

    def upsert(
        self, table: str, key: Sequence[str], others: Sequence[str], rows: Sequence[Record]
    ) -> None:
        """Add rows, each with a key of its own; one that has the key already is replaced."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block; leave no trace if it raises."""

    def reading(self) -> AbstractContextManager[None]:
        """Let every query in the block see the same state, whatever others commit meanwhile."""

    def hold(self, name: str, patience: float) -> AbstractContextManager[None]:
        """
        Let no other process hold `name` while the block runs.

        Raises:
            StoreError: `store_busy`: another one held it for more than `patience` seconds.
        """

    def close(self) -> None:
        """End the connection; what was not committed is lost."""
