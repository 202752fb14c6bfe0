"""Take leases for a process, renew them while it works, and note the results."""

import datetime as dt
from collections.abc import Callable, Iterable

import msgspec

from graphdaemon.store.database import Record
from graphdaemon.store.leases import LeaseError, LeaseKey, LeaseOutcome, Taken, read_error
from graphdaemon.store.store import Store
from graphdaemon.store.times import format_time, now_utc

_ENTER = """
INSERT INTO leases (tenant, collection, name, every, due, planned, holder, until, succeeded,
  failures, failed, left_out, error)
VALUES (:tenant, :collection, :name, :every, :now, :now, '', '', '', 0, '', 0, '')
ON CONFLICT (tenant, collection) DO UPDATE SET name = excluded.name, every = excluded.every,
  due = CASE WHEN leases.due > :latest THEN :latest ELSE leases.due END"""
# A lease that nobody holds, and that is due, or was planned by a clock that was set back since.
_FREE = """
(due <= :now OR planned > :now) AND (holder = '' OR until <= :now OR until > :latest)"""
_FIRST = """
SELECT tenant FROM leases
WHERE tenant IN ({tenants}) AND collection IN ({collections}) AND {free}
ORDER BY due, tenant LIMIT 1{skip}"""
_OTHERS = """
SELECT collection, failures, left_out, error FROM leases
WHERE tenant = :tenant AND collection IN ({collections}) AND {free}
ORDER BY collection{skip}"""
_TAKE = """
UPDATE leases SET holder = :holder, until = :until
WHERE tenant = :tenant AND collection IN ({collections})"""
_RENEW = """
UPDATE leases SET until = :until WHERE holder = :holder AND tenant IN ({tenants})
RETURNING tenant, collection"""
_NOTE = """
UPDATE leases SET holder = '', until = '', due = :due, planned = :now,
  number = coalesce(:number, number),
  succeeded = CASE WHEN :succeeded THEN :now ELSE succeeded END,
  failed = CASE WHEN :succeeded THEN failed ELSE :now END,
  failures = :failures, left_out = :left_out, error = :error
WHERE tenant = :tenant AND collection = :collection AND holder = :holder"""
_RELEASE = """
UPDATE leases SET holder = '', until = '' WHERE holder = :holder"""
_RELEASE_ALL = """
UPDATE leases SET holder = '', until = '' WHERE holder <> ''"""
_NEXT = """
SELECT min(CASE WHEN planned > :now OR until > :latest THEN :now
  WHEN holder <> '' AND until > due THEN until ELSE due END)
FROM leases WHERE tenant IN ({tenants}) AND collection IN ({collections})"""
_NOTE_FILE = """
INSERT INTO leases (tenant, collection, name, every, due, planned, holder, until, succeeded,
  failures, failed, left_out, error)
VALUES (:tenant, '', :name, :every, :due, :now, '', '', '', :failures, :now, 0, :error)
ON CONFLICT (tenant, collection) DO UPDATE SET name = excluded.name, every = excluded.every,
  due = excluded.due, planned = excluded.planned, failures = excluded.failures,
  failed = excluded.failed, error = excluded.error"""
_MEND_FILES = """
DELETE FROM leases WHERE collection = '' AND tenant IN ({tenants})"""
_FORGET = """
DELETE FROM leases WHERE tenant IN ({tenants})"""
_FORGET_OLD = """
DELETE FROM leases WHERE due < :before AND holder = '' AND tenant NOT IN ({tenants})"""
# If a sync has been overdue for so long, no daemon keeps the tenant in step any more.
_OLD = dt.timedelta(days=7)


class LeaseHolder:
    """
    Takes, renews and releases leases of a store for one process; one thread at a time may use it.

    Args:
        store: The store.
        holder: The name of this process, which no other process has.
        lasting: The seconds after which a lease ends if it is not renewed.
        now: Returns the time in UTC; by default the clock of the database, if it has one.
    """

    def __init__(
        self,
        store: Store,
        holder: str,
        lasting: float,
        now: Callable[[], dt.datetime] | None = None,
    ) -> None:
        self._database = store.database
        self._holder = holder
        self._lasting = dt.timedelta(seconds=lasting)
        self._now = now

    def now(self) -> dt.datetime:
        """Return the time by which leases begin and end."""
        if self._now is not None:
            return self._now()
        query = self._database.dialect.now
        if not query:
            return now_utc()
        time = self._database.fetch(query)[0][0]
        assert isinstance(time, dt.datetime), "a clock gives a time"
        return time

    def enter(
        self, tenants: Iterable[tuple[str, str]], collections: Iterable[str], every: float
    ) -> None:
        """
        Note which collections of which tenants are to be kept in step; new ones are due at once.

        Args:
            tenants: The ID of each tenant, with the name of its settings file.
            collections: The collections of each tenant.
            every: The seconds from one sync to the next.
        """
        now = self.now()
        latest = format_time(now + dt.timedelta(seconds=every))
        collections = list(collections)
        names = dict(tenants)
        with self._database.transaction():
            # Always in the same order, so that two processes cannot wait for each other.
            for tenant, name in sorted(names.items()):
                for collection in collections:
                    values = {
                        "tenant": tenant,
                        "collection": collection,
                        "name": name,
                        "every": max(1, round(every)),
                        "now": format_time(now),
                        "latest": latest,
                    }
                    self._database.execute(_ENTER, values)
            before = format_time(now - _OLD)
            self._execute(_FORGET_OLD, tenants=list(names), before=before)

    def take(self, tenants: Iterable[str], collections: Iterable[str]) -> list[Taken]:
        """
        Take the leases that are due of one tenant, the one that has waited longest.

        Empty if nothing is due. No other process gets these leases before they are noted or
        released, or have ended.
        """
        collections = list(collections)
        with self._database.transaction():
            times = self._times()
            first = self._fetch(_FIRST, tenants=list(tenants), collections=collections, **times)
            if not first:
                return []
            tenant = str(first[0][0])
            rows = self._fetch(_OTHERS, collections=collections, tenant=tenant, **times)
            taken = [
                Taken(LeaseKey(tenant, name), failures, bool(left_out), read_error(error))
                for name, failures, left_out, error in rows
            ]
            self._execute(
                _TAKE,
                collections=[one.key.collection for one in taken],
                tenant=tenant,
                holder=self._holder,
                until=times["until"],
            )
            return taken

    def renew(self, tenants: Iterable[str]) -> set[LeaseKey]:
        """Extend the leases of this process for some tenants; return those that it still has."""
        until = self._times()["until"]
        rows = self._fetch(_RENEW, tenants=list(tenants), until=until, holder=self._holder)
        return {LeaseKey(*row) for row in rows}

    def note(self, outcome: LeaseOutcome) -> bool:
        """Note the outcome of a sync, and release its lease; return False if it was lost before."""
        key, error = outcome.key, outcome.error
        values = {
            "tenant": key.tenant,
            "collection": key.collection,
            "holder": self._holder,
            "number": outcome.number,
            "due": format_time(outcome.due),
            "now": format_time(self.now()),
            "succeeded": error is None,
            "failures": outcome.failures,
            "left_out": int(outcome.left_out),
            "error": "" if error is None else msgspec.json.encode(error).decode(),
        }
        return self._database.execute(_NOTE, values) > 0

    def release(self) -> None:
        """Release all leases of this process; they stay due."""
        self._database.execute(_RELEASE, {"holder": self._holder})

    def release_all(self) -> None:
        """
        Release the leases of every process.

        It is for a store that only this process can write, so that no other one can be alive.
        """
        self._database.execute(_RELEASE_ALL)

    def next(self, tenants: Iterable[str], collections: Iterable[str]) -> float | None:
        """Return the seconds until a lease may be due, 0 or less for now; None without leases."""
        times = self._times()
        rows = self._fetch(
            _NEXT,
            tenants=list(tenants),
            collections=list(collections),
            now=times["now"],
            latest=times["latest"],
        )
        due = rows[0][0]
        if due is None:
            return None
        now = dt.datetime.fromisoformat(times["now"])
        return (dt.datetime.fromisoformat(due) - now).total_seconds()

    def note_file(self, name: str, every: float, failures: int, error: LeaseError) -> None:
        """
        Note that a tenant's settings file cannot be used.

        Args:
            name: The name of the file.
            every: The seconds until it is read again.
            failures: How often reading it has failed in a row.
            error: Why it cannot be used.
        """
        now = self.now()
        values = {
            "tenant": name,
            "name": name,
            "every": max(1, round(every)),
            "due": format_time(now + dt.timedelta(seconds=every)),
            "now": format_time(now),
            "failures": failures,
            "error": msgspec.json.encode(error).decode(),
        }
        self._database.execute(_NOTE_FILE, values)

    def mend_files(self, names: Iterable[str]) -> None:
        """Note that the settings files with these names can be used again."""
        self._execute(_MEND_FILES, tenants=list(names))

    def forget(self, tenants: Iterable[str]) -> None:
        """Delete the leases of tenants that are no longer kept in step; their records stay."""
        self._execute(_FORGET, tenants=list(tenants))

    def _times(self) -> dict[str, str]:
        """Return the time, the end of a lease that begins now, and a time after the end of any."""
        now = self.now()
        return {
            "now": format_time(now),
            "until": format_time(now + self._lasting),
            "latest": format_time(now + 2 * self._lasting),
        }

    def _execute(self, sql: str, **values: object) -> int:
        return self._database.execute(*self._fill(sql, values))

    def _fetch(self, sql: str, **values: object) -> list[Record]:
        return self._database.fetch(*self._fill(sql, values))

    def _fill(self, sql: str, values: dict[str, object]) -> tuple[str, dict[str, object]]:
        """Insert the SQL of this database, and write lists as JSON."""
        dialect = self._database.dialect
        text = sql.format(
            tenants=dialect.texts.format("tenants"),
            collections=dialect.texts.format("collections"),
            free=_FREE,
            skip=dialect.skip_locked,
        )
        lists = {
            name: msgspec.json.encode(value).decode()
            for name, value in values.items()
            if isinstance(value, list)
        }
        used = {**values, **lists}
        return text, {name: value for name, value in used.items() if f":{name}" in text}
