"""Locks between processes; the operating system frees those of a process that has ended."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from graphdaemon.sharing.private_files import open_private

# Short beside the request that a lock guards, so that whoever waits loses little by looking again.
_POLL_S = 0.02
# The bucket of a throttle budget is locked for less than a millisecond.
_SHORT_POLL_S = 0.001


def try_lock(descriptor: int) -> bool:
    """
    Lock an open file unless somebody else has; say whether it is ours from here on.

    The operating system frees the lock when the file is closed, even by a process that dies. While
    it is held, Windows lets nobody else read the file's first byte.

    Raises:
        OSError: The file system has no locks.
    """
    # Not at the top: most runs lock nothing, and it takes half as long as the start of the program.
    from filelock import lock_descriptor

    return lock_descriptor(descriptor, blocking=False)


@contextlib.contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Wait for the lock of an open file, and hold it for the length of the block."""
    from filelock import lock_descriptor, unlock_descriptor

    lock_descriptor(descriptor, poll_interval=_SHORT_POLL_S)
    try:
        yield
    finally:
        unlock_descriptor(descriptor)


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
    descriptor = open_private(path)
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
