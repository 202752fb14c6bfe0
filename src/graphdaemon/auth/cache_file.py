"""Sealed tokens as files of one folder, for all processes of one user on one machine."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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
        self._folder = folder or default_folder()
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
        self._make_folder()
        draft = self._folder / f"{name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(self._folder / name)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """
        Hold `name`; the operating system frees it if this process dies.

        Raises:
            OSError: Not to be had in time, or the folder cannot be used.
        """
        self._make_folder()
        path = self._folder / f"{name}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait(self, descriptor: int) -> None:
        waited = 0.0
        while not _try_lock(descriptor):
            if waited >= self._patience:
                raise TimeoutError("another process has been asking for a token for too long")
            self._sleep(_POLL_S)
            waited += _POLL_S

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def default_folder() -> Path:
    """Where this user's programs keep what can be made anew."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "graphdaemon"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "graphdaemon"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graphdaemon"


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
