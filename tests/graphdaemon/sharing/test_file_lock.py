"""Locks between processes, which end with their holder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphdaemon.sharing.file_lock import hold_lock, locked, try_lock
from graphdaemon.sharing.private_files import open_private

HOLD = """
import sys
from pathlib import Path
from graphdaemon.sharing.file_lock import try_lock
from graphdaemon.sharing.private_files import open_private
print(try_lock(open_private(Path(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


def test_a_lock_is_one_processs_at_a_time_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        descriptor = open_private(path)
        try:
            assert not try_lock(descriptor)
            holder.kill()
            with locked(descriptor):
                assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
            assert try_lock(descriptor)
        finally:
            os.close(descriptor)


def test_whoever_waits_for_a_lock_looks_again_until_patience_ends(tmp_path: Path) -> None:
    waits: list[float] = []
    with (
        hold_lock(tmp_path / "lock", 0, "busy"),
        pytest.raises(TimeoutError, match="too long"),
        hold_lock(tmp_path / "lock", 1, "too long", sleep=waits.append),
    ):
        pass

    assert sum(waits) == pytest.approx(1, abs=0.05)


def test_a_lock_that_is_given_back_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path / "lock", 0, "busy"):
            assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_link_where_the_lock_should_be_is_not_followed(tmp_path: Path) -> None:
    """In a folder that others may write to, it could lead to any file of this user's."""
    victim = tmp_path / "victim"
    (tmp_path / "lock").symlink_to(victim)

    with pytest.raises(OSError, match="symbolic link"), hold_lock(tmp_path / "lock", 0, "busy"):
        pass

    assert not victim.exists()
