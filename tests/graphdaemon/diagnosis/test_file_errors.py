"""What is advised where a file cannot be written, after the errors of a real file system."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdaemon.diagnosis.file_errors import FORBIDDEN, NO_ROOM, advise
from tests.support.full_disk import no_file_larger_than
from tests.support.postgres_server import find_other_user
from tests.support.small_disk import small_disk


def write(path: Path, size: int = 1) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        assert os.write(descriptor, bytes(size)) == size
    finally:
        os.close(descriptor)


def fill_device(_folder: Path) -> None:
    write(Path("/dev/full"))


def fill_disk(_folder: Path) -> None:
    with small_disk(4096) as disk:
        write(disk / "first", 4096)
        write(disk / "second", 4096)


def outgrow_limit(folder: Path) -> None:
    with no_file_larger_than(0):
        write(folder / "file")


def write_as_another_user(folder: Path) -> None:
    folder.chmod(0o555)
    other = find_other_user()
    if os.geteuid() == 0:
        os.seteuid(other.pw_uid)
    try:
        write(folder / "file")
    finally:
        os.seteuid(os.getuid())


def write_to_read_only_disk(_folder: Path) -> None:
    with small_disk(4096) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        write(disk / "file")


def write_into_missing_folder(folder: Path) -> None:
    write(folder / "missing" / "file")


def write_below_file(folder: Path) -> None:
    write(folder / "file")
    write(folder / "file" / "below")


def write_over_folder(folder: Path) -> None:
    write(folder)


def write_long_name(folder: Path) -> None:
    write(folder / ("n" * 300))


def follow_links_in_circle(folder: Path) -> None:
    (folder / "one").symlink_to(folder / "other")
    (folder / "other").symlink_to(folder / "one")
    write(folder / "one")


def open_too_many(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The lowest number that is free is the next that would be given.
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        write(folder / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("fail", "number", "step"),
    [
        (fill_device, errno.ENOSPC, "Make room on the disk, or name another file."),
        (fill_disk, errno.ENOSPC, "Make room on the disk, or name another file."),
        (outgrow_limit, errno.EFBIG, "Raise the limit on the size of a file (ulimit -f), or"),
        (write_as_another_user, errno.EACCES, "Allow this user to write to it and to its folder"),
        (write_to_read_only_disk, errno.EROFS, "The file system is read-only: name another"),
        (write_into_missing_folder, errno.ENOENT, "Create the folder that it is to be in, or"),
        (write_below_file, errno.ENOTDIR, "A part of the path is a file and not a folder: name"),
        (write_over_folder, errno.EISDIR, "There is a folder of that name: name another file."),
        (write_long_name, errno.ENAMETOOLONG, "The name is too long for the file system: name"),
        (follow_links_in_circle, errno.ELOOP, "The symbolic links in the path lead in a circle"),
        (open_too_many, errno.EMFILE, "Raise the limit on open files (ulimit -n), and run it"),
    ],
)
def test_the_step_follows_from_what_was_refused(
    fail: Callable[[Path], None], number: int, step: str, tmp_path: Path
) -> None:
    """No disk is called full that is not, and no permission is missing that is there."""
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        fail(tmp_path)

    assert caught.value.errno == number
    assert advise(caught.value.errno).startswith(step)


def test_a_full_quota_and_what_is_not_known_have_a_step_as_well() -> None:
    """No test can fill a quota; the kind is told by its number alone."""
    assert advise(errno.EDQUOT) == "Free some of this user's disk quota, or name another file."
    assert advise(None, "wait") == "Check the path and the disk, or wait."
    assert not NO_ROOM & FORBIDDEN
