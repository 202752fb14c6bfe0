"""A Redis server that machines share; the package redis (an extra) lives here alone."""

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphdaemon.errors import SettingsError
from graphdaemon.settings.setting import Secret


def require_redis(purpose: str) -> None:
    """
    Make sure that the package is there, without loading it.

    Raises:
        SettingsError: It is missing; the message says its `purpose`: `token_cache is redis`.
    """
    if importlib.util.find_spec("redis") is None:
        raise SettingsError(
            f"{purpose}, and the package redis is missing",
            code="package_missing",
            hint="Run pip install 'graphdaemon[redis]'.",
        )


def connect(url: Secret, ca_file: Path | None, patience: float) -> Any:
    """
    Return a client of the server at `rediss://USER:PASSWORD@HOST:PORT/NUMBER`; nothing is sent yet.

    The authorities in `ca_file` are trusted besides the system's, and an answer is waited for for
    `patience` seconds.
    """
    import redis

    options: dict[str, Any] = {
        "socket_timeout": patience,
        "socket_connect_timeout": min(patience, 10),
    }
    # The package refuses the option for a connection without TLS (TypeError).
    if ca_file is not None and url.reveal().startswith("rediss:"):
        options["ssl_ca_certs"] = str(ca_file)
    return redis.Redis.from_url(url.reveal(), **options)


@contextlib.contextmanager
def redis_errors() -> Iterator[None]:
    """Raise `OSError` for what the package raises in the block."""
    import redis

    try:
        yield
    except redis.RedisError as error:
        # Its words may hold the address, and that the password.
        raise OSError(f"Redis: {type(error).__name__}") from None
