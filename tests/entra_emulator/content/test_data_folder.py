import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from entra_emulator.content.data_folder import STORE, FolderInUse, fill_folder, hold_folder
from entra_emulator.content.seed import choose_sizes


def test_folder_is_taken(tmp_path: Path) -> None:
    """A folder that has a tenant is left alone."""
    fill_folder(tmp_path, choose_sizes(3))
    before = (tmp_path / STORE).read_bytes()

    with pytest.raises(FileExistsError):
        fill_folder(tmp_path, choose_sizes(4))
    assert (tmp_path / STORE).read_bytes() == before


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in the middle leaves nothing behind."""

    def interrupt(made: int, total: int) -> None:
        if made > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_folder(tmp_path, choose_sizes(5000), progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_no_room(tmp_path: Path) -> None:
    """A file that must not grow is said to have no room, and does not stay."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left") as raised:
            fill_folder(tmp_path, choose_sizes(3000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)

    assert raised.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sys
from pathlib import Path
from entra_emulator.content.data_folder import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_one_emulators_at_a_time_and_free_when_that_is_killed(tmp_path: Path) -> None:
    """The operating system frees it: no file says that it is taken."""
    data = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse, match="another emulator uses the folder"):
            fill_folder(data, choose_sizes(3))
        holder.kill()

    assert list(data.iterdir()) == []
    fill_folder(data, choose_sizes(3))


def test_a_folder_is_free_again_in_the_same_process(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_folder(tmp_path), pytest.raises(FolderInUse), hold_folder(tmp_path):
            pass


def test_what_a_killed_seeding_left_behind_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".emulator-0123456789abcdef.part").write_bytes(b"x" * 100)
    (tmp_path / "notes.part").touch()
    (tmp_path / "directory.draft").touch()

    fill_folder(tmp_path, choose_sizes(3))

    assert {path.name for path in tmp_path.iterdir()} == {STORE, "notes.part", "directory.draft"}


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    """It holds what secrets are compared with, whatever the umask and the folder's mode."""
    umask = os.umask(0)
    try:
        fill_folder(tmp_path, choose_sizes(3))
    finally:
        os.umask(umask)

    assert stat.S_IMODE((tmp_path / STORE).stat().st_mode) == 0o600
