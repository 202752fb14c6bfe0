"""What processes on many machines share by Redis; the package redis lives here alone."""

import contextlib
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graphdaemon.errors import SettingsError
from graphdaemon.settings.table import Secret
from graphdaemon.throttling.bucket import WINDOW_S, Totals

_PREFIX = "graphdaemon:token:"
# Longer than a token request can take; Redis frees the lock of a process that died.
_LOCK_LIFE_S = 120

_BUDGET = "graphdaemon:budget:"
_BUDGET_LIFE_S = 86_400
# Nobody waits for it, so it may not take long either.
_BUDGET_PATIENCE_S = 5.0

# One atomic step, by the clock of the server: machines need not agree on the time. What is used
# runs out of the bucket at the rate that somebody learnt.
_EXCHANGE = """
local key, used, refusals = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local pause, learnt, window = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', key, 'rate', 'level', 'at', 'until')
local rate = learnt ~= '' and learnt or kept[1] or ''
local lost = (now - (tonumber(kept[3]) or now)) * (tonumber(rate) or 0)
local level = math.max(0, (tonumber(kept[2]) or 0) - lost) + used
if rate ~= '' then level = math.min(level, rate * window) end
local ends = math.max(tonumber(kept[4]) or 0, pause > 0 and now + pause or 0)
redis.call('HSET', key, 'rate', rate, 'level', tostring(level),
  'at', string.format('%.6f', now), 'until', string.format('%.6f', ends))
local total = redis.call('HINCRBYFLOAT', key, 'used', ARGV[1])
local count = redis.call('HINCRBY', key, 'refusals', refusals)
redis.call('EXPIRE', key, ARGV[6])
return {total, count, tostring(math.max(0, ends - now)), rate, tostring(level)}
"""


class RedisPlace:
    """
    One key for each entry, which Redis forgets when the token ends.

    Args:
        url: `rediss://user:password@host:port/number`.
        ca_file: Certificate authorities to trust besides the system's.
        patience: Seconds to wait for the server, and for whoever holds a lock.
    """

    def __init__(self, url: Secret, ca_file: Path | None, patience: float) -> None:
        self._patience = patience
        self._redis = _connect("token_cache is redis", url, ca_file, patience)

    def read(self, name: str) -> bytes | None:
        """The key's value, or None."""
        with _as_os_error():
            value: bytes | None = self._redis.get(_PREFIX + name)
            return value

    def write(self, name: str, content: bytes, life: float) -> None:
        """Set the key for `life` seconds."""
        with _as_os_error():
            self._redis.set(_PREFIX + name, content, px=int(life * 1000))

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """
        Hold `name` for as long as one request can take.

        Raises:
            OSError: Not to be had in time, or Redis cannot be used.
        """
        with _as_os_error():
            lock = self._redis.lock(
                f"{_PREFIX}{name}:lock",
                timeout=_LOCK_LIFE_S,
                sleep=0.02,
                blocking_timeout=self._patience,
            )
            if not lock.acquire():
                raise TimeoutError("another process has been asking for a token for too long")
        try:
            yield
        finally:
            import redis

            # Freed already: we took longer than it lives, or Redis is gone.
            with contextlib.suppress(redis.RedisError):
                lock.release()


class RedisTotals:
    """
    What all processes of one app in one tenant did together.

    Args:
        url: `rediss://user:password@host:port/number`.
        ca_file: Certificate authorities to trust besides the system's.
        whose: Names the Graph, the tenant and the app; only a digest of it is sent.
    """

    def __init__(self, url: Secret, ca_file: Path | None, whose: Iterable[str | None]) -> None:
        if importlib.util.find_spec("redis") is None:
            raise _missing("budget_url is given")
        self._address = url, ca_file
        self._redis: Any = None
        digest = hashlib.sha256("\n".join(map(str, whose)).encode()).hexdigest()
        self._key = _BUDGET + digest[:32]

    def exchange(self, mine: Totals) -> Totals:
        """
        Add what this process did, and return what all did.

        Raises:
            OSError: Redis cannot be used.
        """
        if self._redis is None:
            # Not before: loading the package takes longer than a short listing.
            self._redis = _connect("budget_url is given", *self._address, _BUDGET_PATIENCE_S)
        with _as_os_error():
            used, refusals, pause, rate, level = self._redis.eval(
                *(_EXCHANGE, 1, self._key),
                *(mine.used, mine.refusals, mine.pause, "" if mine.rate is None else mine.rate),
                *(WINDOW_S, _BUDGET_LIFE_S),
            )
        known = float(rate) if rate else None
        return Totals(float(used), int(refusals), float(pause), known, float(level))


def _connect(why: str, url: Secret, ca_file: Path | None, patience: float) -> Any:
    try:
        import redis
    except ModuleNotFoundError:
        raise _missing(why) from None
    options: dict[str, Any] = {
        "socket_timeout": patience,
        "socket_connect_timeout": min(patience, 10),
    }
    if ca_file is not None and url.reveal().startswith("rediss:"):
        options["ssl_ca_certs"] = str(ca_file)
    return redis.Redis.from_url(url.reveal(), **options)


def _missing(why: str) -> SettingsError:
    return SettingsError(
        f"{why}, and the package redis is missing",
        code="package_missing",
        hint="Run pip install 'graphdaemon[redis]'.",
    )


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    import redis

    try:
        yield
    except redis.RedisError as error:
        # Its words may hold the address, and that the password.
        raise OSError(f"Redis: {type(error).__name__}") from None
