"""Read the history of a tenant in a store: records at a given time, and comparisons of times."""

import datetime as dt
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.errors import StoreError, UsageError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS, StoredCollection
from graphdaemon.store.database import Database, Record
from graphdaemon.store.history import Version, known_from, versions_of
from graphdaemon.store.rows import Ending, StoredTenant
from graphdaemon.store.sql_condition import check_condition
from graphdaemon.store.store import Store
from graphdaemon.store.times import format_time, now_utc

# The records at a time: current versions that had begun by then, and versions that ended later.
_PRESENT = """
SELECT r.tenant, r.id, r.document, f.at AS valid_from
FROM {table}_records AS r JOIN runs AS f ON f.number = r.run
WHERE r.tenant = :tenant AND f.at <= :at
UNION ALL
SELECT h.tenant, h.id, h.document, h.valid_from
FROM {table}_history AS h
WHERE h.tenant = :tenant AND h.valid_from <= :at AND h.valid_to > :at"""
# The same by the numbers of runs, and without an order: sorting all records would take long.
_RECORDS = """
SELECT r.id, r.document, f.at FROM {table}_records AS r JOIN runs AS f ON f.number = r.run
WHERE {scan}r.tenant = :tenant AND r.run <= :run
UNION ALL
SELECT id, document, valid_from FROM {table}_history
WHERE tenant = :tenant AND run > :run AND from_run <= :run"""
_LAST_RUN = """
SELECT max(number) FROM runs WHERE tenant = :tenant AND collection = :collection AND at <= :at"""
_SHARE = """
SELECT coalesce(sum(CASE WHEN tenant = :tenant THEN rows END), 0) * 4 >= coalesce(sum(rows), 0)
FROM links WHERE collection = :collection"""
_CHOSEN = """
SELECT id, stored_text, valid_from FROM (
  SELECT r.tenant, r.id, {columns}, {document} AS document, r.document AS stored_text, r.valid_from
  FROM ({present}) AS r
) AS {table} WHERE ({condition}) ORDER BY id"""
# Every changed record has a row in `changes`, so the time does not grow with the whole history.
_CHANGED_BETWEEN = """
SELECT c.id, b.document, coalesce(r.document, a.document), coalesce(f.at, a.valid_from)
FROM (
  SELECT DISTINCT id FROM changes
  WHERE tenant = :tenant AND collection = :collection AND run > :first AND run <= :last
) AS c
LEFT JOIN {table}_history AS b
  ON b.tenant = :tenant AND b.id = c.id AND b.run > :first AND b.from_run <= :first
LEFT JOIN {table}_records AS r ON r.tenant = :tenant AND r.id = c.id AND r.run <= :last
LEFT JOIN {table}_history AS a
  ON a.tenant = :tenant AND a.id = c.id AND a.run > :last AND a.from_run <= :last
LEFT JOIN runs AS f ON f.number = r.run
ORDER BY c.id"""
_LAST_END = """
SELECT valid_to, ending FROM {table}_history
WHERE tenant = :tenant AND id = :id AND valid_to <= :at ORDER BY run DESC LIMIT 1"""
_CURRENT = "SELECT document FROM {table}_records WHERE tenant = :tenant AND id = :id"
_LAST = """
SELECT document FROM {table}_history WHERE tenant = :tenant AND id = :id
ORDER BY run DESC LIMIT 1"""
# What every view has besides the properties.
_OTHER_COLUMNS = ("id", "tenant", "document", "valid_from")
_NAMES = ("displayName", "userPrincipalName", "principalDisplayName")
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class StoredRecord(NamedTuple):
    """
    A record as it was at a time.

    Attributes:
        id: Its ID; for an edge `PARENT/CHILD`.
        document: The record as JSON.
        valid_from: When the store first saw this version: RFC 3339, UTC.
    """

    id: str
    document: bytes
    valid_from: str


class Difference(NamedTuple):
    """
    A record that differs between two times.

    Attributes:
        id: Its ID.
        before: The record as JSON at the earlier time; None if it did not exist.
        after: The record as JSON at the later time; None if it did not exist.
        at: When the store saw the last change of it: RFC 3339, UTC.
        ending: How it ended; empty if it exists at the later time.
    """

    id: str
    before: bytes | None
    after: bytes | None
    at: str
    ending: Ending | Literal[""]


class TenantHistory:
    """
    The history of one tenant in a store.

    Args:
        store: The store.
        tenant: The ID or name of the tenant; needed only if the store contains several.
        now: Returns the time in UTC.

    Attributes:
        tenant: The tenant.
        shown: The store's URL without a password.

    Raises:
        UsageError: The store contains no tenant of that name, or contains several and none is
            named.
    """

    def __init__(
        self, store: Store, tenant: str | None = None, *, now: Callable[[], dt.datetime] = now_utc
    ) -> None:
        self._store = store
        self.shown = store.shown
        self._now = now
        self._database: Database = store.database
        self._names: dict[str, str] = {}
        self.tenant = _find_tenant(store, tenant)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all reads in the block see the same state of the store, whatever is synced."""
        with self._database.reading():
            # The state is that of the first query, so make one now.
            self._store.tenants()
            yield

    def collections(self) -> list[str]:
        """Return the names of the collections that the store has of the tenant."""
        rows = self._database.fetch(
            "SELECT collection FROM links WHERE tenant = :tenant", {"tenant": self.tenant.number}
        )
        kept = {name for (name,) in rows}
        return [name for name in STORED_COLLECTIONS if name in kept]

    def properties(self, collection: str) -> tuple[str, ...]:
        """Return the properties that the documents of a collection have; none if it is unknown."""
        if STORED_COLLECTIONS[collection].is_edge:
            return tuple(column.name for column in STORED_COLLECTIONS[collection].columns)
        rows = self._database.fetch(
            "SELECT selected FROM links WHERE tenant = :tenant AND collection = :collection",
            {"tenant": self.tenant.number, "collection": collection},
        )
        names = (name for (text,) in rows for name in msgspec.json.decode(text, type=list[str]))
        return tuple(names)

    def known_from(self, collection: str) -> str:
        """
        Return the time since which the store has all versions of a collection (RFC 3339, UTC).

        Raises:
            UsageError: The store does not have this collection of the tenant.
        """
        time = known_from(self._store, self.tenant.number, collection)
        if time is None:
            kept = ", ".join(self.collections()) or "nothing yet"
            raise UsageError(
                f"the store {self._store.shown} does not contain {collection} of "
                f"{self.tenant.name}",
                code="option_invalid",
                hint=f"It contains {kept}. To add other collections, run graphdaemon sync.",
            )
        return time

    def checked(self, collection: str) -> str:
        """Return when a collection was last known to be in step (RFC 3339, UTC); empty if never."""
        position = self._store.position(self.tenant.number, collection)
        return position.checked if position is not None else ""

    def check_time(self, collection: str, time: str, *, option: str) -> None:
        """
        Check that the store has the state of a collection at a time.

        Args:
            collection: The collection.
            time: The time, as the store writes it.
            option: The option that names the time, for the error.

        Raises:
            UsageError: The time is in the future, or before the history of the collection.
        """
        begin = self.known_from(collection)
        if time > format_time(self._now()):
            raise UsageError(
                f"{option} {_show(time)} is in the future",
                code="option_invalid",
                hint=f"Leave out {option} to see the current state.",
            )
        if time < begin:
            raise UsageError(
                f"{option} {_show(time)}: the store contains {collection} only since "
                f"{_show(begin)}",
                code="option_invalid",
                hint="Give this time or a later one.",
            )

    def records(
        self, collection: str, at: str, condition: str | None = None
    ) -> Generator[list[StoredRecord]]:
        """
        Yield the records of a collection at the time `at`, in batches of some thousand.

        With a condition they are ordered by ID; otherwise their order is not defined.

        Args:
            collection: The collection.
            at: The time, as the store writes it.
            condition: What follows `WHERE` in SQL, of the columns of the collection's view.

        Raises:
            UsageError: The condition is not valid, or the database refuses it.
        """
        row = STORED_COLLECTIONS[collection]
        if condition is None:
            walk = self._read_all(row, at)
        else:
            named = (*(column.name.lower() for column in row.columns), *_OTHER_COLUMNS, row.table)
            walk = self._choose(row, check_condition(condition, named), at)
        for rows in walk:
            yield [StoredRecord(id_, document.encode(), since) for id_, document, since in rows]

    def _read_all(self, row: StoredCollection, at: str) -> Generator[list[Record]]:
        key = {"tenant": self.tenant.number, "collection": row.name, "at": at}
        run = self._last_run(row.name, at)
        ((is_most,),) = self._database.fetch(_SHARE, key)
        scan = self._database.dialect.scan if is_most else ""
        sql = _RECORDS.format(table=row.table, scan=scan)
        return self._database.walk(sql, key | {"run": run})

    def differences(self, collection: str, since: str, at: str) -> Iterator[Difference]:
        """Yield the records that differ between the times `since` and `at`, ordered by ID."""
        table = STORED_COLLECTIONS[collection].table
        values = {
            "tenant": self.tenant.number,
            "collection": collection,
            "first": self._last_run(collection, since),
            "last": self._last_run(collection, at),
        }
        for rows in self._database.walk(_CHANGED_BETWEEN.format(table=table), values):
            for id_, before, after, begin in rows:
                was = None if before is None else before.encode()
                if after is not None and after != before:
                    yield Difference(id_, was, after.encode(), begin, "")
                elif after is None and before is not None:
                    end, ending = self._last_end(table, id_, at)
                    yield Difference(id_, was, None, end, ending)

    def versions(self, id_: str) -> list[Version]:
        """Return all versions of the record with an ID, and of the edges that contain this ID."""
        return [one for one in versions_of(self._store, id_) if one.tenant == self.tenant.number]

    def name(self, id_: str) -> str:
        """Return the name of the object with this ID, or the names of an edge's ends; may be ""."""
        parent, slash, child = id_.partition("/")
        if slash:
            return f"{self.name(parent) or parent}: {self.name(child) or child}"
        if id_ not in self._names:
            self._names[id_] = next(filter(None, map(name_of, self._documents(id_))), "")
        return self._names[id_]

    def _documents(self, id_: str) -> Iterator[bytes]:
        """Yield the last documents of an object in all collections, current ones first."""
        values = {"tenant": self.tenant.number, "id": id_}
        for row in STORED_COLLECTIONS.values():
            for sql in () if row.is_edge else (_CURRENT, _LAST):
                for (document,) in self._database.fetch(sql.format(table=row.table), values):
                    yield document.encode()

    def _last_run(self, collection: str, at: str) -> int:
        """Return the number of the last run up to a time; 0 if there was none."""
        key = {"tenant": self.tenant.number, "collection": collection, "at": at}
        ((run,),) = self._database.fetch(_LAST_RUN, key)
        return run or 0

    def _last_end(self, table: str, id_: str, at: str) -> tuple[str, Ending]:
        values = {"tenant": self.tenant.number, "id": id_, "at": at}
        end, ending = self._database.fetch(_LAST_END.format(table=table), values)[0]
        return end, ending

    def _choose(self, row: StoredCollection, condition: str, at: str) -> Generator[list[Record]]:
        """Yield the rows of the records that a condition of the user's selects."""
        dialect = self._database.dialect
        columns = (f'{dialect.extract(column)} AS "{column.name}"' for column in row.columns)
        # The values are put into the text, because the condition may contain `:at` or `:tenant`.
        present = _PRESENT.format(table=row.table)
        sql = _CHOSEN.format(
            columns=", ".join(columns),
            document=dialect.document,
            present=present.replace(":tenant", str(self.tenant.number)).replace(":at", f"'{at}'"),
            table=row.table,
            condition=condition,
        )
        try:
            yield from self._database.walk(sql)
        except StoreError as error:
            if error.code not in {"store_failed", "store_unreadable"}:
                raise
            # Only the message of the database: here the statement is the user's.
            reason = str(error.__context__ or error).partition("\n")[0]
            raise UsageError(
                f"--where {condition}: {reason}",
                code="query_invalid",
                hint="Write an SQL condition with the properties as columns, such as "
                '"accountEnabled" = true (1 in SQLite) and "department" LIKE \'Sales%\'.',
            ) from None


def name_of(document: bytes) -> str:
    """Return the display name, or another name, of the object of a document; empty if none."""
    members = read_members(document)
    named = (read_value(members.get(name)) for name in _NAMES)
    return next((name for name in named if isinstance(name, str) and name), "")


def read_members(document: bytes) -> dict[str, msgspec.Raw]:
    """Return the properties of a document by name, each as JSON."""
    return _decode_members(document)


def read_value(raw: msgspec.Raw | None) -> Any:
    """Return the decoded value of a property; None if it is absent."""
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError:
        # A number that is too large for Python stays a text.
        return bytes(raw or b"").decode()


def _find_tenant(store: Store, named: str | None) -> StoredTenant:
    tenants = store.tenants()
    chosen = [
        tenant
        for tenant in tenants
        if named is None or named.casefold() in (tenant.id, tenant.name.casefold())
    ]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(
        tenant.id if tenant.name == tenant.id else f"{tenant.id} ({tenant.name})"
        for tenant in (chosen or tenants)[:10]
    )
    if not tenants:
        problem, hint = "is empty", "Run graphdaemon sync first."
    elif chosen:
        problem, hint = f"contains {len(chosen)} tenants", f"Name one with --tenant: {known}."
    else:
        problem, hint = f"does not contain a tenant {named}", f"It contains {known}."
    raise UsageError(f"the store {store.shown} {problem}", code="option_invalid", hint=hint)


def _show(time: str) -> str:
    """Return a time without trailing zeros: no fraction or seconds if these are zero."""
    return f"{time[:-1].rstrip('0').rstrip('.').removesuffix(':00')}Z"
