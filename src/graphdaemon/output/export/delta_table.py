"""Export a collection as a Delta Lake table; only this module uses deltalake, an extra."""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import Error, OutputError, UsageError
from graphdaemon.output.arrow.pyarrow_import import load_pyarrow
from graphdaemon.output.export.exported_frame import ExportedFrame
from graphdaemon.store.current import (
    CurrentRecord,
    changed_records,
    current_records,
    knows_changes_after,
)
from graphdaemon.store.rows import Position
from graphdaemon.store.store import Store

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_NAME = "graphdaemon {collection}"
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""What the tables are called that may be written to."""


def require_deltalake() -> None:
    """
    Check that the package deltalake is installed.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import deltalake  # noqa: F401  whether it can be is all that is asked
    except ImportError:
        raise UsageError(
            "Delta Lake needs deltalake, which is not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[delta]'.",
        ) from None


def write_delta(
    store: Store,
    collection: str,
    frame: ExportedFrame,
    positions: Mapping[int, Position],
    folder: Path,
) -> int | None:
    """
    Update a Delta table to the current records of a collection, in one commit.

    The commit notes up to which run of each tenant the table is now. The next time, only the
    records that have changed since are merged into it. A table with other columns is written anew.

    Args:
        store: The store.
        collection: The name of the collection.
        frame: The columns of the table.
        positions: The last run of each tenant, by the number of the tenant.
        folder: The folder of the table, which is created if it does not exist.

    Returns:
        How many records were written or deleted; None if nothing had changed.

    Raises:
        OutputError: The disk is full, or a value does not fit its column; the table is unchanged.
        UsageError: The folder contains something else.
        StoreError: The store cannot be read.
    """
    from deltalake import DeltaTable, Transaction

    ids = {tenant.number: tenant.id for tenant in store.tenants()}
    names = {number: f"graphdaemon/{ids[number]}/{collection}" for number in positions}
    with _explaining(folder):
        table = DeltaTable(str(folder)) if DeltaTable.is_deltatable(str(folder)) else None
    _refuse_foreign(table, collection, folder)
    known = {
        number: table.transaction_version(name) if table is not None else None
        for number, name in names.items()
    }
    if table is not None and not _has_columns(table, frame):
        known = dict.fromkeys(known)
    elif known == {number: position.run for number, position in positions.items()}:
        return None
    commit = _note_runs(
        [Transaction(name, positions[number].run) for number, name in names.items()]
    )
    return _Writing(store, collection, frame, folder, commit).write(table, known)


class _Writing:
    """Makes one commit to a table."""

    def __init__(
        self,
        store: Store,
        collection: str,
        frame: ExportedFrame,
        folder: Path,
        commit: "CommitProperties",
    ) -> None:
        self._store = store
        self._collection = collection
        self._frame = frame
        self._folder = folder
        self._commit = commit
        self._count = 0
        self._failure: Error | None = None

    def write(self, table: "DeltaTable | None", known: Mapping[int, int | None]) -> int:
        """Write what has changed since the runs in `known`, or everything; return the number."""
        runs = {number: run for number, run in known.items() if run is not None}
        is_whole = len(runs) == len(known) and all(
            knows_changes_after(self._store, number, self._collection, run)
            for number, run in runs.items()
        )
        with _explaining(self._folder, self):
            if table is not None and is_whole:
                self._merge(table, runs)
            else:
                self._overwrite()
        return self._count

    def raise_failure(self) -> None:
        """Raise the error that ended the reading of records: deltalake reports only its text."""
        if self._failure is not None:
            raise self._failure from None

    def _overwrite(self) -> None:
        from deltalake import write_deltalake

        with closing(current_records(self._store, self._collection)) as records:
            write_deltalake(
                str(self._folder),
                self._read(records),
                mode="overwrite",
                schema_mode="overwrite",
                name=_NAME.format(collection=self._collection),
                commit_properties=self._commit,
            )

    def _merge(self, table: "DeltaTable", runs: Mapping[int, int]) -> None:
        with closing(self._list_changed(runs)) as records:
            merger = table.merge(
                self._read(records),
                "t.tenant = s.tenant AND t.id = s.id",
                source_alias="s",
                target_alias="t",
                commit_properties=self._commit,
            )
            merger.when_matched_delete("s.valid_from IS NULL")
            merger.when_matched_update_all()
            merger.when_not_matched_insert_all("s.valid_from IS NOT NULL")
            merger.execute()

    def _list_changed(self, runs: Mapping[int, int]) -> Generator[list[CurrentRecord]]:
        for number, run in runs.items():
            yield from changed_records(self._store, number, self._collection, run)

    def _read(self, records: Iterator[list[CurrentRecord]]) -> Any:
        arrow = load_pyarrow()
        batches = self._frame.read_batches(self._watch(records))
        return arrow.RecordBatchReader.from_batches(self._frame.schema, self._keep(batches))

    def _watch(self, records: Iterator[list[CurrentRecord]]) -> Iterator[list[CurrentRecord]]:
        for some in records:
            self._count += len(some)
            yield some

    def _keep(self, batches: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from batches
        except Error as error:
            self._failure = error
            raise


def _refuse_foreign(table: "DeltaTable | None", collection: str, folder: Path) -> None:
    if table is None:
        is_foreign = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    else:
        is_foreign = table.metadata().name != _NAME.format(collection=collection)
    if is_foreign:
        raise UsageError(
            f"{folder} contains something that graphdaemon has not exported, and was left as it is",
            code="file_foreign",
            hint="Name another folder, or move this one away.",
        )


def _has_columns(table: "DeltaTable", frame: ExportedFrame) -> bool:
    """Return whether a table has the columns of `frame`, with the same types."""
    from deltalake import Schema

    needed = Schema.from_arrow(frame.schema)
    return [(field.name, field.type) for field in table.schema().fields] == [
        (field.name, field.type) for field in needed.fields
    ]


def _note_runs(transactions: list[Any]) -> "CommitProperties":
    from deltalake import CommitProperties

    return CommitProperties(app_transactions=transactions)


def _read_errno(error: Exception) -> int | None:
    """Return the errno of an error, which deltalake puts into its message; None without one."""
    match = _OS_ERROR.search(str(error))
    return int(match[1]) if match else getattr(error, "errno", None)


@contextmanager
def _explaining(folder: Path, writing: _Writing | None = None) -> Iterator[None]:
    """Turn the errors that deltalake raises in the block into `OutputError`."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError) as error:
        if writing is not None:
            writing.raise_failure()
        reason = str(error).partition("\n")[0]
        raise OutputError(
            f"The table in {folder} could not be read or written: {reason}",
            code="output_failed",
            hint=f"{advise(_read_errno(error), 'name another folder')} The table is unchanged.",
        ) from None
