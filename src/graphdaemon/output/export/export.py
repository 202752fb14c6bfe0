"""Export the collections of a store to a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError, UsageError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.output.export.exported_frame import make_frame
from graphdaemon.sharing.private_files import make_private_folder
from graphdaemon.store.current import list_positions
from graphdaemon.store.store import Store

ExportFormat = Literal["parquet", "delta"]


class Exported(NamedTuple):
    """
    The result of the export of a collection.

    Attributes:
        collection: The name of the collection.
        path: The file, or the folder of the table.
        records: How many records were written; None if the table was up to date already.
    """

    collection: str
    path: Path
    records: int | None


def export_store(
    store: Store, collections: Sequence[str], format_: ExportFormat, folder: Path
) -> Iterator[Exported]:
    """
    Export collections of a store, each to a file or a table of its own in `folder`.

    Args:
        store: The store.
        collections: The names of the collections; empty for all that the store has.
        format_: `parquet` for files, or `delta` for Delta Lake tables.
        folder: The folder, which is created if it does not exist.

    Yields:
        The result for each collection, when it has been exported.

    Raises:
        UsageError: A collection is unknown or not in the store, a package is missing, or the
            folder of a table contains something else.
        OutputError: The disk is full, the folder cannot be created, or a value does not fit its
            column. The file or table that was there before is unchanged.
        StoreError: The store cannot be read.
    """
    chosen = _choose(store, collections)
    try:
        make_private_folder(folder)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror or type(error).__name__}",
            code="output_failed",
            hint=advise(error.errno, "name another folder"),
        ) from None
    for collection in chosen:
        positions = list_positions(store, collection)
        frame = make_frame(collection, positions.values())
        table = STORED_COLLECTIONS[collection].table
        if format_ == "parquet":
            from graphdaemon.output.export.parquet_file import write_parquet

            path = folder / f"{table}.parquet"
            yield Exported(collection, path, write_parquet(store, collection, frame, path))
        else:
            from graphdaemon.output.export.delta_table import require_deltalake, write_delta

            require_deltalake()
            path = folder / table
            written = write_delta(store, collection, frame, positions, path)
            yield Exported(collection, path, written)


def _choose(store: Store, collections: Sequence[str]) -> list[str]:
    unknown = [name for name in collections if name not in STORED_COLLECTIONS]
    if unknown:
        raise UsageError(
            f"{unknown[0]} is not a collection that a store keeps",
            code="option_invalid",
            hint=f"Name {', '.join(STORED_COLLECTIONS)}.",
        )
    kept = [name for name in STORED_COLLECTIONS if list_positions(store, name)]
    missing = [name for name in collections if name not in kept]
    if missing or not kept:
        raise UsageError(
            f"The store {store.shown} has no {missing[0] if missing else 'records yet'}",
            code="option_invalid",
            hint=f"Run graphdaemon sync {missing[0] if missing else ''}".rstrip() + " first.",
        )
    return list(collections) or kept
