"""The certificate authority: made once, kept, and nobody else's overwritten."""

from pathlib import Path

import pytest

from entra_emulator.server.authority import open_authority


def test_an_authority_is_made_once(tmp_path: Path) -> None:
    """Clients that trust it go on doing so."""
    _, path = open_authority(tmp_path)
    before = path.read_bytes()

    authority, _ = open_authority(tmp_path)

    assert authority.cert_pem.bytes() == path.read_bytes() == before
    modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
    assert modes["ca-key.pem"] == 0o600


def test_an_authority_without_its_certificate_is_made_anew(tmp_path: Path) -> None:
    """A start was broken off between the two files: nobody trusts it yet."""
    _, path = open_authority(tmp_path)
    path.unlink()

    authority, _ = open_authority(tmp_path)

    assert authority.cert_pem.bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "files",
    [
        {"ca.pem": "theirs"},
        {"ca-key.pem": "theirs"},
        {"ca.pem": "theirs", "ca-key.pem": "theirs"},
    ],
    ids=["certificate", "key", "both"],
)
def test_somebody_elses_authority_is_left_as_it_is(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ValueError, match="Move"):
        open_authority(tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files
