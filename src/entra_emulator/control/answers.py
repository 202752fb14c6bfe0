"""What the control API answers."""

from typing import Any

import msgspec


class ControlRow(msgspec.Struct):
    """A route, and what it does."""

    method: str
    path: str
    does: str


class ControlList(msgspec.Struct):
    """What there is."""

    controls: list[ControlRow]


class ClockShown(msgspec.Struct):
    """The time in ISO 8601 and in seconds since 1970, and whether the clock stands still."""

    now: str
    seconds: float
    frozen: bool


class PlanShown(msgspec.Struct):
    """Which requests are to fail, how, and how many more or until when; null is without end."""

    fault: dict[str, Any]
    route: str
    left: int | None
    until: float | None
    chance: float


class FaultPlans(msgspec.Struct):
    """The plans in force, oldest first."""

    faults: list[PlanShown]


class BucketShown(msgspec.Struct):
    """How full a bucket is, and where it runs over."""

    scope: str
    information: str
    used: float
    limit: float


class UsageShown(msgspec.Struct):
    """What an application did in a tenant."""

    tenant_id: str
    app_id: str
    requests: int
    units: int
    refused: int
    early: int


class ThrottleShown(msgspec.Struct):
    """The settings of Graph's limits, the buckets that are not empty, and who did what."""

    enabled: bool
    size: str | None
    scale: float
    buckets: list[BucketShown]
    counts: list[UsageShown]


class EntryShown(msgspec.Struct):
    """A request in the audit log; `needed` are the permissions any of which it needed."""

    number: int
    at: str
    service: str
    method: str
    path: str
    route: str
    grant: str
    tenant: str
    app_id: str
    object_id: str
    delegated: bool
    permissions: list[str]
    status: int
    code: str
    message: str
    request_id: str
    correlation_id: str
    faults: list[str]
    verdict: str
    needed: list[str]


class AuditEntries(msgspec.Struct):
    """The entries that match, newest first."""

    entries: list[EntryShown]


class TenantShown(msgspec.Struct):
    """A tenant, and how many users it has."""

    id: str
    displayName: str  # noqa: N815 - Graph's name
    domains: list[str]
    users: int


class TenantList(msgspec.Struct):
    """Every tenant."""

    tenants: list[TenantShown]


class LifeShown(msgspec.Struct):
    """Changes a second that happen by themselves, and how many there were."""

    rate: float
    count: int


class SnapshotList(msgspec.Struct):
    """The names of the snapshots."""

    snapshots: list[str]


class KeyList(msgspec.Struct):
    """The names of the signing keys, the one that signs first."""

    keys: list[str]


class Reason(msgspec.Struct):
    """A stable code, and what it is about."""

    code: str
    message: str


class RefusalShown(msgspec.Struct):
    """Why a request was refused."""

    error: Reason
