"""The key of the shared cache: from a file or the keyring, and 32 random bytes."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from graphdaemon.auth.cache_key import read_cache_key
from graphdaemon.errors import SettingsError
from graphdaemon.settings.model import CacheSettings
from graphdaemon.settings.read import read_settings
from tests.support.cloud_machine import fetch
from tests.support.run_command import Run
from tests.support.scripted_server import ScriptedServer
from tests.support.shared_tokens import KEY


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


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"\xff", "it is not base64")]
)
def test_a_key_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """With the command that makes a key."""
    path = tmp_path / "cache.key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=f"cache.key cannot be read: {words}") as caught:
        read_cache_key(CacheSettings("file", key_file=path))

    assert caught.value.code == "cache_key_missing"
    assert "openssl rand" in (caught.value.hint or "")


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


def test_of_two_keys_made_at_once_the_last_one_kept_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes that start together share tokens from then on."""
    keyring = pytest.importorskip("keyring")
    answers = iter([None, KEY])
    monkeypatch.setattr(keyring, "get_password", lambda *_: next(answers))
    monkeypatch.setattr(keyring, "set_password", lambda *_: None)

    assert read_cache_key(CacheSettings("file")) == base64.b64decode(KEY)
