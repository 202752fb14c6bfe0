"""Files that only their owner may read: made, replaced and recognised; the user's cache folder."""

import errno
import logging
import os
import stat
import sys
from functools import cache
from pathlib import Path

from graphdaemon.sharing.draft import Draft

logger = logging.getLogger(__name__)


class ForeignFileError(FileExistsError):
    """Something is in the way that this program has not written; it was left as it is."""

    def __init__(self, path: Path, reason: str = "graphdaemon did not write it") -> None:
        super().__init__(errno.EEXIST, reason, str(path))

    def __reduce__(self) -> tuple[object, ...]:
        # By itself Python would make a copy with the three arguments of `OSError`.
        return type(self), (Path(self.filename), self.strerror)


def cache_folder() -> Path:
    """Where this user's programs keep what can be made anew; it need not exist yet."""
    if sys.platform == "linux":
        # The rule (XDG Base Directory Specification) is short, and platformdirs takes a thirtieth
        # of the start: it loads what archives and temporary files need.
        folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (folder if folder.is_absolute() else Path.home() / ".cache") / "graphdaemon"
    from platformdirs import user_cache_path

    return user_cache_path("graphdaemon", appauthor=False, opinion=False)


def make_private_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for its owner alone; keep one that exists."""
    if not folder.is_dir():
        # `Path.mkdir` gives the folders above it the umask's mode.
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


@cache
def warn_if_shared(folder: Path) -> None:
    """Log once if other users can take files in `folder` away, or put others in their place."""
    # On Windows the mode says nothing of who may write.
    if os.name != "posix":
        return
    status = folder.stat()
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (0, os.geteuid()):
        logger.warning("%s belongs to another user, who can replace the files in it", folder)
    # In a folder with the sticky bit, such as /tmp, nobody can touch the files of others.
    elif mode & 0o022 and not mode & stat.S_ISVTX:
        logger.warning(
            "other users can replace the files in %s (mode %o): chmod 700 %s", folder, mode, folder
        )


def open_private(path: Path) -> int:
    """
    Open a regular file to read and write, made for its owner alone if it is not there.

    It is created with its mode, not changed afterwards: at no moment can others read it. One that
    is there keeps its content and mode; a symbolic link is not followed.

    Raises:
        ForeignFileError: It is a device, a pipe or a link.
        OSError: It cannot be made or opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        # Whoever opens a pipe must not wait for its other end.
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ForeignFileError(path, "it is a symbolic link") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ForeignFileError(path, "it is not a regular file")
    return descriptor


def make_private(descriptor: int) -> None:
    """
    Let nobody but its owner read an open file from here on.

    Raises:
        PermissionError: It belongs to another user.
    """
    if os.name == "posix" and os.fstat(descriptor).st_mode & 0o077:
        os.fchmod(descriptor, 0o600)


def is_own(head: bytes, beginning: bytes) -> bool:
    """
    Say whether a file whose first bytes are `head` is one that begins with `beginning`.

    An empty file is, and one that was cut off within its beginning: neither holds anything.
    """
    return beginning.startswith(head[: len(beginning)])


def refuse_foreign(path: Path, beginning: bytes) -> None:
    """
    Make sure that what stands at `path`, if anything, is a file of ours by its first bytes.

    Raises:
        ForeignFileError: It is not.
        OSError: It cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ForeignFileError(path, "it is a symbolic link") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ForeignFileError(path, "it is not a regular file")
        if not is_own(os.read(descriptor, len(beginning)), beginning):
            raise ForeignFileError(path)
    finally:
        os.close(descriptor)


def replace_private(path: Path, content: bytes, *, beginning: bytes | None = None) -> None:
    """
    Put `content` in the place of `path`: a reader sees the old file or the new one, never a part.

    It survives a power cut once this returns. Where `beginning` is given, a file that does not
    begin with it is somebody else's, and stays.

    Raises:
        ForeignFileError: Somebody else's file is in the way.
        OSError: It cannot be written; the old file is still there.
    """
    if beginning is not None:
        refuse_foreign(path, beginning)
    with Draft(path, 0o600) as draft:
        draft.write(content)
        draft.place()


def create_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """
    Make a new file, for its owner alone unless another mode is given; nothing is replaced.

    Raises:
        FileExistsError: There is one already.
        OSError: It cannot be written; nothing is left of it.
    """
    with Draft(path, mode) as draft:
        draft.write(content)
        draft.place(replace=False)
