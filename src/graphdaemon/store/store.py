"""Open the database in which a directory is kept, and change it run by run."""

import datetime as dt
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

import msgspec

from graphdaemon.errors import UsageError
from graphdaemon.store.change import StoreChange, write_position
from graphdaemon.store.database import Database
from graphdaemon.store.location import read_location
from graphdaemon.store.rows import Position, RunKind, StoredTenant
from graphdaemon.store.times import now_utc, stamp

_POSITION = """
SELECT link, selected, reconciled, run, checked, rows, sequence
FROM links WHERE tenant = :tenant AND collection = :collection"""
_LAST_RUN = """
SELECT max(at) FROM runs WHERE tenant = :tenant AND collection = :collection"""
_TENANT = "SELECT number, name FROM tenants WHERE id = :id"
_TENANTS = "SELECT number, id, name FROM tenants ORDER BY number"
_ENTER = "INSERT INTO tenants (id, name) VALUES (:id, :name) ON CONFLICT (id) DO NOTHING"
_RENAME = "UPDATE tenants SET name = :name WHERE id = :id"


def open_store(
    url: str, *, create: bool = True, now: Callable[[], dt.datetime] = now_utc
) -> "Store":
    """
    Open a store, and update its tables to the version of this program.

    Args:
        url: `sqlite:PATH` or `postgresql://USER@HOST:PORT/DATABASE`.
        create: Whether to create the store if it does not exist.
        now: Returns the time in UTC.

    Raises:
        StoreError: The store does not exist, or cannot be used; code and hint say why.
        UsageError: The store is in PostgreSQL, and psycopg is not installed.
    """
    location = read_location(url)
    if location.url is not None:
        return Store(_load_postgres()(location.url, location.shown, create=create), now=now)
    from graphdaemon.store.sqlite import open_sqlite

    assert location.path is not None
    return Store(open_sqlite(location.path, location.shown, create=create), now=now)


def _load_postgres() -> Callable[..., Database]:
    try:
        from graphdaemon.store.postgres import open_postgres
    except ImportError:
        raise UsageError(
            "A store in PostgreSQL needs psycopg with its libpq, which is not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[postgres]'.",
        ) from None
    return open_postgres


# Seconds to wait for the lock when several new tenants are entered at once; each insert is short.
_ENTERING_S = 5.0


class Store:
    """
    An open store; one thread at a time may use it.

    Attributes:
        shown: Its URL without a password.
        database: The database connection, for the modules that read the store.
    """

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        self.database = database
        self.shown = database.shown
        self._now = now

    def enter_tenant(self, tenant_id: str, name: str) -> int:
        """
        Return the number of a tenant in this store, which a new tenant gets now; note its name.

        Raises:
            StoreError: `store_busy`: another process is writing.
        """
        values = {"id": tenant_id.lower(), "name": name}
        rows = self.database.fetch(_TENANT, values)
        if not rows or rows[0][1] != name:
            with self.database.hold("tenants", _ENTERING_S), self.database.transaction():
                self.database.execute(_ENTER if not rows else _RENAME, values)
            rows = self.database.fetch(_TENANT, values)
        return int(rows[0][0])

    def tenants(self) -> list[StoredTenant]:
        """Return the tenants of this store, in the order in which they were entered."""
        return [
            StoredTenant(number, id_, name) for number, id_, name in self.database.fetch(_TENANTS)
        ]

    def position(self, tenant: int, collection: str) -> Position | None:
        """Return how far a collection of a tenant has been followed; None if it never was."""
        return self._read_position(tenant, collection)[0]

    def hold(
        self, tenant: int, collection: str, *, patience: float = 0.0
    ) -> AbstractContextManager[None]:
        """
        Hold the lock for syncing a collection of a tenant until the block ends.

        No other process can hold it meanwhile. In SQLite, which only one process at a time can
        write, it is a lock for all collections. It ends with the process, however that ends.

        Raises:
            StoreError: `store_busy`: another process held it for more than `patience` seconds.
        """
        return self.database.hold(f"{tenant}/{collection}", patience)

    @contextmanager
    def change(self, tenant: int, collection: str, kind: RunKind) -> Generator[StoreChange]:
        """
        Write a run in one transaction, which is committed at the end of the block.

        If the block raises, the store stays unchanged.

        Raises:
            StoreError: The run could not be written; `store_busy` if another process is writing.
        """
        with self.hold(tenant, collection), self.database.transaction():
            position, sequence = self._read_position(tenant, collection)
            last = self._read_last_run(tenant, collection)
            change = StoreChange(
                self.database,
                tenant,
                collection,
                kind,
                at=stamp(self._now(), last),
                first=last is None,
                before=position,
                sequence=sequence,
            )
            yield change
            change.finish()

    def note_check(self, tenant: int, collection: str, position: Position) -> None:
        """Note that a round of the delta brought no changes: its position, and the present time."""
        with self.database.transaction():
            before, sequence = self._read_position(tenant, collection)
            assert before is not None, "the first run of a collection is a change"
            checked = position._replace(
                run=before.run, checked=stamp(self._now(), before.checked), rows=before.rows
            )
            key: dict[str, object] = {"tenant": tenant, "collection": collection}
            write_position(self.database, key, checked, sequence)

    def close(self) -> None:
        """End the connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_position(self, tenant: int, collection: str) -> tuple[Position | None, int]:
        """Return the position and the number of the last change; None and 0 without a position."""
        key = {"tenant": tenant, "collection": collection}
        for link, selected, reconciled, run, checked, rows, sequence in self.database.fetch(
            _POSITION, key
        ):
            names = tuple(msgspec.json.decode(selected, type=list[str]))
            return Position(link, names, reconciled, run, checked, rows), sequence
        return None, 0

    def _read_last_run(self, tenant: int, collection: str) -> str | None:
        key = {"tenant": tenant, "collection": collection}
        (last,) = self.database.fetch(_LAST_RUN, key)[0]
        return None if last is None else str(last)
