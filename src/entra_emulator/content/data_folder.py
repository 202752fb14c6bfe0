"""An emulator's data folder: whose it is, and the database in it, made before it is served."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from entra_emulator.clock import Clock
from entra_emulator.content.export_files import Source
from entra_emulator.content.import_tenant import import_files
from entra_emulator.content.seed import Progress, Sizes, seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.kinds import KINDS
from entra_emulator.private_files import flush_folder, make_draft, remove_drafts

# The name of the database.
STORE = "directory.sqlite"

_T = TypeVar("_T")


class FolderInUse(Exception):  # noqa: N818 - the name says what happened
    """Another emulator has the data folder."""


class Filled(NamedTuple):
    """
    What was put into a folder.

    Args:
        objects: how many objects there are in each collection.
        lost: how many links of an import led to objects that were not imported.
        size: of the database, in bytes.
    """

    objects: dict[str, int]
    lost: int
    size: int


@contextlib.contextmanager
def hold_folder(data: Path) -> Iterator[None]:
    """
    Keep a data folder for this emulator alone, for the length of the block; make it if absent.

    The operating system frees it when the process ends, however that is.

    Raises:
        FolderInUse: another emulator has it.
        OSError: it cannot be used.
    """
    from filelock import lock_descriptor

    # For its owner alone: the keys that sign tokens will be in it.
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Windows opens no folders, so that a file in it is locked there.
    place = data if os.name == "posix" else data / "emulator.lock"
    flags = os.O_RDONLY if os.name == "posix" else os.O_RDWR | os.O_CREAT
    descriptor = os.open(place, flags, 0o600)
    try:
        if not lock_descriptor(descriptor, blocking=False):
            raise FolderInUse(
                f"another emulator uses the folder {data}. Stop it, or name another folder with "
                "--data."
            )
        remove_drafts(data)
        yield
    finally:
        os.close(descriptor)


def fill_folder(
    data: Path,
    sizes: Sizes,
    *,
    seed: int = 0,
    sources: Sequence[Source] = (),
    progress: Progress = lambda *_: None,
) -> Filled:
    """
    Make a tenant in a folder, drawn or, where there are sources, imported; all or nothing.

    Raises:
        FileExistsError: there is a tenant already.
        FolderInUse: an emulator is serving it.
        ExportFileError: a source is not what it should be.
        OSError: the folder cannot be used, or there is no room in it.
    """
    path = data / STORE

    def fill(directory: Directory) -> tuple[dict[str, int], int]:
        if sources:
            lost = import_files(directory, sources).lost
        else:
            lost = 0
            seed_directory(directory, **sizes._asdict(), seed=seed, progress=progress)
        return _count(directory), lost

    with hold_folder(data):
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        return Filled(*make_store(path, fill), path.stat().st_size)


def make_store(path: Path, fill: Callable[[Directory], _T], *, clock: Clock | None = None) -> _T:
    """
    Make a new database file with what `fill` puts into it, all or nothing.

    Raises:
        OSError: there is no room for it.
    """
    # Filled under another name, so that a run that was killed leaves nothing that could be served.
    with explaining_store(path), make_draft(path.parent) as draft:
        directory = Directory(draft, clock=clock, draft=True)
        try:
            filled = fill(directory)
        finally:
            directory.close()
        draft.replace(path)
    flush_folder(path.parent)
    return filled


@contextlib.contextmanager
def explaining_store(path: Path) -> Iterator[None]:
    """
    Turn what SQLite says of a file that it cannot write into an `OSError`.

    Raises:
        OSError: there is no room for it, or it cannot be opened.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        # SQLite calls a full disk FULL, and a file that may not grow any more IOERR.
        full = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
        number = errno.ENOSPC if full else errno.EACCES
        raise OSError(number, os.strerror(number), str(path)) from error


def _count(directory: Directory) -> dict[str, int]:
    (tenant,) = directory.tenants.list_all()
    counts = {
        kind.collection: directory.collections.count(tenant, name) for name, kind in KINDS.items()
    }
    return {name: count for name, count in counts.items() if count}
