"""Tokens that processes share: one request for all, sealed on disk and in Redis, never in clear."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.cache import identify, open_cache
from graphdaemon.auth.cache_file import FileBackend
from graphdaemon.auth.token import Demand, Token
from graphdaemon.errors import IdentityError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.redis_server import RedisServer
from tests.support.run_command import Run, WriteParameters, clean_environment
from tests.support.scripted_server import ScriptedServer, json_answer

KEY = base64.b64encode(bytes(range(32))).decode()
ASKED = "No suitable token exists in cache"


def shared(folder: Path, **more: Any) -> dict[str, Any]:
    return {"token_cache": "file", "token_cache_folder": str(folder), "token_cache_key": KEY} | more


def settings_of(server: ScriptedServer, folder: Path, **changes: Any) -> Settings:
    return read_settings(None, {}, server.settings(**shared(folder, **changes)))


def fetch(settings: Settings, demand: Demand | None = None) -> Token:
    transport = Transport(ca_file=settings.ca_file, timeout=5)
    try:
        return AppIdentity(settings, transport).fetch(demand or Demand())
    finally:
        transport.close()


def keep(settings: Settings, token: Token) -> None:
    cache = open_cache(settings)
    assert cache is not None
    cache.write(token, time.time())


def test_fifty_processes_that_start_at_once_cause_one_request(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """Real processes, the real command, a cold cache: one of them asks, and all of them list."""
    path = parameters(**shared(tmp_path / "tokens"))
    command = [sys.executable, "-m", "graphdaemon", "users", str(path), "--limit", "1", "-v"]
    running = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(50)
    ]
    talk = [process.communicate(timeout=120)[1] for process in running]

    assert [process.returncode for process in running] == [0] * 50
    assert sum(ASKED in one for one in talk) == 1


def test_a_warm_cache_needs_neither_msal_nor_more_of_cryptography_than_the_seal(
    parameters: WriteParameters, tmp_path: Path
) -> None:
    """The second run loads nothing that only a token request needs."""
    path = parameters(**shared(tmp_path / "tokens"))
    code = (
        "import sys; from graphdaemon.cli import run; code = run(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, "users", str(path), "--limit", "1"],
            capture_output=True,
            text=True,
            check=True,
            env=clean_environment(),
            timeout=60,
        )
    loaded = done.stderr.split()

    assert "0" in loaded
    assert not {"msal", "requests", "graphdaemon.auth.kinds", "graphdaemon.auth.msal_app"} & set(
        loaded
    )
    assert not {"lzma", "shutil", "tempfile", "graphdaemon.graph.claims_challenge"} & set(loaded)
    assert not [name for name in loaded if name.startswith(("cryptography.x509", "jwt"))]


def test_a_first_token_needs_no_second_http_client(parameters: WriteParameters) -> None:
    """MSAL is given our transport, and brings neither requests nor what it consists of."""
    code = (
        "import sys; from graphdaemon.cli import run; code = run(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "users", str(parameters()), "--limit", "1"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        timeout=60,
    )
    loaded = done.stderr.split()

    assert "0" in loaded
    assert "graphdaemon.auth.msal_app" in loaded
    assert not {"requests", "urllib3", "charset_normalizer", "msal_extensions"} & set(loaded)


def test_nothing_readable_is_left_on_disk(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Files of mode 0600 in a folder of mode 0700, without token, secret, tenant or app in them."""
    folder = tmp_path / "tokens"
    settings = settings_of(scripted, folder)

    token = fetch(settings)

    assert fetch(settings) == token
    assert scripted.tokens_issued == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.name.encode() + path.read_bytes()
        for word in (token.value, "a-secret~", settings.client_id):
            assert word.encode() not in content


CHANGES: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "another~secret"},
    "another client": {"client_id": "33333333-2222-4333-8444-555555555555"},
    "another scope": {"scope": ["api://own/.default"]},
    "another key": {"token_cache_key": base64.b64encode(bytes(32)).decode()},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_token_is_found_only_with_all_it_was_made_with(
    scripted: ScriptedServer, tmp_path: Path, change: dict[str, Any]
) -> None:
    """A corrected secret is tried, not covered up by what the old one got."""
    fetch(settings_of(scripted, tmp_path))

    fetch(settings_of(scripted, tmp_path, **change))

    assert scripted.tokens_issued == 2


def test_a_new_key_file_is_another_identity(scripted: ScriptedServer, tmp_path: Path) -> None:
    """It is the content that counts: after a rotation under the same name nothing old is found."""
    path = tmp_path / "app.pem"
    found = []
    for content in ("one", "two"):
        path.write_text(content)
        path.chmod(0o600)
        changes = {"secret": None, "private_key_file": str(path)}
        found.append(identify(settings_of(scripted, tmp_path, **changes)))

    assert found[0] != found[1]


@pytest.mark.parametrize("damage", [b"", b"gdt1short", b"x" * 200], ids=["empty", "short", "other"])
def test_a_damaged_entry_is_replaced(
    scripted: ScriptedServer, tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It costs a token request and a warning, no more."""
    settings = settings_of(scripted, tmp_path)
    fetch(settings)
    (entry,) = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    entry.write_bytes(damage)

    fetch(settings)
    fetch(settings)

    assert scripted.tokens_issued == 2
    assert "damaged entry" in caplog.text


def test_a_folder_that_cannot_be_used_stops_nobody(
    scripted: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file stands where the folder should be: said once, and the token is got without it."""
    (tmp_path / "tokens").write_text("")
    settings = settings_of(scripted, tmp_path / "tokens")

    assert fetch(settings).value == "token-1"
    assert caplog.text.count("tokens are not shared") == 1


def test_without_a_key_the_cache_is_refused_not_left_open(run: Run, tmp_path: Path) -> None:
    """A server without a keyring and no key: exit code 3, the command that makes one, no file."""
    done = run(
        "users",
        env={
            "AZURE_TENANT_ID": "11111111-2222-4333-8444-555555555555",
            "AZURE_CLIENT_ID": "22222222-2222-4333-8444-555555555555",
            "AZURE_CLIENT_SECRET": "s",
            "GRAPHDAEMON_TOKEN_CACHE": "file",
            "GRAPHDAEMON_TOKEN_CACHE_FOLDER": str(tmp_path / "tokens"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        },
    )

    assert done.returncode == 3
    assert "no key to be encrypted with" in done.stderr
    assert "openssl rand -base64 32" in done.stderr
    assert not (tmp_path / "tokens").exists()


@pytest.mark.parametrize("key", ["password", KEY[:-4], ""], ids=["words", "short", "empty-file"])
def test_a_key_that_is_none_is_refused(scripted: ScriptedServer, tmp_path: Path, key: str) -> None:
    """Only 32 random bytes will do: a password could be guessed from a stolen file."""
    path = tmp_path / "cache.key"
    path.write_text(key)
    path.chmod(0o600)
    cache = {"token_cache": "file", "token_cache_key_file": str(path)}

    with pytest.raises(SettingsError, match="32 bytes") as caught:
        fetch(read_settings(None, {}, scripted.settings(**cache)))

    assert caught.value.code == "cache_key_missing"


def test_the_key_may_come_from_the_keyring(
    scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is one, it makes and keeps the key, and every process finds the same."""
    keyring = pytest.importorskip("keyring")
    from tests.support.keyring_in_memory import KeyringInMemory

    before = keyring.get_keyring()
    keyring.set_keyring(KeyringInMemory())
    cache = {"token_cache": "file", "token_cache_folder": str(tmp_path)}
    try:
        for _ in range(2):
            fetch(read_settings(None, {}, scripted.settings(**cache)))
    finally:
        keyring.set_keyring(before)

    assert scripted.tokens_issued == 1


def test_a_token_about_to_end_serves_through_an_outage(
    scripted: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With three minutes left a new one is asked for; while there is none, the old one is used."""
    settings = settings_of(scripted, tmp_path)
    old = Token("old", time.time() + 180, None, time.time() - 3400)
    keep(settings, old)
    scripted.token_answer = json_answer({}, 503)

    assert fetch(settings) == old
    assert "the old one still serves" in caplog.text
    with pytest.raises(IdentityError):
        fetch(settings, Demand(old))


def test_a_refused_token_is_not_found_again(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Graph took it back, so it is replaced for everybody; who comes later finds the new one."""
    settings = settings_of(scripted, tmp_path)
    refused = fetch(settings)

    assert fetch(settings, Demand(refused)).value == "token-2"
    assert fetch(settings, Demand(refused)).value == "token-2"
    assert fetch(settings).value == "token-2"


def test_who_waits_too_long_for_the_lock_asks_itself(
    scripted: ScriptedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that was stopped while it held the lock holds up nobody for ever."""
    settings = settings_of(scripted, tmp_path, timeout=1)
    fetch(settings)
    (entry,) = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    entry.unlink()
    waits: list[float] = []
    with FileBackend(tmp_path, 1).lock(entry.name):
        with (
            pytest.raises(TimeoutError),
            FileBackend(tmp_path, 1, sleep=waits.append).lock(entry.name),
        ):
            raise AssertionError("the lock was given twice")
        fetch(settings)

    assert sum(waits) == pytest.approx(1, abs=0.05)
    assert scripted.tokens_issued == 2
    assert "asking for a token for too long" in caplog.text


# ---- Redis -------------------------------------------------------------------------------------


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
    talk = [process.communicate(timeout=120)[1] for process in running]

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
