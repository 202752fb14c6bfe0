"""Create or check the file of an SQLite store before SQLite opens it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from graphdaemon.diagnosis.file_errors import FORBIDDEN, NO_ROOM, advise
from graphdaemon.errors import StoreError
from graphdaemon.sharing.private_files import ForeignFileError, open_private

APPLICATION_ID = 0x67644462
"""The application ID in the SQLite header of a store's file, which is "gdDb" in ASCII."""

# The first bytes of an SQLite file, and the place of the application ID ("Database File Format",
# 1.3, sqlite.org).
_MAGIC = b"SQLite format 3\0"
_ID_AT = slice(68, 72)


def make_file(path: Path, shown: str) -> None:
    """
    Create the empty file of a new store, with access for its owner alone.

    Raises:
        StoreError: The file cannot be created.
    """
    if not path.parent.is_dir():
        raise StoreError(
            f"The store {shown} cannot be created: there is no folder {path.parent}",
            code="store_missing",
            hint="Create the folder, or name another file.",
        )
    with explaining_files(shown):
        os.close(open_private(path))


def holds_store(path: Path, shown: str) -> bool:
    """
    Return whether a file contains a store; False for an empty file, which can become one.

    Raises:
        StoreError: The file contains something else, or cannot be read.
    """
    with explaining_files(shown):
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refuse_foreign(shown, "is not a regular file")
        with path.open("rb") as file:
            head = file.read(100)
    if not head:
        return False
    if not head.startswith(_MAGIC):
        raise _refuse_foreign(shown, "is not an SQLite database")
    if int.from_bytes(head[_ID_AT]) != APPLICATION_ID:
        raise _refuse_foreign(shown, "is another program's database")
    return True


class FileState(NamedTuple):
    """The identity of the file at a path, its size in bytes, and the time of its last change."""

    device: int
    inode: int
    size: int
    changed_ns: int

    def is_same_file(self, other: "FileState") -> bool:
        """Return whether both are states of the same file, whatever its size and time are."""
        return (self.device, self.inode) == (other.device, other.inode)


def look_at(path: Path, shown: str) -> FileState:
    """
    Return the state of the file at a path.

    Raises:
        StoreError: There is no file.
    """
    try:
        status = path.stat()
    except OSError:
        raise refuse_moved(shown) from None
    return FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def refuse_moved(shown: str) -> StoreError:
    """Return the error for a file that was moved or deleted, so that nobody would see a write."""
    return StoreError(
        f"The file of the store {shown} was moved or deleted while it was in use",
        code="store_gone",
        hint="Put it back, or run the command again to create a new one. Nothing is half written.",
    )


def may_write(path: Path) -> bool:
    """Return whether this user may write to a file, and create others beside it, as SQLite does."""
    checks = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    return all(os.access(place, os.W_OK, **checks) for place in (path, path.parent))


@contextmanager
def explaining_files(shown: str) -> Iterator[None]:
    """Turn errors of the operating system in the block into `StoreError`."""
    try:
        yield
    except ForeignFileError as error:
        raise _refuse_foreign(shown, str(error.strerror)) from None
    except OSError as error:
        raise explain_system(error, shown) from error


def explain_system(error: OSError, shown: str) -> StoreError:
    """Return the `StoreError` for an error of the operating system."""
    reason = error.strerror or type(error).__name__
    if error.errno in NO_ROOM:
        return StoreError(
            f"There is no room for the store {shown}: {reason}",
            code="store_full",
            hint=f"{advise(error.errno, 'name another store')} The command fetches again what was "
            "not committed.",
        )
    if error.errno in FORBIDDEN:
        return StoreError(
            f"This user may not open or write the store {shown}: {reason}",
            code="store_readonly",
            hint=advise(error.errno, "name another store"),
        )
    return StoreError(
        f"The store {shown} cannot be used: {reason}",
        code="store_gone",
        hint=advise(error.errno, "name another store"),
    )


def _refuse_foreign(shown: str, reason: str) -> StoreError:
    return StoreError(
        f"The store {shown} {reason}, and was left as it is",
        code="store_unreadable",
        hint="Name another file. A file that does not exist is created.",
    )
