"""A file in the making: under no name, or one that nobody can foresee, until it is put in place."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

# Windows would put a CR before every line break; a link that somebody planted is never followed.
_SAFE_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Draft:
    """
    A file that takes the place of `path` when it is whole, and otherwise leaves nothing.

    It is made with its `mode`, from which the umask takes what it takes: at no moment can others
    read what is private. Where the system has files without a name, even a process that is killed
    leaves nothing behind.

    Raises:
        OSError: There is no room, or no folder that this user may write to.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._mode = mode
        self._name: Path | None = None
        unnamed = self._open_unnamed() if hasattr(os, "O_TMPFILE") else None
        self.descriptor = self._open_named() if unnamed is None else unnamed

    def write(self, data: bytes) -> None:
        """Add all of `data`."""
        write_all(self.descriptor, data)

    def place(self, *, replace: bool = True) -> None:
        """
        Put the file in its place, safe against a loss of power from then on.

        Raises:
            FileExistsError: There is a file already, and it is not to be replaced.
            OSError: It could not be put there.
        """
        # First the content, then the name: a loss of power between them must leave no empty file.
        os.fsync(self.descriptor)
        # A link replaces no file that is there, so that it gets a name of its own at first.
        if self._name is None:
            self._name = self._link(_draw_name(self._path) if replace else self._path)
        # Windows moves no file that is open.
        self._close()
        if replace:
            self._name.replace(self._path)
        elif self._name != self._path:
            _rename_to_new(self._name, self._path)
        self._name = None
        flush_folder(self._path.parent)

    def discard(self) -> None:
        """Remove the file. Once it is in place, this does nothing."""
        self._close()
        if self._name is not None:
            with contextlib.suppress(FileNotFoundError):
                self._name.unlink()
            self._name = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _open_unnamed(self) -> int | None:
        """Open a file without a name, which vanishes with the process, where that is possible."""
        try:
            # Not every file system has files without a name; NFS has none.
            descriptor = os.open(self._path.parent, os.O_TMPFILE | os.O_RDWR, self._mode)
        except OSError:
            return None
        # Without /proc the file could never be given a name.
        if Path(f"/proc/self/fd/{descriptor}").exists():
            return descriptor
        os.close(descriptor)
        return None

    def _open_named(self) -> int:
        name = _draw_name(self._path)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE_FLAGS
        descriptor = os.open(name, flags, self._mode)
        self._name = name
        return descriptor

    def _link(self, name: Path) -> Path:
        # Only with a folder's descriptor does Python follow the link in /proc.
        with opened_folder(self._path.parent) as folder:
            source = f"/proc/self/fd/{self.descriptor}"
            os.link(source, name, src_dir_fd=folder, follow_symlinks=True)
        return name


def write_all(descriptor: int, data: bytes) -> None:
    """
    Write all of `data` to an open file.

    Raises:
        OSError: A part of it may have been written.
    """
    rest = memoryview(data)
    # Linux takes at most 2 GiB at once, and a pipe or a disk that is nearly full may take less.
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush_folder(folder: Path) -> None:
    """Make sure that a change of names in `folder` survives a power cut."""
    if os.name == "posix":
        with opened_folder(folder) as descriptor:
            os.fsync(descriptor)


@contextlib.contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Yield a descriptor of `folder` for the length of the block."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _draw_name(path: Path) -> Path:
    return path.with_name(f".graphdaemon-{os.urandom(8).hex()}.part")


def _rename_to_new(name: Path, path: Path) -> None:
    """Rename a file unless its new name is taken."""
    if os.name == "nt":  # whose renaming replaces nothing
        name.rename(path)
        return
    os.link(name, path)
    name.unlink()
