"""Sealed tokens in Redis, for processes on many machines; the package redis lives here alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphdaemon.errors import SettingsError
from graphdaemon.setting import Secret

_PREFIX = "graphdaemon:token:"
# Longer than a token request can take; Redis frees the lock of a process that died.
_LOCK_LIFE_S = 120


class RedisPlace:
    """
    One key for each entry, which Redis forgets when the token ends.

    Args:
        url: ``rediss://user:password@host:port/number``.
        ca_file: Certificate authorities to trust besides the system's.
        patience: Seconds to wait for the server, and for whoever holds a lock.
    """

    def __init__(self, url: Secret, ca_file: Path | None, patience: float) -> None:
        try:
            import redis
        except ModuleNotFoundError:
            raise SettingsError(
                "token_cache is redis, and the package redis is missing",
                code="package_missing",
                hint="Run pip install 'graphdaemon[redis]'.",
            ) from None
        self._patience = patience
        options: dict[str, Any] = {"socket_timeout": patience, "socket_connect_timeout": 10}
        if ca_file is not None and url.reveal().startswith("rediss:"):
            options["ssl_ca_certs"] = str(ca_file)
        self._redis: Any = redis.Redis.from_url(url.reveal(), **options)

    def read(self, name: str) -> bytes | None:
        """The key's value, or None."""
        with _as_os_error():
            value: bytes | None = self._redis.get(_PREFIX + name)
            return value

    def write(self, name: str, content: bytes, life: float) -> None:
        """Set the key for ``life`` seconds."""
        with _as_os_error():
            self._redis.set(_PREFIX + name, content, px=int(life * 1000))

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """
        Hold ``name`` for as long as one request can take.

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


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    import redis

    try:
        yield
    except redis.RedisError as error:
        # Its words may hold the address, and that the password.
        raise OSError(f"Redis: {type(error).__name__}") from None
