"""The history of one tenant in a store: records as they were at a given time, and comparisons."""

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

# What was at a time: the versions that are current and began by then, and those that ended later.
_PRESENT = """
SELECT r.tenant, r.id, r.document, f.at AS valid_from
FROM {table}_records AS r JOIN runs AS f ON f.number = r.run
WHERE r.tenant = :tenant AND f.at <= :at
UNION ALL
SELECT h.tenant, h.id, h.document, h.valid_from
FROM {table}_history AS h
WHERE h.tenant = :tenant AND h.valid_from <= :at AND h.valid_to > :at"""
# The same, by the runs' numbers and in no order: what reads everything need not sort it.
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
# Whoever changed has a row in `changes`; looking those up takes no longer in a longer history.
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
        id: Its ID; of an edge `PARENT/CHILD`.
        document: Its JSON.
        valid_from: When this version was seen first.
    """

    id: str
    document: bytes
    valid_from: str


class Difference(NamedTuple):
    """
    A record that is not what it was at an earlier time.

    Attributes:
        id: Its ID.
        before: Its JSON then; None if there was none.
        after: Its JSON now; None if there is none.
        at: When the last change of it was seen.
        ending: How it went, if it did.
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
        now: Tells the time, in UTC.

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
        """See one state of the store in the block, whatever is synced meanwhile."""
        with self._database.reading():
            # What is seen is the state at the first look, not at the beginning.
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
        Return from when on the store knows all of a collection.

        Raises:
            UsageError: The store has never had it.
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
        """Return when a collection was last known to be in step; empty if the store has none."""
        position = self._store.position(self.tenant.number, collection)
        return position.checked if position is not None else ""

    def check_time(self, collection: str, time: str, *, option: str) -> None:
        """
        Make sure that the store knows what was at a time.

        Raises:
            UsageError: It is in the future, or before what the store knows of the collection.
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
        Yield the records of a collection at a time, some thousand at once.

        They come in the order of IDs where there is a condition, else in no certain one.

        Args:
            collection: The collection.
            at: The time, as the store writes it.
            condition: What follows `WHERE` in SQL, of the columns of the collection's view.

        Raises:
            UsageError: The condition is none, or the database refuses it.
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
        """Yield what is otherwise at the time `at` than it was at `since`, in the order of IDs."""
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
        """Return every version of an ID and of the edges at it, those of each in their order."""
        return [one for one in versions_of(self._store, id_) if one.tenant == self.tenant.number]

    def name(self, id_: str) -> str:
        """Return what people call the object of this ID, or of both ends of an edge, or nothing."""
        parent, slash, child = id_.partition("/")
        if slash:
            return f"{self.name(parent) or parent}: {self.name(child) or child}"
        if id_ not in self._names:
            self._names[id_] = next(filter(None, map(name_of, self._documents(id_))), "")
        return self._names[id_]

    def _documents(self, id_: str) -> Iterator[bytes]:
        """Yield the last documents of an object, in whatever collection it is, the newest first."""
        values = {"tenant": self.tenant.number, "id": id_}
        for row in STORED_COLLECTIONS.values():
            for sql in () if row.is_edge else (_CURRENT, _LAST):
                for (document,) in self._database.fetch(sql.format(table=row.table), values):
                    yield document.encode()

    def _last_run(self, collection: str, at: str) -> int:
        """Return the number of the last run until a time; 0 if there was none."""
        key = {"tenant": self.tenant.number, "collection": collection, "at": at}
        ((run,),) = self._database.fetch(_LAST_RUN, key)
        return run or 0

    def _last_end(self, table: str, id_: str, at: str) -> tuple[str, Ending]:
        values = {"tenant": self.tenant.number, "id": id_, "at": at}
        end, ending = self._database.fetch(_LAST_END.format(table=table), values)[0]
        return end, ending

    def _choose(self, row: StoredCollection, condition: str, at: str) -> Generator[list[Record]]:
        """Walk over the records that a condition of the user's selects."""
        dialect = self._database.dialect
        columns = (f'{dialect.extract(column)} AS "{column.name}"' for column in row.columns)
        # The values stand in the text: a condition may hold what looks like the name of one.
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
            # The database's own words, without what surrounds them where its statements are ours.
            reason = str(error.__context__ or error).partition("\n")[0]
            raise UsageError(
                f"--where {condition}: {reason}",
                code="query_invalid",
                hint="Write an SQL condition with the properties as columns, such as "
                '"accountEnabled" = true (1 in SQLite) and "department" LIKE \'Sales%\'.',
            ) from None


def name_of(document: bytes) -> str:
    """Return what people call the object of a document; empty where it has no name."""
    members = read_members(document)
    named = (read_value(members.get(name)) for name in _NAMES)
    return next((name for name in named if isinstance(name, str) and name), "")


def read_members(document: bytes) -> dict[str, msgspec.Raw]:
    """Return the properties of a document, each as JSON."""
    return _decode_members(document)


def read_value(raw: msgspec.Raw | None) -> Any:
    """Return a value; None for a property that is absent."""
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except msgspec.DecodeError:
        # A number that Python cannot hold stays the text that it is.
        return bytes(raw or b"").decode()


def _find_tenant(store: Store, wanted: str | None) -> StoredTenant:
    tenants = store.tenants()
    chosen = [
        tenant
        for tenant in tenants
        if wanted is None or wanted.casefold() in (tenant.id, tenant.name.casefold())
    ]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(f"{tenant.id} ({tenant.name})" for tenant in (chosen or tenants)[:10])
    if not tenants:
        problem, hint = "is empty", "Run graphdaemon sync first."
    elif chosen:
        problem, hint = f"contains {len(chosen)} tenants", f"Name one with --tenant: {known}."
    else:
        problem, hint = f"does not contain a tenant {wanted}", f"It contains {known}."
    raise UsageError(f"the store {store.shown} {problem}", code="option_invalid", hint=hint)


def _show(time: str) -> str:
    """A time without what is zero behind its minutes."""
    return f"{time[:-1].rstrip('0').rstrip('.').removesuffix(':00')}Z"
