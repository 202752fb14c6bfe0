"""Files that settings name, and the settings file itself: their content, and who can read them."""

import contextlib
import errno
import logging
import os
import stat
from functools import cache
from pathlib import Path

from graphdaemon.settings.text import quote_for_shell

logger = logging.getLogger(__name__)

MOST_BYTES = 1 << 24
"""A large bundle of certificates has a megabyte, and every other such file a few thousand bytes."""


def read_small_file(path: Path) -> bytes:
    """
    Return the content of a file that should be small.

    A name may lead elsewhere by mistake, and a device such as /dev/zero has no end.

    Raises:
        OSError: It cannot be read, or has more than `MOST_BYTES` (EFBIG).
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


@cache
def warn_if_readable(path: Path, reason: str) -> None:
    """Log once if others can read `path`; `reason` says why they should not: `holds a secret`."""
    # On Windows the mode says nothing of who may read.
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            logger.warning(
                "%s %s, and others can read it (mode %o): chmod 600 %s",
                path,
                reason,
                mode,
                quote_for_shell(path),
            )
