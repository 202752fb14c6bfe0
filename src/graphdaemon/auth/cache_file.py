"""The token cache as files of one folder, for all processes of one user on one machine."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from graphdaemon.sharing.file_lock import hold_lock
from graphdaemon.sharing.private_files import (
    cache_folder,
    make_private_folder,
    replace_private,
    warn_if_shared,
)

# The first bytes of every entry, whatever its format's number: no other file is replaced.
BEGINNING = b"gdt"


class FileBackend:
    """
    A folder with one file for each entry, and one to lock it; made if absent, for this user alone.

    It is by default in the user's cache folder. `patience` is how many seconds to wait for another
    process that holds a lock.
    """

    def __init__(
        self, folder: Path | None, patience: float, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._folder = folder or cache_folder()
        self._patience = patience
        self._sleep = sleep

    def read(self, name: str) -> bytes | None:
        """The file's content, or None."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes, life: float) -> None:  # noqa: ARG002  the protocol's
        """Replace the file in one step, unless it is no entry."""
        make_private_folder(self._folder)
        warn_if_shared(self._folder)
        replace_private(self._folder / name, content, beginning=BEGINNING)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold `name`, or raise `OSError`; the operating system frees it if this process dies."""
        make_private_folder(self._folder)
        return hold_lock(
            self._folder / f"{name}.lock",
            self._patience,
            "another process has been asking for a token for too long",
            sleep=self._sleep,
        )
