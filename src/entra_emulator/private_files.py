"""
Files of the data folder: whole or absent, and private ones only their owner's from the start.

Also how a small file is read that a person names.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 1 << 24
"""Descriptions of tenants, faults and certificates have a thousandth of this."""

_DRAFT = re.compile(r"\.emulator-[0-9a-f]{16}\.part")


def read_small_file(path: Path) -> bytes:
    """
    Return the content of a file that should be small.

    A name may lead elsewhere by mistake, and a device such as /dev/zero has no end.

    Raises:
        OSError: it cannot be read.
        ValueError: it has more than `MOST_BYTES`.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"this has more than {MOST_BYTES:,} bytes")
    return content


def write_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """
    Write a file in one step, by default one that only its owner may read.

    A power cut leaves the old file or the new one.

    Raises:
        OSError: it cannot be written; the old file is still there.
    """
    with make_draft(path.parent, mode=mode) as draft:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    flush_folder(path.parent)


@contextlib.contextmanager
def make_draft(folder: Path, *, mode: int = 0o600) -> Iterator[Path]:
    """An empty file of a name that nobody can foresee; it is removed unless it gets another."""
    draft = folder / f".emulator-{secrets.token_hex(8)}.part"
    # With O_EXCL the draft is never a file, or a link, that somebody else put there.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def remove_drafts(folder: Path) -> None:
    """Remove what a process that was killed left behind; nobody may be writing meanwhile."""
    for path in folder.iterdir():
        if _DRAFT.fullmatch(path.name) and path.is_file():
            path.unlink()


def flush_folder(folder: Path) -> None:
    """Make sure that a change of names in a folder survives a power cut."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_private(path: Path) -> None:
    """Let nobody but its owner read a file that is there."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)
