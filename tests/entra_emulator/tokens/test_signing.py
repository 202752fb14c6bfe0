import random
import stat
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from entra_emulator.clock import Clock
from entra_emulator.tokens.signing import MOST_KEYS, KeyRing, draw_lifetime
from tests.support.emulator_probe import App, Probe, register


def published(app: App) -> list[str]:
    keys = app.probe.get(f"/{app.tenant.id}/discovery/v2.0/keys").json()["keys"]
    return [key["kid"] for key in keys]


def signer(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_overlap(launch: Callable[..., Probe]) -> None:
    """After a rotation a new key signs, and what the old one signed is still good."""
    probe = launch(users=3)
    app = register(probe, "User.Read.All")
    old, before = app.token(), published(app)

    probe.emulator.keys.rotate()

    new, after = app.token(), published(app)
    assert signer(old) == before[0]
    assert signer(new) == after[0]
    assert after[1:] == before
    assert [app.get("/v1.0/users", token).status for token in (old, new)] == [200, 200]


def test_rotation_is_kept(launch: Callable[..., Probe], keys: Path, tmp_path: Path) -> None:
    """The rotated keys are there after a restart, and in a private file."""
    path = tmp_path / "signing-keys.pem"
    path.write_bytes(keys.read_bytes())
    first = KeyRing(path, Clock())
    first.rotate()

    second = KeyRing(path, Clock())

    assert [key.kid for key in second.keys] == [key.kid for key in first.keys]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [name.name for name in tmp_path.iterdir() if name.is_file()] == ["signing-keys.pem"]


def test_oldest_key_goes(launch: Callable[..., Probe]) -> None:
    """Of more keys than are published the oldest goes, and what it signed is good no longer."""
    probe = launch(users=3)
    app = register(probe, "User.Read.All")
    token = app.token()
    assert app.get("/v1.0/users", token).status == 200

    for _ in range(MOST_KEYS):
        probe.emulator.keys.rotate()

    assert len(published(app)) == MOST_KEYS
    assert signer(token) not in published(app)
    assert app.get("/v1.0/users", token).message == "Access token validation failure."


def test_lifetime() -> None:
    """Lifetimes spread over 60 to 90 minutes, the same for the same seed."""
    first, again = random.Random(7), random.Random(7)
    lifetimes = [draw_lifetime(first) for _ in range(500)]

    assert lifetimes == [draw_lifetime(again) for _ in range(500)]
    assert 3599 <= min(lifetimes) < 3700
    assert 5300 < max(lifetimes) <= 5399


def test_long_lifetimes() -> None:
    """Long lifetimes spread over 20 to 28 hours."""
    lifetimes = [draw_lifetime(random.Random(seed), long=True) for seed in range(500)]

    assert 71_999 <= min(lifetimes) < 74_000
    assert 99_000 < max(lifetimes) <= 100_799


def test_keys_that_could_not_be_written_are_made_when_they_can(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "later" / "keys.pem", Clock())
    ring.wait()
    with pytest.raises(FileNotFoundError):
        _ = ring.keys
    (tmp_path / "later").mkdir()

    assert len(ring.keys) == 2
    assert ring.keys is ring.keys
    kept = KeyRing(tmp_path / "later" / "keys.pem", Clock())
    assert [key.kid for key in kept.keys] == [key.kid for key in ring.keys]


def test_somebody_elses_key_is_not_signed_with(tmp_path: Path, key_pair: tuple[str, bytes]) -> None:
    """It would be written anew, and in the end dropped, when keys are rotated."""
    path = tmp_path / "signing-keys.pem"
    path.write_text(key_pair[0])

    with pytest.raises(ValueError, match="Move it away"):
        _ = KeyRing(path, Clock()).keys

    assert path.read_text() == key_pair[0]
