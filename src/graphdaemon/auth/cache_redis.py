"""The token cache in a Redis server, for processes on many machines."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from graphdaemon.settings.setting import Secret
from graphdaemon.sharing.redis_server import connect, redis_errors, require_redis

_PREFIX = "graphdaemon:token:"
# Longer than a token request can take; Redis frees the lock of a process that died.
_LOCK_LIFE_S = 120


class RedisBackend:
    """
    One key for each entry, which Redis forgets when the token ends.

    `patience` is how many seconds to wait for the server, and for whoever holds a lock.

    Raises:
        SettingsError: The package redis is missing.
    """

    def __init__(self, url: Secret, ca_file: Path | None, patience: float) -> None:
        require_redis("token_cache is redis")
        self._patience = patience
        self._redis = connect(url, ca_file, patience)

    def read(self, name: str) -> bytes | None:
        """The key's value, or None."""
        with redis_errors():
            value: bytes | None = self._redis.get(_PREFIX + name)
            return value

    def write(self, name: str, content: bytes, life: float) -> None:
        """Set the key for `life` seconds."""
        with redis_errors():
            self._redis.set(_PREFIX + name, content, px=int(life * 1000))

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold `name` for as long as one request can take, or raise `OSError`."""
        with redis_errors():
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
            # Freed already: we took longer than it lives, or Redis is gone.
            with contextlib.suppress(OSError), redis_errors():
                lock.release()
