"""A file that appears under its name only when it is complete."""

import os
import re
import stat
from pathlib import Path

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.escape import escape_document
from graphdaemon.output.stream import explaining_failure
from graphdaemon.sharing.draft import Draft, write_all
from graphdaemon.sharing.private_files import ForeignFileError, refuse_foreign

_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_OPEN_ALREADY = r"/(?:dev|proc/self)/fd/(\d+)"


class AtomicFile:
    """
    A file in the making: it takes its place when it is whole, and otherwise leaves nothing.

    What stood there before stays until then, and gives its mode. A device or a pipe is written to
    directly, and so is what the shell has opened already, such as /dev/stdout; a symbolic link is
    followed, and stays. A file that nobody may write to stays, too.

    Args:
        path: Where it is to be.
        private: Nobody else may read it, whatever the umask.
        beginning: The first bytes of every file that may be replaced; None for any file.
        label: What errors call it; by default `path`.

    Attributes:
        path: Where it will be, links followed.
        is_direct: It is a device or a pipe: what is written cannot be taken back.

    Raises:
        OutputError: There is a folder in its place, or none to put it into.
        UsageError: A file is in the way that does not begin with `beginning`.
    """

    def __init__(
        self,
        path: Path,
        *,
        private: bool = False,
        beginning: bytes | None = None,
        label: str | None = None,
    ) -> None:
        # The name is opened as it was typed: a link of /proc may lead to what has no name.
        self._shown = path
        self._label = label or path
        self.path = Path(os.path.realpath(path))
        self._beginning = beginning
        self._mode: int | None = None
        # The umask takes from 0o666 what others may not do, as for every new file.
        self._first_mode = 0o600 if private else 0o666
        self._draft: Draft | None = None
        self._descriptor = -1
        self.is_direct = False
        with explaining_failure(self._label):
            self._open()

    def write(self, data: bytes, /) -> None:
        """
        Take all of `data`.

        Raises:
            OutputError: There is no room, or something else is wrong with the place.
            OutputClosedError: Whatever read the pipe has closed it.
        """
        with explaining_failure(self._label):
            # A device may be a terminal, which would obey names that strangers chose.
            is_terminal = self.is_direct and os.isatty(self._descriptor)
            write_all(self._descriptor, escape_document(data).encode() if is_terminal else data)

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
            with explaining_failure(self._label):
                if self._draft is not None:
                    if self._mode is not None:
                        os.chmod(self._descriptor, self._mode)  # noqa: PTH101  Path.chmod knows no descriptor
                    self._draft.place()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the unfinished file. After `commit` this does nothing."""
        if self._draft is not None:
            self._draft.discard()
            self._draft = None
        elif self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> None:
        number = find_descriptor(self._shown)
        if number is not None:
            # Opened once more, a file would be written from its beginning: `>> log` would be lost.
            self._descriptor, self.is_direct = os.dup(number), True
            return
        try:
            there = self._shown.stat()
        except FileNotFoundError:
            there = None
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise OutputError(
                f"{self._shown} is a folder", code="output_failed", hint="Name a file in it."
            )
        if there is not None and not stat.S_ISREG(there.st_mode):
            self._descriptor, self.is_direct = os.open(self._shown, os.O_WRONLY), True
            return
        if not self.path.parent.is_dir():
            raise OutputError(
                f"{self._shown} cannot be written: there is no folder {self._shown.parent}",
                code="output_failed",
                hint="Make the folder, or name another file.",
            )
        if there is not None:
            self._check_replaceable(there)
        self._draft = Draft(self.path, self._first_mode)
        self._descriptor = self._draft.descriptor

    def _check_replaceable(self, there: os.stat_result) -> None:
        self._mode = stat.S_IMODE(there.st_mode)
        # The folder's permissions decide who may replace a file, but a shell's redirection would be
        # refused here; root may write to everything, and nobody says 0444 for nothing.
        if not self._mode & 0o222 or not os.access(self.path, os.W_OK):
            raise OutputError(
                f"{self._shown} may not be written to, and was left as it is",
                code="output_failed",
                hint="Name another file, or allow it: chmod u+w.",
            )
        if self._beginning is not None:
            try:
                refuse_foreign(self.path, self._beginning)
            except ForeignFileError:
                raise UsageError(
                    f"{self._shown} is another kind of file, and was left as it is",
                    code="file_foreign",
                    hint="Name another file, or move this one away.",
                ) from None


def find_descriptor(path: Path) -> int | None:
    """The descriptor that a path such as /dev/stdout names; None for any other path."""
    if os.name != "posix":
        return None
    text = os.path.normpath(path)
    match = re.fullmatch(_OPEN_ALREADY, text)
    return int(match[1]) if match else _STANDARD.get(text)


def find_scratch_folder() -> Path:
    """
    Return the folder for temporary files.

    Raises:
        OutputError: There is none that may be written to, as in a container that is read-only.
    """
    import tempfile

    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise OutputError(
            "there is no folder for temporary files that may be written to",
            code="output_failed",
            hint="Set TMPDIR to a folder with room, or write to a file with --output.",
        ) from None


def open_scratch(folder: Path) -> AtomicFile:
    """Open a file for data that nobody else may see; on most systems it never has a name."""
    # Nobody has named it, and it is gone when the error is read: errors name its folder.
    return AtomicFile(
        folder / f"graphdaemon-{os.urandom(8).hex()}",
        private=True,
        label=f"a temporary file in {folder}",
    )
