"""Files that no program of this project has written, as they stand where it would write."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Snapshot(NamedTuple):
    """What must not change of a file that is somebody else's."""

    mode: int
    modified_at: int
    inode: int
    content: bytes


def look_at(path: Path) -> Snapshot:
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(path.stat().st_mode) else b""
    return Snapshot(status.st_mode, status.st_mtime_ns, status.st_ino, content)


def _write(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(0o644)

    return make


def _link(path: Path) -> None:
    target = path.with_name("target of the link")
    target.write_text("notes")
    path.symlink_to(target)


FOREIGN: dict[str, Callable[[Path], None]] = {
    "notes": _write(b"buy milk\n"),
    "settings": _write(b'{"client_id": "c", "secret": "s"}'),
    "records": _write(b'{"id": "1"}\n#{"commit":1}\n'),
    "key": _write(b"-----BEGIN PRIVATE KEY-----\n"),
    "binary": _write(bytes(range(256)) * 40),
    "blank": _write(b"\n"),
    "link": _link,
}
"""Ways to make a file that is somebody else's, by what it is."""

SPECIAL: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link to a device": lambda path: path.symlink_to("/dev/null"),
}
"""Ways to make what is not a regular file."""
