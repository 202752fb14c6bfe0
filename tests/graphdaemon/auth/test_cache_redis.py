"""Tokens shared through Redis."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphdaemon.auth.cache_redis import RedisBackend
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.setting import Secret
from tests.support.cloud_machine import fetch
from tests.support.redis_server import RedisServer
from tests.support.run_command import WriteParameters, clean_environment
from tests.support.scripted_server import ScriptedServer
from tests.support.shared_tokens import ASKED, KEY


def test_processes_share_tokens_through_redis(
    parameters: WriteParameters, redis_server: RedisServer
) -> None:
    """Ten processes that start at once cause one request; what Redis holds is sealed, and ends."""
    import redis

    cache = {"token_cache": "redis", "token_cache_url": redis_server.url, "token_cache_key": KEY}
    path = parameters(**cache)
    command = [sys.executable, "-m", "graphdaemon", "users", str(path), "--limit", "1", "-v"]
    running = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(10)
    ]
    talk = [process.communicate(timeout=300)[1] for process in running]

    assert [process.returncode for process in running] == [0] * 10
    assert sum(ASKED in one for one in talk) == 1
    with redis.Redis.from_url(redis_server.url) as client:
        (name,) = client.keys("*")
        content = client.get(name)
        assert isinstance(content, bytes)
        assert content.startswith(b"gdt1")
        assert b"eyJ" not in content
        life = client.ttl(name)
        assert isinstance(life, int)
        assert 600 < life <= 28 * 3600


def test_redis_forgets_an_entry_when_its_token_ends(redis_server: RedisServer) -> None:
    """Its life is told in milliseconds."""
    import redis

    RedisBackend(Secret(redis_server.url), None, 5).write("name", b"content", 1000)

    with redis.Redis.from_url(redis_server.url) as client:
        (name,) = client.keys("*")
        life = client.pttl(name)
    assert isinstance(life, int)
    assert 900_000 < life <= 1_000_000


def test_redis_may_go_away(
    scripted: ScriptedServer, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it each process asks for itself; the warning names neither address nor password."""
    cache = {"token_cache": "redis", "token_cache_url": redis_server.url, "token_cache_key": KEY}
    settings = read_settings(None, {}, scripted.settings(**cache))
    fetch(settings)
    redis_server.stop()

    assert fetch(settings).value == "token-2"
    assert "tokens are not shared: Redis" in caplog.text
    assert "hunter2" not in caplog.text
