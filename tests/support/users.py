"""Acting as a user who owns nothing, where this process may."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_for_others() -> Iterator[Path]:
    """A folder that other users may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="shared") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def acting_as_another_user() -> Iterator[None]:
    """Be nobody, if this process is root; else who it is, whom the file's mode alone keeps out."""
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody")
    os.setegid(nobody.pw_gid)
    os.seteuid(nobody.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
