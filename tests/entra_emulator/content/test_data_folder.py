import errno
import resource
import signal
from pathlib import Path

import pytest

from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.seed import choose_sizes
from tests.support.run_command import run_graphdaemon


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


def test_command(tmp_path: Path) -> None:
    """`emulator seed` says what it made; a second time it says what to do instead."""
    data = tmp_path / "tenant"
    arguments = ("emulator", "seed", "--users", "40", "--groups", "6", "--data", data)
    first, second = (run_graphdaemon(*arguments) for _ in range(2))

    assert (first.returncode, first.stdout) == (0, "")
    assert "40 users, 6 groups, 8 devices" in first.stderr
    assert f"Try: graphdaemon emulator serve --data {data}" in first.stderr
    assert "\r" not in first.stderr
    assert second.returncode == 2
    assert f"There is a tenant in {data} already" in second.stderr


def test_command_without_room(tmp_path: Path) -> None:
    """A full disk is one sentence and the exit code of what cannot be written."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    run = run_graphdaemon(
        "emulator", "seed", "--users", "3000", "--data", tmp_path / "t", preexec_fn=limit
    )

    assert run.returncode == 7
    assert run.stderr.startswith(f"Error: There is no room for the tenant in {tmp_path / 't'}.\n")
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "t").iterdir()) == []
