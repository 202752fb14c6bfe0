"""The totals of all processes of one app in one tenant, kept by a Redis server."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphdaemon.graph.throttling.bucket import WINDOW_S, Totals
from graphdaemon.received.numbers import read_number
from graphdaemon.settings.setting import Secret
from graphdaemon.sharing.redis_server import connect, redis_errors, require_redis

_PREFIX = "graphdaemon:budget:"
_LIFE_S = 86_400
# Totals are exchanged in the background, but a slow server must not hold a thread for long.
_PATIENCE_S = 5.0
# The largest number that is believed (no app uses so many units in a day), the longest pause in
# seconds, and the lowest rate.
_MOST = 1e12
_LONGEST_PAUSE_S = 400.0
_LEAST_RATE = 0.01

# A script, because it is one atomic step, and uses the clock of the Redis server, so that the
# clocks of the machines need not agree.
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


class RedisTotals:
    """
    The totals of all processes of one app in one tenant, in Redis.

    Args:
        url: The address of the server, such as `rediss://USER:PASSWORD@HOST:PORT/NUMBER`.
        ca_file: A file of certificate authorities that are trusted besides the system's.
        names: What identifies the API, the tenant and the app; only a digest of it is sent.

    Raises:
        SettingsError: The package redis is missing.
    """

    def __init__(self, url: Secret, ca_file: Path | None, names: Iterable[str | None]) -> None:
        require_redis("budget_url is given")
        self._address = url, ca_file
        self._redis: Any = None
        digest = hashlib.sha256("\n".join(map(str, names)).encode()).hexdigest()
        self._key = _PREFIX + digest[:32]

    def exchange(self, mine: Totals) -> Totals:
        """
        Add the numbers of this process to the totals, and return the totals of all processes.

        Raises:
            OSError: Redis cannot be reached, or does not return numbers.
        """
        if self._redis is None:
            # Not earlier, since loading the package takes longer than a short listing.
            self._redis = connect(*self._address, _PATIENCE_S)
        with redis_errors():
            used, refusals, pause, rate, level = self._redis.eval(
                *(_EXCHANGE, 1, self._key),
                *(mine.used, mine.refusals, mine.pause, "" if mine.rate is None else mine.rate),
                *(WINDOW_S, _LIFE_S),
            )
        return Totals(
            _read(used),
            int(_read(refusals)),
            min(_read(pause), _LONGEST_PAUSE_S),
            min(max(_read(rate), _LEAST_RATE), _MOST) if rate else None,
            _read(level),
        )


def _read(value: object) -> float:
    """Read a number from Redis; everybody who knows the password may have changed it."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    number = read_number(text, most=_MOST)
    if number is None:
        raise OSError("the totals in Redis are not numbers")
    return number
