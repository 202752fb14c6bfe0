"""Files that only their owner may read, locks between processes, and the user's cache folder."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# Short beside the request that a lock guards, so that whoever waits loses little by looking again.
_POLL_S = 0.02

if sys.platform == "win32":
    import msvcrt

    _TRY, _WAIT, _FREE = msvcrt.LK_NBLCK, msvcrt.LK_LOCK, msvcrt.LK_UNLCK
    # Windows lets nobody else read or write a locked byte, so the one we lock lies behind any
    # content that another process reads; 31 bits is as far as its C library seeks.
    _LOCK_BYTE = 2**31 - 2

    def _lock(descriptor: int, operation: int) -> None:
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCK_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, operation, 1)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)
else:
    import fcntl

    _TRY, _WAIT, _FREE = fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_EX, fcntl.LOCK_UN
    _lock = fcntl.flock


def cache_folder() -> Path:
    """Where this user's programs keep what can be made anew; it need not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "graphdaemon"


def make_private_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for its owner alone; keep one that exists."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_private(path: str | Path, flags: int) -> int:
    """
    Open `path`, made for its owner alone if it is not there: an `opener` for `open`.

    It is created with its mode, not changed afterwards: at no moment can others read it.
    """
    return os.open(path, flags | os.O_CREAT, 0o600)


def replace_private(path: Path, content: bytes, *, durable: bool = False) -> None:
    """
    Put `content` in the place of `path`: a reader sees the old file or the new one, never a part.

    A `durable` file survives a power cut once this returns. It has one writer at a time, so its
    draft has a fixed name: one that a killed process left behind is overwritten. Other files may
    have many writers, each with a draft of its own.

    Raises:
        OSError: It cannot be written; the old file is still there.
    """
    draft = path.with_name(f"{path.name}.{'draft' if durable else os.getpid()}")
    try:
        with open(draft, "wb", opener=open_private) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    if durable:
        flush_folder(path.parent)


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


def try_lock(descriptor: int) -> bool:
    """
    Lock an open file unless another process has; say whether it is ours now.

    The operating system frees the lock when the file is closed, even by a process that dies.
    """
    try:
        _lock(descriptor, _TRY)
    except (BlockingIOError, PermissionError):
        # Windows says PermissionError of a lock that others hold, everything else BlockingIOError.
        return False
    return True


@contextlib.contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Wait for the lock of an open file, and hold it for the length of the block."""
    _lock(descriptor, _WAIT)
    try:
        yield
    finally:
        _lock(descriptor, _FREE)


@contextlib.contextmanager
def hold_lock(
    path: Path, patience: float, busy: str, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """
    Lock the file `path`, which serves for that alone and is made if absent, while the block runs.

    Raises:
        TimeoutError: Another process kept it for longer than `patience` seconds; its message is
            `busy`.
        OSError: The file cannot be made.
    """
    descriptor = open_private(path, os.O_RDWR)
    try:
        waited = 0.0
        while not try_lock(descriptor):
            if waited >= patience:
                raise TimeoutError(busy)
            sleep(_POLL_S)
            waited += _POLL_S
        yield
    finally:
        os.close(descriptor)
