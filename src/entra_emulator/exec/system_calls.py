"""System calls of Linux that Python does not offer, or only from 3.12 on."""

import ctypes
import os
import signal

# <linux/sched.h>: what `unshare` parts from the caller's.
NEW_MOUNTS = 0x0002_0000
NEW_USER = 0x1000_0000
NEW_PROCESSES = 0x2000_0000
NEW_NETWORK = 0x4000_0000

# <linux/mount.h>
NO_SETUID, NO_DEVICES, NO_PROGRAMS = 0x2, 0x4, 0x8
BIND, RECURSIVE, SLAVE = 0x1000, 0x4000, 0x8_0000

# <linux/prctl.h>
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """
    Give this process namespaces of its own.

    Raises:
        OSError: the system refuses, or has no such namespaces.
    """
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, *, kind: str = "", flags: int = 0, options: str = "") -> None:
    """
    Mount a file system, or bind a file or folder over another.

    Raises:
        OSError: the system refuses.
    """
    texts = (os.fsencode(text) for text in (source, target, kind))
    done = _libc.mount(*texts, ctypes.c_ulong(flags), os.fsencode(options))
    _check(done, f"mount {target}")


def die_with_parent() -> None:
    """Let the system kill this process when the thread that has forked it ends."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    # Variadic: the system reads whole registers, and an int would leave half of one undefined.
    words = (ctypes.c_ulong(word) for word in (value, 0, 0, 0))
    _check(_libc.prctl(ctypes.c_int(option), *words), "prctl")


def _check(done: int, call: str) -> None:
    if done:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
