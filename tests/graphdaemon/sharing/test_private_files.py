"""Files for one user alone: never half written, never readable by others, and locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphdaemon.sharing.private_files import (
    cache_folder,
    locked,
    make_private_folder,
    open_private,
    replace_private,
    try_lock,
)

HOLD = """
import sys
from graphdaemon.sharing.private_files import open_private, try_lock
print(try_lock(open_private(sys.argv[1], 2)), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole_and_is_the_owners_alone(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "folder" / "secret"
    make_private_folder(path.parent)
    umask = os.umask(0)
    try:
        for content in (b"first, and longer", b"second"):
            replace_private(path, content, durable=durable)
            assert path.read_bytes() == content
    finally:
        os.umask(umask)

    assert [path] == list(path.parent.iterdir())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()

    with pytest.raises(OSError, match="directory"):
        replace_private(tmp_path / "a folder", b"content")

    assert [path.name for path in tmp_path.iterdir()] == ["a folder"]


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
        descriptor = open_private(path, os.O_RDWR)
        try:
            assert not try_lock(descriptor)
            holder.kill()
            with locked(descriptor):
                assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
            assert try_lock(descriptor)
        finally:
            os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="each system has a folder of its own")
def test_the_cache_folder_is_where_linux_programs_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/graphdaemon")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == Path.home() / ".cache" / "graphdaemon"
