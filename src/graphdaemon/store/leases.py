"""
What daemons keep in step, and which of them works at what: one lease for each collection.

Any number of processes share the leases of a store. Whoever takes one holds it until a time, and
moves that time on while it works; a lease of a process that was killed is free when its time is
over. Times are those of the database's clock where it has one, so that machines need not agree.
"""

import datetime as dt
from typing import NamedTuple

import msgspec

from graphdaemon.store.database import Record
from graphdaemon.store.store import Store

_READ = """
SELECT l.tenant, l.collection, l.name, l.number, l.every, l.due, l.planned, l.holder, l.until,
  l.succeeded, l.failures, l.failed, l.left_out, l.error,
  k.rows, k.checked, k.reconciled, k.run, k.link IS NOT NULL
FROM leases AS l LEFT JOIN links AS k ON k.tenant = l.number AND k.collection = l.collection
ORDER BY l.name, l.tenant, l.collection"""

_MAY_LACK = ("number", "error")


class LeaseError(msgspec.Struct):
    """
    Why a collection was not brought into step.

    Attributes:
        code: One of `errors.CODES`.
        message: What happened.
        hint: The next step; empty if there is none.
    """

    code: str
    message: str
    hint: str = ""


class LeaseKey(NamedTuple):
    """A tenant, by its ID or what the settings call it, and a collection of it."""

    tenant: str
    collection: str


class Lease(msgspec.Struct):
    """
    What is known of one collection of one tenant.

    Times are those of the store, UTC as text, and empty for never.

    Attributes:
        tenant: The tenant's ID, or what the settings call it; the name of a broken settings file.
        collection: The collection; empty for a settings file that cannot be used.
        name: The name of the tenant's settings file.
        number: The tenant's number in this store; None until it was reached once.
        every: Seconds from one sync to the next.
        due: When the next one is due.
        planned: When that was decided.
        holder: The process that works at it; empty for none.
        until: Until when it is believed to, unless it says again that it does.
        succeeded: When it last was brought into step.
        failures: How often it has failed since.
        failed: When it last failed, or was left out.
        left_out: Nobody named it, and the app may not read it: that is no failure.
        error: Why it failed, or was left out; None if it succeeded the last time.
        rows: How many records are current.
        checked: When the store was last known to be in step, which is how old the link is.
        reconciled: When a complete listing was last compared with the store.
        run: The last run that changed something.
        has_link: There is a delta link to go on from.
    """

    tenant: str
    collection: str
    name: str
    number: int | None
    every: int
    due: str
    planned: str
    holder: str
    until: str
    succeeded: str
    failures: int
    failed: str
    left_out: bool
    error: LeaseError | None
    rows: int = 0
    checked: str = ""
    reconciled: str = ""
    run: int = 0
    has_link: bool = False

    @property
    def key(self) -> LeaseKey:
        """What it is the lease of."""
        return LeaseKey(self.tenant, self.collection)


class LeaseOutcome(NamedTuple):
    """
    What came of a sync.

    Attributes:
        key: What was to be brought into step.
        number: The tenant's number in this store, if it is known.
        due: When the next sync is due.
        failures: How often it has failed in a row; 0 if it was brought into step, or left out.
        left_out: The app may not read it, and nobody named it.
        error: Why it failed, or was left out; None if it succeeded.
    """

    key: LeaseKey
    number: int | None
    due: dt.datetime
    failures: int = 0
    left_out: bool = False
    error: LeaseError | None = None


class Taken(NamedTuple):
    """
    A collection that this process has taken.

    Attributes:
        key: What it is.
        failures: How often it has failed in a row.
        left_out: It was left out the last time.
        error: Why it failed the last time, or was left out; None if it did not.
    """

    key: LeaseKey
    failures: int = 0
    left_out: bool = False
    error: LeaseError | None = None


def read_leases(store: Store) -> list[Lease]:
    """Return what is known of every collection of every tenant, of whatever process."""
    return [_read_lease(row) for row in store.database.fetch(_READ)]


def _read_lease(row: Record) -> Lease:
    values = dict(zip(Lease.__struct_fields__, row, strict=True))
    values["left_out"], values["has_link"] = bool(values["left_out"]), bool(values["has_link"])
    values["error"] = read_error(values["error"])
    # What was never brought into step has no row among the links.
    return Lease(
        **{name: value for name, value in values.items() if value is not None or name in _MAY_LACK}
    )


def read_error(text: str) -> LeaseError | None:
    """Read why a collection was not brought into step; None for an empty text."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=LeaseError)
    except msgspec.DecodeError:
        return LeaseError("store_unreadable", "what the store says of it cannot be read")
