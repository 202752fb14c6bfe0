"""Make the database in an emulator's data folder, before it is served."""

import errno
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from entra_emulator.clock import Clock
from entra_emulator.content.export_files import Source
from entra_emulator.content.import_tenant import import_files
from entra_emulator.content.seed import Progress, Sizes, seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.kinds import KINDS

# The name of the database.
STORE = "directory.sqlite"

_T = TypeVar("_T")


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
        ExportFileError: a source is not what it should be.
        OSError: the folder cannot be used, or there is no room in it.
    """
    path = data / STORE
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))

    def fill(directory: Directory) -> tuple[dict[str, int], int]:
        if sources:
            lost = import_files(directory, sources).lost
        else:
            lost = 0
            seed_directory(directory, **sizes._asdict(), seed=seed, progress=progress)
        return _count(directory), lost

    # For its owner alone: the keys that sign tokens will be in it.
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Filled(*make_store(path, fill), path.stat().st_size)


def make_store(path: Path, fill: Callable[[Directory], _T], *, clock: Clock | None = None) -> _T:
    """
    Make a new database file with what `fill` puts into it, all or nothing.

    Raises:
        OSError: there is no room for it.
    """
    # Filled under another name, so that a run that was killed leaves nothing that could be served.
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    try:
        directory = Directory(draft, clock=clock, draft=True)
        try:
            filled = fill(directory)
        finally:
            directory.close()
        draft.rename(path)
    except sqlite3.OperationalError as error:
        # A full disk, or a file larger than this process may write.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
    return filled


def _count(directory: Directory) -> dict[str, int]:
    (tenant,) = directory.tenants.list_all()
    counts = {
        kind.collection: directory.collections.count(tenant, name) for name, kind in KINDS.items()
    }
    return {name: count for name, count in counts.items() if count}
