import errno
import resource
import signal
from pathlib import Path

import pytest

from entra_emulator.content.data_folder import STORE, fill_folder
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
