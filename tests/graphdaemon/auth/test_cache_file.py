"""Tokens shared through files: unreadable to others, replaced when damaged, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphdaemon.auth.cache_file import FileBackend
from tests.support.cloud_machine import fetch
from tests.support.scripted_server import ScriptedServer
from tests.support.shared_tokens import settings_of


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
