"""
Throttling: how much an application may ask of Graph, and who comes back too early.

Limits of "Microsoft Graph service-specific throttling limits", identity and
access. Each limit is a bucket that empties steadily and runs over at its limit.
The limit of 130,000 requests in ten seconds for all of Graph is never the
narrowest: every request costs a unit, and units are scarcer.
"""

import math
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from entra_emulator.clock import Clock

# Resource units in ten seconds of one application in one tenant, by the tenant's size.
SIZES = {"S": 3_500, "M": 5_000, "L": 8_000}

# Above this share of a limit answers say how full it is, and requests of low priority are refused.
WARNING = 0.8

# "x-ms-throttle-limit-percentage" ends there.
MOST = 1.8

# Who sent a request before it could know of the refusal of another did not come back too early.
UNDER_WAY = 0.1

# How long a tenant's size is remembered.
SIZE_AGE = 10.0

_UNITS, _WRITES = "ResourceUnitLimitExceeded", "WriteLimitExceeded"


class Charge(NamedTuple):
    """
    What became of a request.

    Args:
        ok: it is let through.
        load: how full the fullest bucket is; 1.0 is its limit.
        retry_after: seconds to wait, of a refused one.
        scope: `x-ms-throttle-scope` of a refused one.
        information: `x-ms-throttle-information` of a refused one.
    """

    ok: bool
    load: float
    retry_after: int = 0
    scope: str = ""
    information: str = ""


class Bucket(NamedTuple):
    """A bucket: whose it is, what it counts, what is in it now, where it runs over."""

    scope: str
    information: str
    used: float
    limit: float


class Count(NamedTuple):
    """What an application did in a tenant: requests, of them refused, of those too early."""

    tenant_id: str
    app_id: str
    requests: int
    units: int
    refused: int
    early: int


class _Limit(NamedTuple):
    """
    One documented limit.

    Args:
        scope: whose: `Tenant_Application`, `Tenant` or `Application`.
        action: `ReadWrite`, which counts units, or `Write`, which counts requests.
        most: how much.
        window: in how many seconds.
    """

    scope: str
    action: str
    most: float
    window: float

    @property
    def information(self) -> str:
        """`x-ms-throttle-information` when it is exceeded."""
        return _WRITES if self.action == "Write" else _UNITS


_ALL_TENANTS = _Limit("Application", "ReadWrite", 150_000, 20)
_READING = {
    size: (_Limit("Tenant_Application", "ReadWrite", most, 10), _ALL_TENANTS)
    for size, most in SIZES.items()
}
_WRITING = (
    _Limit("Tenant_Application", "Write", 3_000, 150),
    _Limit("Application", "Write", 35_000, 300),
    _Limit("Tenant", "Write", 18_000, 300),
)


class _Level:
    """What is in a bucket, and when that was."""

    __slots__ = ("at", "limit", "used")

    def __init__(self, limit: _Limit, now: float) -> None:
        self.limit, self.used, self.at = limit, 0.0, now

    def drain(self, now: float, scale: float) -> float:
        """What is left in it now."""
        rate = self.limit.most * scale / self.limit.window
        self.used = max(0.0, self.used - max(0.0, now - self.at) * rate)
        self.at = now
        return self.used


class _Barrier(NamedTuple):
    """Somebody was told, at a moment, to wait until another."""

    told: float
    until: float
    scope: str
    information: str
    load: float


class _Standing:
    """What an application did in a tenant, and what it was told."""

    __slots__ = ("barriers", "early", "peers", "refused", "requests", "units")

    def __init__(self) -> None:
        self.requests = self.units = self.refused = self.early = 0
        self.barriers: dict[str, _Barrier] = {}
        self.peers: set[object] = set()

    def find_barrier(self, now: float, *, write: bool) -> _Barrier | None:
        """What holds this request up, if it was told to wait; reads pass when writes must wait."""
        for information, barrier in list(self.barriers.items()):
            if not barrier.told <= now < barrier.until:  # over, or the clock was set back
                del self.barriers[information]
            elif write or information == _UNITS:
                return barrier
        return None

    def comes_early(self, barrier: _Barrier, now: float, peer: object) -> bool:
        """Whether who comes on this connection knew that it was told to wait."""
        early = peer in self.peers or now - barrier.told >= UNDER_WAY
        self.early += early
        self.peers.add(peer)
        return early


class Throttle:
    """
    What every application has used up.

    Args:
        clock: whose seconds count.
        enabled: whether anybody is refused.
        size: "S", "M" or "L" for every tenant, whatever the number of its users.
        scale: of the documented limits; with 0.01 they are met soon.
    """

    def __init__(
        self, clock: Clock, *, enabled: bool = True, size: str | None = None, scale: float = 1.0
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[tuple[str, str, str], _Level] = {}
        self._standings: dict[tuple[str, str], _Standing] = {}
        self._sizes: dict[str, tuple[float, str]] = {}
        self.enabled, self.size, self.scale = True, size, 1.0
        self.change(enabled=enabled, size=size, scale=scale)

    def change(
        self, *, enabled: bool | None = None, size: str | None = None, scale: float | None = None
    ) -> None:
        """
        Change settings; those not named stay. An empty `size` goes by the number of users again.

        Raises:
            ValueError: no such size, or nothing would be allowed.
        """
        if size and size not in SIZES:
            raise ValueError(f"a tenant's size is {', '.join(SIZES)}, not {size!r}")
        if scale is not None and not 0 < scale < math.inf:
            raise ValueError("the scale of the limits is above 0")
        with self._lock:
            self.enabled = self.enabled if enabled is None else enabled
            self.size = self.size if size is None else size or None
            self.scale = self.scale if scale is None else scale

    def clear(self) -> None:
        """Empty every bucket, and forget who did what."""
        with self._lock:
            self._levels = {}
            self._standings = {}
            self._sizes = {}

    def charge(
        self,
        tenant_id: str,
        app_id: str,
        units: int,
        *,
        write: bool = False,
        size: str = "L",
        low: bool = False,
        peer: object = None,
    ) -> Charge:
        """
        Count a request, and say whether it is let through.

        Args:
            tenant_id: whose directory it is about.
            app_id: who sends it.
            units: what it costs.
            write: it changes something.
            size: the tenant's, unless every tenant has the same.
            low: its priority is low.
            peer: the connection that it came on; only other connections may have sent something
                before they could know that the first was told to wait.
        """
        if not self.enabled:
            return Charge(ok=True, load=0.0)
        with self._lock:
            now = self._clock.now()
            who = (tenant_id, app_id)
            standing = self._standings.get(who)
            if standing is None:
                standing = self._standings[who] = _Standing()
            standing.requests += 1
            standing.units += units
            limits = _READING[self.size or size] + (_WRITING if write else ())
            levels = [self._find(who, limit, now) for limit in limits]
            share = WARNING if low else 1.0
            barrier = standing.barriers and standing.find_barrier(now, write=write)
            wait = 0.0
            if barrier:
                if standing.comes_early(barrier, now, peer):
                    self._pour(levels, units, MOST)  # every request counts, let through or not
                    _, wait = self._find_full(levels, units, share)
            else:
                barrier = self._fill(who, levels, units, now, share)
                if barrier is None:
                    return Charge(ok=True, load=self._load(levels))
                standing.barriers[barrier.information] = barrier
                standing.peers = {peer}
            standing.refused += 1
            wait = max(1, math.ceil(wait), math.ceil(barrier.until - now))
            return Charge(False, barrier.load, int(wait), barrier.scope, barrier.information)

    def measure(self, tenant_id: str, count: Callable[[], int]) -> str:
        """The size of a tenant, whose users are counted now and then."""
        if self.size:
            return self.size
        now = self._clock.now()
        held = self._sizes.get(tenant_id)
        if held is None or not held[0] <= now < held[0] + SIZE_AGE:
            held = self._sizes[tenant_id] = (now, size_of(count()))
        return held[1]

    def buckets(self) -> list[Bucket]:
        """Every bucket that is not empty."""
        with self._lock:
            now, scale = self._clock.now(), self.scale
            return [
                Bucket(
                    f"{level.limit.scope}/{level.limit.action}/{app_id}/{tenant_id}".rstrip("/"),
                    level.limit.information,
                    level.drain(now, scale),
                    level.limit.most * scale,
                )
                for (tenant_id, app_id, _), level in self._levels.items()
                if level.drain(now, scale)
            ]

    def counts(self) -> list[Count]:
        """What every application did in every tenant."""
        with self._lock:
            return [
                Count(*who, one.requests, one.units, one.refused, one.early)
                for who, one in self._standings.items()
            ]

    def _find(self, who: tuple[str, str], limit: _Limit, now: float) -> _Level:
        """The bucket of this limit for this (tenant, application), emptied up to now."""
        tenant_id = who[0] if limit.scope != "Application" else ""
        app_id = who[1] if limit.scope != "Tenant" else ""
        key = (tenant_id, app_id, limit.action)
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = _Level(limit, now)
        level.limit = limit
        level.drain(now, self.scale)
        return level

    def _fill(
        self, who: tuple[str, str], levels: Sequence[_Level], units: int, now: float, share: float
    ) -> _Barrier | None:
        """Fill the buckets; or if one would run over, say which, and how long that lasts."""
        found, wait = self._find_full(levels, units, share)
        if found is None:
            self._pour(levels, units, math.inf)
            return None
        limit = found.limit
        scope = f"{limit.scope}/{limit.action}/{who[1]}/{who[0]}"
        load = max(WARNING, (found.used + 1) / (limit.most * self.scale))
        return _Barrier(now, now + math.ceil(wait), scope, limit.information, min(MOST, load))

    def _find_full(
        self, levels: Sequence[_Level], units: int, share: float
    ) -> tuple[_Level | None, float]:
        """The bucket that would run over for the longest time, and for how long."""
        found, longest = None, 0.0
        for level in levels:
            most = level.limit.most * self.scale
            amount = 1 if level.limit.action == "Write" else units
            # An empty bucket takes whatever comes, or what costs much would never be let through.
            over = level.used + amount - max(amount, most * share)
            wait = over * level.limit.window / most
            if wait > longest:
                found, longest = level, wait
        return found, longest

    def _pour(self, levels: Sequence[_Level], units: int, share: float) -> None:
        """Put a request into its buckets, which it fills up to that share of their limits."""
        for level in levels:
            amount = 1 if level.limit.action == "Write" else units
            full = max(level.used, level.limit.most * self.scale * share)
            level.used = min(level.used + amount, full)

    def _load(self, levels: Sequence[_Level]) -> float:
        return max(level.used / (level.limit.most * self.scale) for level in levels)


def size_of(users: int) -> str:
    """The size of a tenant with so many users."""
    return "S" if users < 50 else "M" if users <= 500 else "L"
