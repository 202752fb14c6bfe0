"""Sealed tokens as files of one folder, for all processes of one user on one machine."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from graphdaemon.sharing.private_files import (
    cache_folder,
    make_private_folder,
    open_private,
    replace_private,
    try_lock,
)

_POLL_S = 0.02


class FilePlace:
    """
    A folder with one file for each entry, and one to lock it.

    Args:
        folder: Made if absent, for this user alone; by default the user's cache folder.
        patience: Seconds to wait for whoever holds a lock.
        sleep: Waits between looks at the lock.
    """

    def __init__(
        self,
        folder: Path | None,
        patience: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
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

    def write(self, name: str, content: bytes, life: float) -> None:  # noqa: ARG002  Place's form
        """Replace the file at once: a reader sees the old or the new one, never a part."""
        make_private_folder(self._folder)
        replace_private(self._folder / name, content)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """
        Hold `name`; the operating system frees it if this process dies.

        Raises:
            OSError: Not to be had in time, or the folder cannot be used.
        """
        make_private_folder(self._folder)
        descriptor = open_private(self._folder / f"{name}.lock", os.O_RDWR)
        try:
            self._wait(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        waited = 0.0
        while not try_lock(descriptor):
            if waited >= self._patience:
                raise TimeoutError("another process has been asking for a token for too long")
            self._sleep(_POLL_S)
            waited += _POLL_S
