"""
What daemons keep in step, and which daemon works on what: one lease for each collection.

Any number of processes share the leases of a store. A process holds a lease until the time when it
ends, and extends it while it works. The lease of a process that was killed is free when that time
has come. Times are those of the database's clock if it has one, so that the clocks of the machines
need not agree.
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
    Why the sync of a collection failed, or left it out.

    Attributes:
        code: The code of the error, one of `errors.CODES`.
        message: What happened.
        hint: The next step; empty if there is none.
    """

    code: str
    message: str
    hint: str = ""


class LeaseKey(NamedTuple):
    """A tenant, by its ID or its name in the settings, and one of its collections."""

    tenant: str
    collection: str


class Lease(msgspec.Struct):
    """
    The state of one collection of one tenant. Times are RFC 3339 in UTC, and empty for never.

    Attributes:
        tenant: The ID of the tenant, or its name in the settings; for a settings file that cannot
            be used, the name of that file.
        collection: The collection; empty for a settings file that cannot be used.
        name: The name of the tenant's settings file.
        number: The number of the tenant in this store; None until its first sync.
        every: The seconds from one sync to the next.
        due: When the next sync is due.
        planned: When that was decided.
        holder: The process that works on it; empty for none.
        until: When the lease of that process ends, unless the process extends it.
        succeeded: When the collection was last brought into step.
        failures: How often the sync has failed since.
        failed: When it last failed, or was left out.
        left_out: Whether it is left out, because no option or setting names it and the app may not
            read it. This is not a failure.
        error: Why it failed, or was left out; None if it succeeded the last time.
        rows: How many records are current.
        checked: When the store was last known to be in step, which is also the age of the link.
        reconciled: When a complete listing was last compared with the store.
        run: The number of the last run that changed something.
        has_link: Whether there is a delta link to continue from.
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
        """The tenant and the collection of the lease."""
        return LeaseKey(self.tenant, self.collection)


class LeaseOutcome(NamedTuple):
    """
    The outcome of a sync.

    Attributes:
        key: The tenant and the collection that were to be brought into step.
        number: The number of the tenant in this store; None if it is not known.
        due: When the next sync is due.
        failures: How often the sync has failed in a row; 0 if it succeeded or was left out.
        left_out: Whether it was left out, because no option or setting names it and the app may
            not read it.
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
    A collection whose lease this process has taken.

    Attributes:
        key: The tenant and the collection.
        failures: How often the sync has failed in a row.
        left_out: Whether it was left out the last time.
        error: Why it failed the last time, or was left out; None if it succeeded.
    """

    key: LeaseKey
    failures: int = 0
    left_out: bool = False
    error: LeaseError | None = None


def read_leases(store: Store) -> list[Lease]:
    """Return the leases of all collections of all tenants, whichever process holds them."""
    return [_read_lease(row) for row in store.database.fetch(_READ)]


def _read_lease(row: Record) -> Lease:
    values = dict(zip(Lease.__struct_fields__, row, strict=True))
    values["left_out"], values["has_link"] = bool(values["left_out"]), bool(values["has_link"])
    values["error"] = read_error(values["error"])
    # A collection that was never brought into step has no row in `links`.
    return Lease(
        **{name: value for name, value in values.items() if value is not None or name in _MAY_LACK}
    )


def read_error(text: str) -> LeaseError | None:
    """Read a stored error; None for an empty text. An unreadable one is reported as such."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=LeaseError)
    except msgspec.DecodeError:
        return LeaseError("store_unreadable", "the error in the store cannot be read")
