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
    A file that appears at its path only when it is complete; otherwise nothing of it is left.

    Until then, a file that is already at that path stays unchanged; the new one gets its mode. A
    symbolic link is followed and kept. A file that may not be written to is not replaced. A device,
    a pipe, or something that the shell has opened already, such as /dev/stdout, is written to
    directly.

    Args:
        path: The path of the finished file.
        private: Whether only its owner may read it, whatever the umask is.
        beginning: The first bytes that a file must have to be replaced; None for any file.
        label: What errors call the file; by default `path`.

    Attributes:
        path: The path of the finished file, with links resolved.
        is_direct: Whether it is a device or a pipe, so that nothing can be taken back.

    Raises:
        OutputError: The path is that of a folder, its folder does not exist, or the file at the
            path may not be written to.
        UsageError: The file at the path does not begin with `beginning`.
    """

    def __init__(
        self,
        path: Path,
        *,
        private: bool = False,
        beginning: bytes | None = None,
        label: str | None = None,
    ) -> None:
        # A device is opened by the path as given: a link in /proc may lead to a file without a
        # name.
        self._shown = path
        self._label = label or path
        self.path = Path(os.path.realpath(path))
        self._beginning = beginning
        self._mode: int | None = None
        # The umask reduces 0o666, as for every new file.
        self._first_mode = 0o600 if private else 0o666
        self._draft: Draft | None = None
        self._descriptor = -1
        self.is_direct = False
        with explaining_failure(self._label):
            self._open()

    def write(self, data: bytes, /) -> None:
        """
        Write all of `data`.

        Raises:
            OutputError: The disk is full, or writing failed for another reason.
            OutputClosedError: The reader of the pipe has closed it.
        """
        with explaining_failure(self._label):
            # A terminal would obey control characters in names, which strangers may have chosen.
            is_terminal = self.is_direct and os.isatty(self._descriptor)
            write_all(self._descriptor, escape_document(data).encode() if is_terminal else data)

    def flush(self) -> None:
        """Do nothing, because every write goes to the operating system at once."""

    def read(self, size: int, offset: int) -> bytes:
        """Return up to `size` bytes of what was written, from `offset` on."""
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        data = os.read(self._descriptor, size)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        return data

    def commit(self) -> None:
        """
        Move the file to its path; from then on it survives a loss of power.

        Raises:
            OutputError: The file could not be moved; nothing is left of it.
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
            # A file that is opened anew is written from its beginning, which would break `>> log`.
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
        # The permissions of the folder would allow to replace the file, but a redirection of the
        # shell would be refused, too. Root may write to any file, so its mode is also checked.
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
    """Return the file descriptor that a path such as /dev/stdout names; None for other paths."""
    if os.name != "posix":
        return None
    text = os.path.normpath(path)
    match = re.fullmatch(_OPEN_ALREADY, text)
    return int(match[1]) if match else _STANDARD.get(text)


def find_scratch_folder() -> Path:
    """
    Return the folder for temporary files.

    Raises:
        OutputError: No folder may be written to, as in a read-only container.
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
    """Open a private temporary file in `folder`; on most systems it never has a name."""
    # Errors name the folder: nobody chose the name of the file, and it is gone after an error.
    return AtomicFile(
        folder / f"graphdaemon-{os.urandom(8).hex()}",
        private=True,
        label=f"a temporary file in {folder}",
    )
