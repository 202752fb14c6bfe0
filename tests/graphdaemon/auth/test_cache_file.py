"""Tokens shared through files: unreadable to others, replaced when damaged, never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graphdaemon.auth.cache_file import FileBackend
from tests.support.cloud_machine import fetch
from tests.support.foreign_files import FOREIGN, look_at
from tests.support.full_disk import no_file_larger_than
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


@pytest.mark.parametrize(
    "damage", [b"", b"gdt1short", b"gdt9" + b"x" * 200], ids=["empty", "short", "other"]
)
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


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_entry_is_left_as_it_is(
    scripted: ScriptedServer, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has put it there; tokens are not shared, and a warning says why."""
    settings = settings_of(scripted, tmp_path)
    fetch(settings)
    (entry,) = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    entry.unlink()
    FOREIGN[name](entry)
    before = look_at(entry)

    fetch(settings)

    assert scripted.tokens_issued == 2
    assert look_at(entry) == before
    assert "tokens are not shared" in caplog.text


def test_a_link_where_a_file_is_to_be_made_leads_nowhere(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """In a folder that others may write to, somebody knows the names, and the process's number."""
    folder, victim = tmp_path / "tokens", tmp_path / "victim"
    settings = settings_of(scripted, folder)
    fetch(settings)
    (entry,) = [path for path in folder.iterdir() if path.suffix != ".lock"]
    entry.unlink()
    victim.write_text("precious")
    for ending in (str(os.getpid()), "draft", "new", "part", "tmp"):
        entry.with_name(f"{entry.name}.{ending}").symlink_to(victim)
    names = {path.name for path in folder.iterdir()}

    fetch(settings)

    assert victim.read_text() == "precious"
    assert {path.name for path in folder.iterdir()} == names | {entry.name}
    assert entry.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("mode", "warned"), [(0o777, 1), (0o770, 1), (0o1777, 0), (0o755, 0)])
def test_a_folder_in_which_others_can_replace_files_is_warned_of(
    scripted: ScriptedServer,
    tmp_path: Path,
    mode: int,
    warned: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tokens are encrypted, so that others can take them away and no more; once is enough."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    folder.chmod(mode)
    settings = settings_of(scripted, folder)

    for _ in range(2):
        assert fetch(settings).value.startswith("token-")
        for entry in folder.iterdir():
            entry.unlink()

    assert caplog.text.count(f"(mode {mode:o}): chmod 700 {folder}") == warned


@pytest.mark.parametrize("room", [0, 20])
def test_a_full_disk_stops_nobody(
    scripted: ScriptedServer, tmp_path: Path, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says why the token is not shared; nothing of it is left."""
    settings = settings_of(scripted, tmp_path)

    with no_file_larger_than(room):
        assert fetch(settings).value == "token-1"

    assert "tokens are not shared: File too large" in caplog.text
    assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


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
