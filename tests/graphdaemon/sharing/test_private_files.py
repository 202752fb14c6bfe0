"""Files for one user alone: never half written, never readable by others, never somebody else's."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from graphdaemon.sharing.private_files import (
    ForeignFileError,
    cache_folder,
    create_file,
    is_own,
    make_private_folder,
    open_private,
    refuse_foreign,
    replace_private,
)
from tests.support.foreign_files import FOREIGN, SPECIAL, look_at
from tests.support.full_disk import no_file_larger_than


def test_a_file_is_replaced_whole_and_is_the_owners_alone(tmp_path: Path) -> None:
    """With the folders above it, and whatever the umask."""
    path = tmp_path / "deep" / "folder" / "secret"
    umask = os.umask(0)
    try:
        make_private_folder(path.parent)
        for content in (b"first, and longer", b"second"):
            replace_private(path, content)
            assert path.read_bytes() == content
    finally:
        os.umask(umask)

    assert [path] == list(path.parent.iterdir())
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_cannot(tmp_path: Path) -> None:
    """It does not take over the mode of what stood there."""
    path = tmp_path / "secret"
    path.touch()
    path.chmod(0o666)

    replace_private(path, b"content")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()

    with pytest.raises(OSError, match="directory"):
        replace_private(tmp_path / "a folder", b"content")

    assert [path.name for path in tmp_path.iterdir()] == ["a folder"]


@pytest.mark.parametrize("room", range(0, 100, 20))
def test_on_a_full_disk_the_old_file_stays(tmp_path: Path, room: int) -> None:
    """Whole, and nothing beside it."""
    path = tmp_path / "secret"
    replace_private(path, b"old")

    with no_file_larger_than(room), pytest.raises(OSError, match="File too large"):
        replace_private(path, b"x" * 100)

    assert path.read_bytes() == b"old"
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FOREIGN | SPECIAL)
def test_what_does_not_begin_as_ours_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    """Neither a file of another kind, nor what is no file, nor a link to either."""
    path = tmp_path / "ours"
    (FOREIGN | SPECIAL)[name](path)
    before = look_at(path)

    with pytest.raises(ForeignFileError):
        replace_private(path, b"ours: content", beginning=b"ours: ")

    assert look_at(path) == before


@pytest.mark.parametrize(
    ("head", "own"),
    [(b"", True), (b"ou", True), (b"ours: x", True), (b"our ", False), (b"\n", False)],
)
def test_a_file_is_known_by_its_first_bytes(tmp_path: Path, head: bytes, own: bool) -> None:
    """One that is empty, or was cut off in its beginning, holds nothing to lose."""
    path = tmp_path / "file"
    path.write_bytes(head)

    assert is_own(head, b"ours: ") is own
    try:
        refuse_foreign(path, b"ours: ")
    except ForeignFileError:
        assert not own
    else:
        assert own


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    """Not even what came after one had looked."""
    path = tmp_path / "key"
    path.write_text("theirs")

    with pytest.raises(FileExistsError):
        create_file(path, b"ours")

    assert path.read_text() == "theirs"
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("mode", "umask", "made"), [(0o600, 0, 0o600), (0o666, 0o027, 0o640)])
def test_a_new_file_has_its_mode_from_the_start(
    tmp_path: Path, mode: int, umask: int, made: int
) -> None:
    """A private one whatever the umask, another one as the umask says."""
    path = tmp_path / "file"
    before = os.umask(umask)
    try:
        create_file(path, b"content", mode=mode)
    finally:
        os.umask(before)

    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == made
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["link", *SPECIAL])
def test_only_a_regular_file_is_opened(tmp_path: Path, name: str) -> None:
    """Nobody waits for the other end of a pipe, and no link is followed."""
    path = tmp_path / "file"
    (FOREIGN | SPECIAL)[name](path)
    before = look_at(path)

    with pytest.raises(OSError, match=f"{path}"):
        open_private(path)

    assert look_at(path) == before


def test_what_is_opened_keeps_its_content(tmp_path: Path) -> None:
    """Whoever opens it looks first whose it is."""
    path = tmp_path / "file"
    path.write_bytes(b"content")

    descriptor = open_private(path)
    try:
        assert os.read(descriptor, 100) == b"content"
    finally:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="each system has a folder of its own")
def test_the_cache_folder_is_where_linux_programs_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The specification has relative names ignored (XDG Base Directory)."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/graphdaemon")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == Path.home() / ".cache" / "graphdaemon"
