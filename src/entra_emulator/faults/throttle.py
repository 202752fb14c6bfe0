"""
Throttling: how much an application may ask of Graph, and who comes back too early.

The limits are those of "Microsoft Graph service-specific throttling limits", identity and access.
Each is a leaky bucket: requests fill it, it empties steadily, and a request that would make it run
over is refused. The limit of 130,000 requests in ten seconds for all of Graph is left out: every
request costs at least a unit, and the limits on units are lower.
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

# The greatest share that "x-ms-throttle-limit-percentage" tells of.
MOST = 1.8

# A request within this many seconds of a refusal was probably sent before the refusal arrived,
# and does not count as coming back too early.
UNDER_WAY = 0.1

# Seconds for which a tenant's size is remembered: to count its users for each request would cost
# more than the request.
SIZE_AGE = 10.0

_UNITS, _WRITES = "ResourceUnitLimitExceeded", "WriteLimitExceeded"


class Charge(NamedTuple):
    """
    Whether a request is let through, and what its answer tells of the limits.

    Args:
        ok: it is let through.
        load: how full the fullest bucket is; 1.0 is its limit.
        retry_after: whole seconds to wait, if it is refused.
        scope: the value of `x-ms-throttle-scope`, if it is refused.
        information: the value of `x-ms-throttle-information`, if it is refused.
    """

    ok: bool
    load: float
    retry_after: int = 0
    scope: str = ""
    information: str = ""


class Bucket(NamedTuple):
    """
    How full a bucket is.

    Args:
        scope: whose it is, e.g. `Tenant_Application/ReadWrite/{app}/{tenant}`.
        information: the value of `x-ms-throttle-information` when it runs over.
        used: what is in it now, in resource units, or requests if it counts writes.
        limit: where it runs over.
    """

    scope: str
    information: str
    used: float
    limit: float


class AppUsage(NamedTuple):
    """What an application did in a tenant; `early` counts those refused that came too early."""

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
        most: the greatest amount.
        window: the seconds in which it may be used.
    """

    scope: str
    action: str
    most: float
    window: float

    @property
    def information(self) -> str:
        """The value of `x-ms-throttle-information` when it is exceeded."""
        return _WRITES if self.action == "Write" else _UNITS


_ALL_TENANTS = _Limit("Application", "ReadWrite", 150_000, 20)
_READING = {
    size: (_Limit("Tenant_Application", "ReadWrite", most, 10), _ALL_TENANTS)
    for size, most in SIZES.items()
}
_WRITING = (
    _Limit("Tenant_Application", "Write", 3_000, 150),
    # Older editions of the page have 70,000 here.
    _Limit("Application", "Write", 35_000, 300),
    _Limit("Tenant", "Write", 18_000, 300),
)


class _Level:
    """How much was in a bucket at a moment."""

    __slots__ = ("at", "limit", "used")

    def __init__(self, limit: _Limit, now: float) -> None:
        self.limit, self.used, self.at = limit, 0.0, now

    def drain(self, now: float, scale: float) -> float:
        """Empty the bucket up to now, and say what is left in it."""
        rate = self.limit.most * scale / self.limit.window
        # The clock may have been set back, which must not fill the bucket.
        self.used = max(0.0, self.used - max(0.0, now - self.at) * rate)
        self.at = now
        return self.used


class _Block(NamedTuple):
    """An application was told, at one moment, to wait until another."""

    told: float
    until: float
    scope: str
    information: str
    load: float


class _App:
    """What an application did in a tenant, and how long it was told to wait."""

    __slots__ = ("blocks", "early", "peers", "refused", "requests", "units")

    def __init__(self) -> None:
        self.requests = self.units = self.refused = self.early = 0
        self.blocks: dict[str, _Block] = {}
        self.peers: set[object] = set()

    def find_block(self, now: float, *, write: bool) -> _Block | None:
        """The block that a request meets; a block on writes lets reads pass."""
        for information, block in list(self.blocks.items()):
            if not block.told <= now < block.until:  # it is over, or the clock was set back
                del self.blocks[information]
            elif write or information == _UNITS:
                return block
        return None

    def comes_early(self, block: _Block, now: float, peer: object) -> bool:
        """Whether the sender could know that it has to wait; if so, the request counts as early."""
        early = peer in self.peers or now - block.told >= UNDER_WAY
        self.early += early
        self.peers.add(peer)
        return early


class Throttle:
    """
    How much every application has used of its limits.

    Args:
        clock: empties the buckets.
        enabled: whether requests are refused.
        size: "S", "M" or "L" for every tenant, whatever the number of its users.
        scale: of the documented limits; with 0.01 they are met soon.
    """

    def __init__(
        self, clock: Clock, *, enabled: bool = True, size: str | None = None, scale: float = 1.0
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[tuple[str, str, str], _Level] = {}
        self._apps: dict[tuple[str, str], _App] = {}
        self._sizes: dict[str, tuple[float, str]] = {}
        self.enabled, self.size, self.scale = True, size, 1.0
        self.change(enabled=enabled, size=size, scale=scale)

    def change(
        self, *, enabled: bool | None = None, size: str | None = None, scale: float | None = None
    ) -> None:
        """
        Change settings; those not named stay. An empty `size` goes by the number of users again.

        Raises:
            ValueError: there is no such size, or the scale is not above 0.
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
        """Empty every bucket, and forget what applications did."""
        with self._lock:
            self._levels = {}
            self._apps = {}
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
            tenant_id: the tenant whose directory it is about.
            app_id: the application that sends it.
            units: its cost in resource units.
            write: it changes something.
            size: the tenant's, unless every tenant has the same.
            low: its priority is low.
            peer: the connection that it came on. A request on another connection than a refused
                one may have been sent before the refusal was known.
        """
        if not self.enabled:
            return Charge(ok=True, load=0.0)
        with self._lock:
            now = self._clock.now()
            key = (tenant_id, app_id)
            app = self._apps.get(key)
            if app is None:
                app = self._apps[key] = _App()
            app.requests += 1
            app.units += units
            limits = _READING[self.size or size] + (_WRITING if write else ())
            levels = [self._find(key, limit, now) for limit in limits]
            share = WARNING if low else 1.0
            block = app.find_block(now, write=write)
            wait = 0.0
            if block is None:
                block = self._fill(key, levels, units, now, share)
                if block is None:
                    return Charge(ok=True, load=self._load(levels))
                app.blocks[block.information] = block
                app.peers = {peer}
            elif app.comes_early(block, now, peer):
                self._pour(levels, units, MOST)  # every request counts, let through or not
                _, wait = self._find_full(levels, units, share)
            app.refused += 1
            # Whole seconds: Microsoft's SDK for Python and Terraform's provider read nothing else.
            wait = max(1, math.ceil(wait), math.ceil(block.until - now))
            return Charge(False, block.load, int(wait), block.scope, block.information)

    def measure(self, tenant_id: str, count: Callable[[], int]) -> str:
        """The size of a tenant; its users are counted every SIZE_AGE seconds."""
        if self.size:
            return self.size
        now = self._clock.now()
        measured, size = self._sizes.get(tenant_id, (-math.inf, ""))
        if not measured <= now < measured + SIZE_AGE:
            size = size_of(count())
            self._sizes[tenant_id] = (now, size)
        return size

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

    def counts(self) -> list[AppUsage]:
        """What every application did in every tenant."""
        with self._lock:
            return [
                AppUsage(*key, app.requests, app.units, app.refused, app.early)
                for key, app in self._apps.items()
            ]

    def _find(self, app_key: tuple[str, str], limit: _Limit, now: float) -> _Level:
        """The bucket of this limit for this (tenant, application), emptied up to now."""
        tenant_id, app_id = app_key
        if limit.scope == "Application":
            tenant_id = ""
        elif limit.scope == "Tenant":
            app_id = ""
        key = (tenant_id, app_id, limit.action)
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = _Level(limit, now)
        # The tenant may have grown into another size since.
        level.limit = limit
        level.drain(now, self.scale)
        return level

    def _fill(
        self,
        app_key: tuple[str, str],
        levels: Sequence[_Level],
        units: int,
        now: float,
        share: float,
    ) -> _Block | None:
        """Fill the buckets; if one would run over, fill none and return the block."""
        full, wait = self._find_full(levels, units, share)
        if full is None:
            self._pour(levels, units, math.inf)
            return None
        limit = full.limit
        tenant_id, app_id = app_key
        scope = f"{limit.scope}/{limit.action}/{app_id}/{tenant_id}"
        # Every refusal tells how full the bucket is, and answers tell that from WARNING on.
        load = max(WARNING, (full.used + 1) / (limit.most * self.scale))
        return _Block(now, now + math.ceil(wait), scope, limit.information, min(MOST, load))

    def _find_full(
        self, levels: Sequence[_Level], units: int, share: float
    ) -> tuple[_Level | None, float]:
        """The bucket that would run over for the longest time, and for how long."""
        fullest, longest = None, 0.0
        for level in levels:
            most = level.limit.most * self.scale
            amount = 1 if level.limit.action == "Write" else units
            # An empty bucket takes any request, or an expensive one would never be let through.
            over = level.used + amount - max(amount, most * share)
            wait = over * level.limit.window / most
            if wait > longest:
                fullest, longest = level, wait
        return fullest, longest

    def _pour(self, levels: Sequence[_Level], units: int, share: float) -> None:
        """Put a request into its buckets, and fill each at most to that share of its limit."""
        for level in levels:
            amount = 1 if level.limit.action == "Write" else units
            full = max(level.used, level.limit.most * self.scale * share)
            level.used = min(level.used + amount, full)

    def _load(self, levels: Sequence[_Level]) -> float:
        return max(level.used / (level.limit.most * self.scale) for level in levels)


def size_of(users: int) -> str:
    """The size of a tenant with this number of users, as the page on the limits divides them."""
    return "S" if users < 50 else "M" if users <= 500 else "L"
