"""A file that appears under its name only when it is complete."""

import contextlib
import os
import stat
from pathlib import Path

from graphdaemon.errors import OutputError
from graphdaemon.output.stream import explaining_failure
from graphdaemon.sharing.private_files import flush_folder, opened_folder


class AtomicFile:
    """
    A file in the making: it takes its place when it is whole, and otherwise leaves nothing.

    What stood there before stays until then, and gives its mode. A device or a pipe is written to
    directly, a symbolic link followed. A `private` file nobody else may read, whatever the umask.

    Attributes:
        path: Where it will be, links followed.
        is_direct: It is a device or a pipe: what is written cannot be taken back.

    Raises:
        OutputError: There is a folder in its place, or none to put it into.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        # The name is opened as it was typed: /dev/stdout has no other name that can be opened.
        self._shown = path
        self.path = Path(os.path.realpath(path))
        self._mode: int | None = None
        # The umask takes from 0o666 what others may not do, as for every new file.
        self._first_mode = 0o600 if private else 0o666
        self._temporary: Path | None = None
        with explaining_failure():
            self._descriptor = self._open()

    def write(self, data: bytes, /) -> None:
        """Take all of `data`."""
        rest = memoryview(data)
        # Linux takes at most 2 GiB at once, and a pipe may take less.
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def flush(self) -> None:
        """Do nothing: every write goes to the operating system at once."""

    def read(self, size: int, offset: int) -> bytes:
        """Return up to `size` bytes of what was written, from `offset` on."""
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        data = os.read(self._descriptor, size)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        return data

    def commit(self) -> None:
        """
        Put it in its place, safe against a loss of power from then on.

        Raises:
            OutputError: It could not be put there; nothing is left of it.
        """
        try:
            with explaining_failure():
                if not self.is_direct:
                    self._place()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the unfinished file. After `commit` this does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                self._temporary.unlink()
            self._temporary = None

    def _open(self) -> int:
        self.is_direct = False
        try:
            there = self._shown.stat()
        except FileNotFoundError:
            there = None
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise OutputError(
                f"{self._shown} is a folder", code="output_failed", hint="Name a file in it."
            )
        if there is not None and not stat.S_ISREG(there.st_mode):
            self.is_direct = True
            return os.open(self._shown, os.O_WRONLY)
        if not self.path.parent.is_dir():
            raise OutputError(
                f"{self._shown} cannot be written: there is no folder {self._shown.parent}",
                code="output_failed",
                hint="Make the folder, or name another file.",
            )
        self._mode = stat.S_IMODE(there.st_mode) if there is not None else None
        unnamed = self._open_unnamed() if hasattr(os, "O_TMPFILE") else None
        return self._open_named() if unnamed is None else unnamed

    def _open_unnamed(self) -> int | None:
        """Open a file without a name, which vanishes with the process, where that is possible."""
        try:
            # Not every file system has files without a name; NFS has none.
            descriptor = os.open(self.path.parent, os.O_TMPFILE | os.O_RDWR, self._first_mode)
        except OSError:
            return None
        # Without /proc the file could never be given a name.
        if Path(f"/proc/self/fd/{descriptor}").exists():
            return descriptor
        os.close(descriptor)
        return None

    def _open_named(self) -> int:
        temporary = self._temporary_path()
        # Without O_BINARY, Windows would put a CR before every line break.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, self._first_mode)
        self._temporary = temporary
        return descriptor

    def _temporary_path(self) -> Path:
        return self.path.parent / f".graphdaemon-{os.urandom(8).hex()}.part"

    def _place(self) -> None:
        if self._mode is not None:
            os.chmod(self._descriptor, self._mode)  # noqa: PTH101  Path.chmod knows no descriptor
        # First the content, then the name: a loss of power between them must leave no empty file.
        os.fsync(self._descriptor)
        if self._temporary is None:
            # A link replaces no file that is there, so that it gets a name of its own at first.
            temporary = self._temporary_path()
            # Only with a folder's descriptor does Python follow the link in /proc.
            with opened_folder(self.path.parent) as folder:
                source = f"/proc/self/fd/{self._descriptor}"
                os.link(source, temporary, src_dir_fd=folder, follow_symlinks=True)
            self._temporary = temporary
        # Windows moves no file that is open.
        os.close(self._descriptor)
        self._descriptor = -1
        self._temporary.replace(self.path)
        self._temporary = None
        flush_folder(self.path.parent)


def open_scratch(folder: Path) -> AtomicFile:
    """Open a file for data that nobody else may see; on most systems it never has a name."""
    return AtomicFile(folder / f"graphdaemon-{os.urandom(8).hex()}", private=True)
