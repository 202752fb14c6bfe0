"""Files of the data folder: whole or absent, private from the start, nobody else's."""

import os
import stat
from pathlib import Path

import pytest

from entra_emulator.private_files import make_draft, read_small_file, remove_drafts, write_file
from tests.support.full_disk import no_file_larger_than


def test_a_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.touch()
    path.chmod(0o666)
    umask = os.umask(0)
    try:
        write_file(path, b"key")
    finally:
        os.umask(umask)

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"key", 0o600)
    assert [path] == list(tmp_path.iterdir())


def test_what_stands_under_a_name_of_old_drafts_is_left_alone(tmp_path: Path) -> None:
    """A draft has a name that nobody can foresee, so that no link lies in wait for it."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for ending in (".new", ".draft", ".part", ".tmp"):
        (tmp_path / "key").with_suffix(ending).symlink_to(victim)

    write_file(tmp_path / "key.pem", b"key")

    assert victim.read_text() == "precious"
    assert sum(path.is_symlink() for path in tmp_path.iterdir()) == 4


@pytest.mark.parametrize("room", [0, 50])
def test_on_a_full_disk_the_old_file_stays(tmp_path: Path, room: int) -> None:
    path = tmp_path / "key.pem"
    write_file(path, b"old")

    with no_file_larger_than(room), pytest.raises(OSError, match="File too large"):
        write_file(path, b"x" * 100)

    assert path.read_bytes() == b"old"
    assert [path] == list(tmp_path.iterdir())


def test_only_drafts_are_removed(tmp_path: Path) -> None:
    """What a process that was killed left behind, and nothing that is called alike."""
    with make_draft(tmp_path) as draft:
        left = draft.rename(tmp_path / ".emulator-0123456789abcdef.part")
    for name in (".emulator-x.part", "emulator-0123456789abcdef.part", ".emulator-0.part"):
        (tmp_path / name).touch()
    assert left.exists()

    remove_drafts(tmp_path)

    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ValueError, match="this has more than 16,777,216 bytes"):
        read_small_file(Path("/dev/zero"))
