"""
The status of the tenants in a store: what is in step, what is late and why, what will expire.

It is made from the store alone, so it can be seen from anywhere, whether a daemon runs or not.
`docs/how-to/watch-the-daemon.md` says what each member means.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from graphdaemon.store.credential_ends import CredentialEnd, read_credential_ends
from graphdaemon.store.leases import Lease, LeaseError, read_leases
from graphdaemon.store.positions import read_positions
from graphdaemon.store.store import Store
from graphdaemon.store.times import format_time

State = Literal["fresh", "failing", "late", "never", "left_out"]
"""
`fresh`: recently in step. `failing`: still fresh, but the last attempts failed. `late`: in step too
long ago. `never`: never in step so far. `left_out`: not named, and the app may not read it.
"""

_LATE_INTERVALS = 3
# Graph keeps the place of a delta for seven days.
LINK_LASTS_S = 7 * 86_400.0
WARN_DAYS = 30
"""This many days before a credential expires, there is a warning."""


class CollectionStatus(msgspec.Struct):
    """
    The status of one collection of one tenant. Times are RFC 3339 in UTC; empty means never.

    Attributes:
        collection: Its name, such as `groups/members`.
        state: The state, as described above.
        succeeded: When it was last known to be in step.
        age: How many seconds ago that was; None for never.
        rows: How many rows of the tenant are in the store.
        link_age: The age of the delta link in seconds; None if there is none.
        reconciled: When a complete listing was last compared with the store.
        next: When the next sync is due; empty if no daemon keeps it in step.
        every: The interval in seconds; 0 if no daemon keeps it in step.
        working: The daemon that is syncing it now; empty for none.
        failures: How many syncs have failed in a row.
        failed: When it last failed.
        error: Why it failed, and the next step; None if the last sync succeeded.
    """

    collection: str
    state: State
    succeeded: str
    age: float | None
    rows: int
    link_age: float | None
    reconciled: str
    next: str
    every: int
    working: str
    failures: int
    failed: str
    error: LeaseError | None

    @property
    def is_bad(self) -> bool:
        """Whether the collection is not in step with the directory."""
        return self.state in {"late", "never"}


class CredentialStatus(msgspec.Struct):
    """
    When a credential of an app expires.

    Attributes:
        kind: `secret`, `certificate` and others.
        source: Where the credential comes from.
        ends: When it expires, as RFC 3339 in UTC; empty if that is not known.
        days: How many days are left; None if that is not known.
    """

    kind: str
    source: str
    ends: str
    days: int | None

    @property
    def is_ending(self) -> bool:
        """Whether it has expired or will expire soon."""
        return self.days is not None and self.days < WARN_DAYS


class TenantStatus(msgspec.Struct):
    """
    The status of one tenant.

    Attributes:
        name: The name of its settings file, or its own name if no daemon keeps it in step.
        tenant: Its ID; empty if the settings cannot be used.
        number: Its number in the store; None before it was reached for the first time.
        error: Why its settings cannot be used; None if they can be used.
        credentials: When its credentials expire.
        collections: Its collections.
    """

    name: str
    tenant: str
    number: int | None
    error: LeaseError | None
    credentials: list[CredentialStatus]
    collections: list[CollectionStatus]

    @property
    def is_bad(self) -> bool:
        """Whether any of its collections is not in step."""
        return self.error is not None or any(one.is_bad for one in self.collections)

    @property
    def is_failing(self) -> bool:
        """Whether the last sync of any of its collections failed."""
        return any(one.failures for one in self.collections)

    @property
    def age(self) -> float | None:
        """How many seconds ago the most outdated collection was in step; None for never."""
        ages = [one.age for one in self.collections if one.state != "left_out"]
        return max((age for age in ages if age is not None), default=None)

    @property
    def rows(self) -> int:
        """How many rows the store has of it."""
        return sum(one.rows for one in self.collections)


class StoreStatus(msgspec.Struct):
    """
    The status of all tenants in a store.

    Attributes:
        store: The store's URL, without a password.
        at: When the status was read.
        max_age: After how many seconds a collection is late; None for three times its interval.
        in_step: Whether everything is in step.
        tenants: The tenants, those that are not in step first.
    """

    store: str
    at: str
    max_age: float | None
    in_step: bool
    tenants: list[TenantStatus]

    def to_json(self) -> bytes:
        """Return the whole as JSON, indented, with a line break at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def count(self, *states: State) -> int:
        """Return how many collections are in one of these states."""
        return sum(one.state in states for tenant in self.tenants for one in tenant.collections)


def read_status(store: Store, now: dt.datetime, max_age: float | None = None) -> StoreStatus:
    """
    Return the status of the tenants in a store.

    Args:
        store: The store.
        now: The time, in UTC.
        max_age: After how many seconds a collection is late; by default, three times its interval.
    """
    with store.database.reading():
        leases = [*read_leases(store), *read_positions(store)]
        credentials = read_credential_ends(store)
    grouped: dict[tuple[str, str], list[Lease]] = defaultdict(list)
    for lease in leases:
        grouped[lease.name, lease.tenant].append(lease)
    ends: dict[str, list[CredentialEnd]] = defaultdict(list)
    for one in credentials:
        ends[one.name].append(one)
    tenants = [
        _describe_tenant(group, ends[name], now, max_age) for (name, _), group in grouped.items()
    ]
    tenants.sort(key=lambda tenant: (not tenant.is_bad, tenant.name))
    in_step = bool(tenants) and not any(tenant.is_bad for tenant in tenants)
    return StoreStatus(store.shown, format_time(now), max_age, in_step, tenants)


def _describe_tenant(
    leases: list[Lease],
    credentials: Iterable[CredentialEnd],
    now: dt.datetime,
    max_age: float | None,
) -> TenantStatus:
    broken = next((lease for lease in leases if not lease.collection), None)
    number = next((lease.number for lease in leases if lease.number is not None), None)
    return TenantStatus(
        leases[0].name,
        "" if broken is not None and len(leases) == 1 else leases[0].tenant,
        number,
        broken.error if broken is not None else None,
        [_describe_credential(one, now) for one in credentials],
        [_describe_collection(one, now, max_age) for one in leases if one.collection],
    )


def _describe_credential(one: CredentialEnd, now: dt.datetime) -> CredentialStatus:
    days = None
    if one.ends:
        days = (dt.datetime.fromisoformat(one.ends) - now).days
    return CredentialStatus(one.kind, one.source, one.ends, days)


def _describe_collection(lease: Lease, now: dt.datetime, max_age: float | None) -> CollectionStatus:
    succeeded = max(lease.succeeded, lease.checked)
    age = _age(succeeded, now)
    limit = max_age if max_age is not None else _LATE_INTERVALS * lease.every or None
    state: State = "fresh"
    if lease.left_out:
        state = "left_out"
    elif age is None:
        state = "never"
    elif limit is not None and age > limit:
        state = "late"
    elif lease.failures:
        state = "failing"
    return CollectionStatus(
        lease.collection,
        state,
        succeeded,
        age,
        lease.rows,
        _age(lease.checked, now) if lease.has_link else None,
        lease.reconciled,
        lease.due,
        lease.every,
        lease.holder if lease.until > format_time(now) else "",
        lease.failures,
        lease.failed,
        lease.error,
    )


def _age(time: str, now: dt.datetime) -> float | None:
    """Return how many seconds ago a time of the store was; None for never."""
    if not time:
        return None
    # The clock that wrote it may be ahead of this one.
    return max(0.0, round((now - dt.datetime.fromisoformat(time)).total_seconds(), 3))
