"""Read a file that settings name: text, a key, a certificate."""

import errno
import os
from pathlib import Path

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
